"""That the answers to calls under way are no longer wanted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from threading import Lock

from .errors import Withdrawn

NAP = 0.1
"""Seconds after which one who sleeps in a flight looks whether the answer is still wanted."""


class Withdrawal:
    """Of the calls of one flight, whose threads share it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._made = False
        self._cuts: list[Callable[[], None]] = []

    @property
    def made(self) -> bool:
        return self._made

    def make(self) -> None:
        """The calls under way are cut short, and none is sent any more."""
        with self._lock:
            self._made = True
            for cut in self._cuts:
                cut()

    @contextmanager
    def cutting(self, cut: Callable[[], None]) -> Iterator[None]:
        """Within the block *cut* is called when the withdrawal is made, by the thread that makes it; at once where it
        was made before.
        """
        with self._lock:
            self._cuts.append(cut)
            if self._made:
                cut()
        try:
            yield
        finally:
            with self._lock:
                self._cuts.remove(cut)


in_flight: ContextVar[Withdrawal | None] = ContextVar("in_flight", default=None)
"""That of the call under way, which a back end may heed. None: its answer is waited for in any case."""


def is_withdrawn() -> bool:
    """Whether the answer to the call under way is no longer wanted."""
    withdrawal = in_flight.get()
    return withdrawal is not None and withdrawal.made


def check_wanted() -> None:
    """For a call that is not sent yet. Raises Withdrawn."""
    if is_withdrawn():
        raise Withdrawn("its answer is no longer wanted")


def heeding(sleep: Callable[[float], None]) -> Callable[[float], None]:
    """*sleep*, from which a call that waits to be sent wakes up when it is withdrawn, by Withdrawn."""

    def slept(seconds: float) -> None:
        if in_flight.get() is None:
            sleep(seconds)
            return
        check_wanted()
        while seconds > 0:
            sleep(min(seconds, NAP))
            seconds -= NAP
            check_wanted()

    return slept
