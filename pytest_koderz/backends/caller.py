"""How a server is asked: within its limits, again where that may help, and not at all while it is dead."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from pytest_koderz.core.arm import ModelSettings

from .breaker import Breaker
from .hosts import shown
from .limits import Limits, folder_of
from .options import at_least
from .retry import MayPass, Patience, given_up, persistently

Answer = TypeVar("Answer")

OPTIONS: dict[str, type] = {"retries": int, "max_in_flight": int, "calls_per_minute": int}
"""The options of every back end that asks a server."""


WORTH_TELLING = 5.0
"""Seconds of waiting of which the user is told."""


def silent(line: str) -> None:
    """A `notify` for those who do not want to know."""


class Caller:
    """The calls of one model to one server. Several threads may use it."""

    def __init__(
        self,
        host: str,
        patience: Patience | None = None,
        breaker: Breaker | None = None,
        limits: Limits | None = None,
        sleep: Callable[[float], None] = time.sleep,
        notify: Callable[[str], None] = silent,
    ) -> None:
        self.host = host
        """As it may be told: without a password."""
        self.patience = patience or Patience()
        self.breaker = breaker or Breaker(host)
        self.limits = limits
        self._sleep = sleep
        self._notify = notify

    def __call__(self, attempt: Callable[[], Answer]) -> Answer:
        """What *attempt* returns. Raises ModelUnavailable when it fails for good."""
        self.breaker.admit()
        tries = 0

        def counted() -> Answer:
            nonlocal tries
            tries += 1
            return self._within_limits(attempt)

        try:
            answer = persistently(counted, self.patience, sleep=self._sleep, waits=self._told)
        except MayPass as failure:
            if not failure.alive:
                self.breaker.failed(str(failure))
            raise given_up(self.host, failure, tries) from None
        except Exception:
            # Any other error, such as an unknown model, is an answer of a server that lives.
            self.breaker.answered()
            raise
        self.breaker.answered()
        return answer

    def _told(self, failure: MayPass, wait: float) -> None:
        if wait >= WORTH_TELLING:
            self._notify(f"{self.host}: {failure}; asked again in {wait:.0f} s")

    def _within_limits(self, attempt: Callable[[], Answer]) -> Answer:
        if self.limits is None:
            return attempt()
        with self.limits.held():
            return attempt()


def caller_of(
    settings: ModelSettings,
    options: dict[str, object],
    url: str,
    sleep: Callable[[float], None] = time.sleep,
    notify: Callable[[str], None] = silent,
) -> Caller:
    """The caller that the options of *settings* ask for; they were checked before."""
    host = shown(url)
    numbers = {name: value for name, value in options.items() if name in OPTIONS and isinstance(value, int)}
    for name, value in numbers.items():
        at_least(settings, name, value, 0 if name == "retries" else 1)
    limits = None
    if "max_in_flight" in numbers or "calls_per_minute" in numbers:
        in_flight, per_minute = numbers.get("max_in_flight"), numbers.get("calls_per_minute")
        limits = Limits(folder_of(f"{settings.backend} {host}"), in_flight, per_minute, sleep=sleep)
    patience = Patience(retries=numbers.get("retries", Patience().retries))
    return Caller(host, patience, limits=limits, sleep=sleep, notify=notify)
