"""Several servers of one model: each call goes to the least busy one that answers."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from math import inf
from threading import Condition

from pytest_koderz.core.errors import ModelUnavailable

from .limits import POLL, Limits
from .rest import Breaker
from .retry import LOOK_AGAIN, Course, MayPass

SHORTEST_PAUSE = 1.0
"""Seconds for which a server that wants to be asked less often is left alone, at least."""


class Berth:
    """A server as its pool sees it."""

    def __init__(self, breaker: Breaker, slots: int | None, limits: Limits) -> None:
        self.breaker = breaker
        self.slots = slots
        """Calls at once. None: it is not known; it gets as many as fall to it."""
        self.limits = limits
        """Where its slots are shared with other processes."""
        self.in_flight = 0
        """Of this pool."""
        self.left_alone_until = 0.0
        """By the breaker's clock."""
        self.refuses = False
        """It does not have the model, or does not let us in."""

    @property
    def busy(self) -> float:
        """The share of it that is taken, by this pool."""
        return self.in_flight / (self.slots or 1)

    def wait(self) -> float:
        """Seconds until it is worth asking; infinite where nobody waits for it any longer."""
        if self.refuses:
            return inf
        try:
            rest = self.breaker.rests()
        except ModelUnavailable:
            return inf
        return max(rest, self.left_alone_until - self.breaker.clock(), 0.0)

    def taken(self) -> Callable[[], None] | None:
        """What gives a slot of it back. None: there is none."""
        if self.slots is None:
            return _nothing
        return self.limits.taken(self.slots)


def _nothing() -> None:
    """There is nothing to give back."""


class Pool:
    """The servers of a model, its own first. Several threads may use it."""

    def __init__(self, berths: Sequence[Berth], sleep: Callable[[float], None] = time.sleep) -> None:
        """*sleep* may raise OutOfBudget, which ends whatever waits."""
        self.berths = berths
        self.sleep = sleep
        self._changed = Condition()

    def place(self, among: Callable[[], Sequence[Berth]]) -> tuple[Berth, Callable[[], None]]:
        """The least busy of the servers that *among* gives, and what gives its slot back; waits until one has one."""
        while True:
            with self._changed:
                for berth in sorted(among(), key=lambda each: each.busy):
                    give_back = berth.taken()
                    if give_back is not None:
                        berth.in_flight += 1
                        return berth, lambda: self._left(berth, give_back)  # noqa: B023 - returned at once
                # Another process gives no sign.
                self._changed.wait(POLL)
            self.sleep(0.0)

    def _left(self, berth: Berth, give_back: Callable[[], None]) -> None:
        with self._changed:
            give_back()
            berth.in_flight -= 1
            self._changed.notify_all()

    def ready(self) -> list[Berth]:
        """Those that are worth asking now; where none is, the one that is soonest."""
        waits = [(berth.wait(), number) for number, berth in enumerate(self.berths)]
        now = [self.berths[number] for wait, number in waits if not wait]
        return now or [self.berths[min(waits)[1]]]

    def settled(self, is_there: Callable[[int], bool]) -> None:
        """Wait until one of the servers is there, as *is_there* says of it by number. Raises ModelUnavailable when
        patience has run out.
        """
        while not all(berth.refuses for berth in self.berths):
            for number, berth in enumerate(self.berths):
                if not berth.wait() and is_there(number):
                    return
            soonest = min((berth for berth in self.berths if not berth.refuses), key=Berth.wait)
            soonest.breaker.rests()
            self.sleep(min(soonest.wait(), LOOK_AGAIN))


class PoolCourse(Course):
    """The way of one call through a pool: to each server once, then where it ends, for as long as patience lasts."""

    def __init__(self, pool: Pool, time_outs: int) -> None:
        """*time_outs* is the number of retries after calls that ran into their time limit."""
        super().__init__(pool.sleep)
        self._pool = pool
        self._most_time_outs = time_outs
        self._tried: list[Berth] = []
        self._at: Berth | None = None
        self._give_back: Callable[[], None] = _nothing

    def __exit__(self, *fault: object) -> None:
        self.leave()
        super().__exit__(*fault)

    def next(self) -> int:
        """The number of the server that is asked now, of which a slot is kept."""
        self.leave()
        self._at, self._give_back = self._pool.place(self._choice)
        return self._pool.berths.index(self._at)

    def leave(self) -> None:
        """Give the slot back."""
        give_back, self._give_back = self._give_back, _nothing
        give_back()

    def refused(self) -> bool:
        """The server refuses all calls. Whether there is another one."""
        if self._at is not None:
            self._at.refuses = True
        return not all(berth.refuses for berth in self._pool.berths)

    def sleep(self, seconds: float) -> None:
        """Without the slot, which another call may use meanwhile."""
        self.leave()
        super().sleep(seconds)
        if self._at is not None:
            at = self._at
            _, self._give_back = self._pool.place(lambda: [at])

    def leaves(self, failure: MayPass) -> bool:
        if self._at is None or not failure.passing or self.time_outs > self._most_time_outs:
            return False
        self._tried.append(self._at)
        if failure.alive or failure.loading:
            pause = max(failure.retry_after or 0.0, SHORTEST_PAUSE)
            self._at.left_alone_until = self._at.breaker.clock() + pause
        return any(self._others())

    def is_shorter_elsewhere(self) -> bool:
        return any(berth is not self._at and not berth.wait() for berth in self._pool.berths)

    def _others(self) -> Iterator[Berth]:
        return (berth for berth in self._pool.berths if berth not in self._tried and not berth.wait())

    def _choice(self) -> Sequence[Berth]:
        return list(self._others()) or self._pool.ready()
