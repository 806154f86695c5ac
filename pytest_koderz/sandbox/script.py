"""What calls a set of tests is known to make."""

from __future__ import annotations

from .session import MOST_AHEAD


class Script:
    """The calls that a set of tests makes, noted run by run. Once they stay the same they are sent ahead."""

    def __init__(self) -> None:
        self._calls: list[bytes] | None = None
        self._steady = False
        self._erratic = False

    @property
    def ahead(self) -> list[bytes]:
        """What may be sent before it is asked for."""
        return self._calls if self._calls and self._steady and not self._erratic else []

    def note(self, calls: list[bytes]) -> None:
        """Learn from the calls of one run, which may have ended early."""
        if self._calls is None:
            self._calls = calls if sum(map(len, calls)) < MOST_AHEAD else []
        elif calls == self._calls:
            self._steady = True
        elif calls != self._calls[: len(calls)]:
            self._erratic = True
