"""What every room that reads a user's file or option raises."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from .visible_text import visible

MOST = 10
"""Mistakes of one file that are told at once."""


class UsageError(Exception):
    """The user's mistake, in one line: where it stands and what would be right. pytest exits with 4.

    Of a file it may be several, a line each.
    """

    def __str__(self) -> str:
        """As it may be shown: a file's own words stand in it."""
        return visible(super().__str__())


@contextmanager
def permitted() -> Iterator[None]:
    """A path that the system does not let this user look at is a UsageError, wherever within it was needed."""
    try:
        yield
    except PermissionError as fault:
        if fault.filename is None:
            raise
        raise UsageError(f"{fault.filename}: {fault.strerror}") from None


@dataclass(slots=True)
class Mistakes:
    """Those of one file, which its writer wants to hear of at once."""

    found: list[str] = field(default_factory=list)

    @contextmanager
    def noted(self) -> Iterator[None]:
        """A UsageError that is raised within is kept for `tell`."""
        try:
            yield
        except UsageError as fault:
            self.found += str(fault).splitlines()

    def tell(self) -> None:
        """Raises UsageError where any was found, each once."""
        told = list(dict.fromkeys(self.found))
        more = [f"and {len(told) - MOST} more"] if len(told) > MOST else []
        if told:
            raise UsageError("\n".join([*told[:MOST], *more]))
