"""What every room that reads a user's file or option raises."""

from __future__ import annotations

from .visible_text import visible


class UsageError(Exception):
    """The user's mistake, in one line: where it stands and what would be right. pytest exits with 4."""

    def __str__(self) -> str:
        """As it may be shown: a file's own words stand in it."""
        return visible(super().__str__())
