"""A circuit breaker, which stops asking a dead server for a while."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Lock

from pytest_koderz.core.errors import ModelUnavailable


class Breaker:
    """Counts the calls in a row that a server left unanswered after all retries.

    At *limit* it opens: for *rest* seconds nobody asks. Then one caller may try while the others are still refused;
    an answer closes it, another failure opens it anew. One breaker serves the threads of a process.
    """

    def __init__(
        self, host: str, limit: int = 3, rest: float = 30.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.host = host
        self.limit = limit
        self.rest = rest
        self._clock = clock
        self._lock = Lock()
        self._failures = 0
        self._closed_until = 0.0
        self._reason = ""

    def admit(self) -> None:
        """Raise ModelUnavailable while the server rests. The caller must then ask it."""
        with self._lock:
            self._refuse_while_open()
            if self._failures >= self.limit:
                # Whoever comes first is the trial; it fails or succeeds before the next rest ends.
                self._closed_until = self._clock() + self.rest

    def check(self) -> None:
        """Raise ModelUnavailable while the server rests. The trial is left to others."""
        with self._lock:
            self._refuse_while_open()

    def _refuse_while_open(self) -> None:
        left = self._closed_until - self._clock()
        if self._failures >= self.limit and left > 0:
            raise ModelUnavailable(
                f"{self.host}: {self._failures} calls in a row had no answer, so it is not asked for {left:.0f} s; "
                f"the last: {self._reason}"
            )

    def answered(self) -> None:
        with self._lock:
            self._failures = 0

    def failed(self, reason: str) -> None:
        with self._lock:
            self._failures += 1
            self._reason = reason
            self._closed_until = self._clock() + self.rest
