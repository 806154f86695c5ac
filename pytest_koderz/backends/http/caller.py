"""How a server is asked: within its limits, again where that may help, and not at all while it is dead."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Generic, TypeVar

from pytest_koderz.backends.options import Option
from pytest_koderz.core.arm import ModelSettings
from pytest_koderz.core.errors import ModelUnavailable, OutOfBudget
from pytest_koderz.core.ports import meter

from .client import Refused
from .hosts import shown
from .limits import Limits, folder_of
from .rest import Breaker
from .retry import MayPass, Patience, given_up, persistently

Answer = TypeVar("Answer")

CALLING = {
    "retries": Option(int, least=0),
    "max_in_flight": Option(int, least=1),
    "calls_per_minute": Option(int, least=1),
}
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
        sendings = _Sendings(lambda: self._within_limits(attempt))
        try:
            self.breaker.admit()
            return self._answer(sendings)
        finally:
            sendings.close()

    def _answer(self, sendings: _Sendings[Answer]) -> Answer:
        try:
            answer = persistently(sendings, self.patience, sleep=self._sleep, waits=self._told)
        except MayPass as failure:
            if not failure.alive:
                self.breaker.failed(str(failure))
            raise given_up(self.host, failure, sendings.tries) from None
        except OutOfBudget:
            raise
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


class _Sendings(Generic[Answer]):
    """One call, sent as often as it is called, for the meter that may be there."""

    def __init__(self, send: Callable[[], Answer]) -> None:
        self.tries = 0
        self._send = send
        self._meter = meter.get()
        self._billable = False
        """Whether the last sending may be billed, or is."""

    def __call__(self) -> Answer:
        if self._billable and self._meter is not None:
            self._meter.resend()
        self.tries += 1
        self._billable = True
        try:
            return self._send()
        except MayPass as failure:
            self._billable = not failure.unbilled
            raise
        except (ModelUnavailable, Refused):
            # The server's answer was an error.
            self._billable = False
            raise

    def close(self) -> None:
        """The call is over, answered or failed for good."""
        if not self._billable and self._meter is not None:
            self._meter.unbilled()


def caller_of(
    settings: ModelSettings,
    options: dict[str, object],
    url: str,
    sleep: Callable[[float], None] = time.sleep,
    notify: Callable[[str], None] = silent,
) -> Caller:
    """The caller that the options of *settings* ask for; they were checked before."""
    host = shown(url)
    numbers = {name: value for name, value in options.items() if name in CALLING and isinstance(value, int)}
    limits = None
    if "max_in_flight" in numbers or "calls_per_minute" in numbers:
        in_flight, per_minute = numbers.get("max_in_flight"), numbers.get("calls_per_minute")
        limits = Limits(folder_of(f"{settings.backend} {host}"), in_flight, per_minute, sleep=sleep)
    patience = Patience(retries=numbers.get("retries", Patience().retries))
    return Caller(host, patience, limits=limits, sleep=sleep, notify=notify)
