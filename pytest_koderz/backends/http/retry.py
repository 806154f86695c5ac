"""Bounded retries of what may pass."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from random import random
from typing import TypeVar

from pytest_koderz.core.errors import ModelUnavailable

Answer = TypeVar("Answer")

TRANSIENT = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524, 529})
"""HTTP statuses that another try can change: time-outs, conflicts, rate limits, overload and broken gateways."""

UNTOLD = frozenset({408, 502, 504, 520, 524})
"""Of those, what a gateway says that has lost the answer of the service behind it, which may bill it."""

CONNECT_SECONDS = 10.0
"""To reach a server at all; what it takes to answer is another matter."""


class MayPass(Exception):
    """A failure that may be over at the next try."""

    def __init__(
        self,
        reason: str,
        *,
        retry_after: float | None = None,
        alive: bool = False,
        loading: bool = False,
        timed_out: bool = False,
        unbilled: bool = False,
    ) -> None:
        super().__init__(reason)
        self.retry_after = retry_after
        """Seconds that the server asks to wait. None: it did not say."""
        self.alive = alive
        """The server answered, and only wants to be asked less often."""
        self.loading = loading
        """The server is still loading the model, which takes as long as it takes and uses up no retry."""
        self.timed_out = timed_out
        """Nothing came within the time limit. The call may be billed all the same."""
        self.unbilled = unbilled
        """It was not sent, or answered with an error, so that it cannot be billed."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a model is asked again. All times in seconds."""

    retries: int = 4
    first: float = 1.0
    """Before the first retry; doubled before each further one."""
    longest: float = 30.0
    """The longest wait of our own choosing."""
    asked: float = 300.0
    """The longest wait that a server may ask for; it is not waited for longer ones."""
    loading: float = 600.0
    """In all, for a server that is loading the model."""
    time_outs: int = 1
    """Retries after a call that ran into its time limit: each costs that limit again, and perhaps the price."""

    def wait(self, retry: int, retry_after: float | None, chance: float) -> float:
        """Seconds before a retry, counted from 0; *chance* is from 0 to 1.

        The wait grows from half to the whole of the back-off ("equal jitter"), so that workers which failed together
        do not come back together; what the server asked for is never undercut.
        """
        backoff = min(self.first * 2.0**retry, self.longest)
        return (retry_after or 0.0) + backoff * (0.5 + 0.5 * chance)


def persistently(
    attempt: Callable[[], Answer],
    patience: Patience,
    *,
    sleep: Callable[[float], None] = time.sleep,
    chance: Callable[[], float] = random,
    waits: Callable[[MayPass, float], None] = lambda failure, seconds: None,  # noqa: ARG005 - tells nobody
) -> Answer:
    """What *attempt* returns, tried again after MayPass; that exception is raised when patience has run out.

    *waits* is told of each failure that is waited after, and for how many seconds.
    """
    retry, loaded, time_outs = 0, 0.0, 0
    while True:
        try:
            return attempt()
        except MayPass as failure:
            wait = patience.wait(retry, failure.retry_after, chance())
            time_outs += failure.timed_out
            if (failure.retry_after or 0.0) > patience.asked or time_outs > patience.time_outs:
                raise
            if failure.loading and loaded < patience.loading:
                wait = max(wait, 1.0)
                loaded += wait
            elif retry < patience.retries:
                retry += 1
            else:
                raise
            waits(failure, wait)
        sleep(wait)


def never_sent(fault: BaseException) -> bool:
    """Whether *fault*, of requests or httpx, came of there being no connection at all."""
    cause: BaseException | None = fault
    while cause is not None:
        if type(cause).__name__ in ("ConnectError", "ConnectTimeout", "NewConnectionError", "ConnectTimeoutError"):
            return True
        cause = cause.__cause__ or cause.__context__
    return False


def retry_after(headers: Mapping[str, str], now: Callable[[], float] = time.time) -> float | None:
    """Seconds that a response asks to wait, from `retry-after-ms` or `retry-after` (seconds or an HTTP date)."""
    by_name = {name.lower(): value for name, value in headers.items()}
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        seconds = _number(by_name.get(name, ""))
        if seconds is not None:
            return max(seconds * unit, 0.0)
    try:
        return max(parsedate_to_datetime(by_name["retry-after"]).timestamp() - now(), 0.0)
    except (KeyError, ValueError, TypeError):
        return None


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    # float() also reads "nan" and "inf", which no sleep can take.
    return number if abs(number) < 1e9 else None


def given_up(host: str, failure: MayPass, tries: int) -> ModelUnavailable:
    return ModelUnavailable(f"{host}: no answer in {tries} {'try' if tries == 1 else 'tries'}; the last: {failure}")
