"""A circuit breaker, which lets a dead server rest while its callers wait for it."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Lock

from pytest_koderz.core.errors import ModelUnavailable


class Breaker:
    """Knows of the outages of a server: an outage begins with a call that no retry has helped, and ends with an answer.

    Meanwhile the server rests, for half as long as it has been out, but at least 1 s and at most *longest*. Then one
    caller may try while the others wait. Who has waited for *patience* seconds of an outage waits no longer, and after
    *limit* failures nobody begins to: until a trial is answered, calls fail at once. One breaker serves the threads of
    a process.
    """

    def __init__(
        self,
        host: str,
        patience: float = 0.0,
        limit: int = 3,
        longest: float = 30.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.host = host
        self.patience = patience
        self.limit = limit
        self.longest = longest
        self.clock = clock
        self.answers = 0
        """How many there were in all."""
        self._lock = Lock()
        self._failures = 0
        self._since: float | None = None
        self._closed_until = 0.0
        self._reason = ""
        self._told = False

    @property
    def out(self) -> bool:
        """Whether an outage is known that no answer has ended yet."""
        return self._since is not None

    def turn(self) -> float:
        """0: the caller must ask the server now. Else the seconds that it still rests. Raises ModelUnavailable where
        nobody waits any longer.
        """
        with self._lock:
            left = self._left()
            if self.out and not left:
                # Whoever comes first is the trial; it fails or succeeds before the next rest ends.
                self._closed_until = self.clock() + self.longest
            return left

    def rests(self) -> float:
        """The same, but the trial is left to others."""
        with self._lock:
            return self._left()

    def _left(self) -> float:
        now = self.clock()
        left = self._closed_until - now
        if self._since is None or left <= 0:
            return 0.0
        patient = self._since + self.patience - now
        if patient > 0:
            return min(left, patient)
        if self._failures < self.limit:
            return 0.0
        raise ModelUnavailable(
            f"{self.host}: {self._failures} calls in a row had no answer, so it is not asked for {left:.0f} s; "
            f"the last: {self._reason}"
        )

    def first_to_tell(self) -> str | None:
        """For the first who asks in an outage: how it shows. None for the others."""
        with self._lock:
            if self._since is None or self._told:
                return None
            self._told = True
            return self._reason

    def answered(self) -> float:
        """The seconds of the outage that ends with this answer; 0 where there was none."""
        with self._lock:
            lasted = 0.0 if self._since is None else self.clock() - self._since
            self.answers += 1
            self._failures, self._since, self._told = 0, None, False
            return lasted

    def failed(self, reason: str) -> None:
        with self._lock:
            now = self.clock()
            self._since = now if self._since is None else self._since
            self._failures += 1
            self._reason = reason
            self._closed_until = now + min(max((now - self._since) / 2, 1.0), self.longest)
