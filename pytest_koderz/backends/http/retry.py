"""How a server is asked: within its limits, again where that may help, and as soon as it is back where it was dead."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime
from random import random
from typing import Self, TypeVar, cast

from pytest_koderz.backends.options import Option
from pytest_koderz.core.arm import ModelSettings
from pytest_koderz.core.errors import ModelUnavailable, OutOfBudget, Withdrawn
from pytest_koderz.core.ports import Reply, meter

from .hosts import shown
from .limits import Limits, folder_of
from .rest import Breaker

Answer = TypeVar("Answer")

TRANSIENT = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524, 529})
"""HTTP statuses that another try can change: time-outs, conflicts, rate limits, overload and broken gateways."""

UNTOLD = frozenset({408, 502, 504, 520, 524})
"""Of those, what a gateway says that has lost the answer of the service behind it, which may bill it."""

LASTING = frozenset({301, 302, 303, 307, 308, 401, 402, 403, 404, 405, 410, 501})
"""What is said of the address, the key, the account or the model, whatever the prompt."""

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
        passing: bool = True,
        loading: bool = False,
        timed_out: bool = False,
        unbilled: bool = False,
    ) -> None:
        super().__init__(reason)
        self.retry_after = retry_after
        """Seconds that the server asks to wait. None: it did not say."""
        self.alive = alive
        """The server answered, and only wants to be asked less often."""
        self.passing = passing
        """Time may mend it. False: the next answer may be another one, but not for waiting."""
        self.loading = loading
        """The server is still loading the model, which takes as long as it takes and uses up no retry."""
        self.timed_out = timed_out
        """Nothing came within the time limit. The call may be billed all the same."""
        self.unbilled = unbilled
        """It was not sent, or answered with an error, so that it cannot be billed."""


class Unanswered(MayPass):
    """Nothing whole came back: there was no connection, or it broke, or the time was over."""


class Elsewhere(Exception):
    """A call had better go to another server of its pool."""

    def __init__(self, failure: MayPass | None = None) -> None:
        super().__init__(str(failure or ""))
        self.failure = failure
        """Of its last sending. None: it was not sent again, since its server rests."""


class Refused(Exception):
    """An answer that another try would not change."""

    def __init__(self, status: int | None, words: str, *, billed: bool = False, lasting: bool | None = None) -> None:
        """*lasting* is as the status says, unless it is given."""
        super().__init__(words)
        self.status = status
        """None: it is not the server that refuses, but we its answer."""
        self.words = words
        """What the server said, or what is wrong with its answer, in one line, without secrets."""
        self.billed = billed
        """Whether the call may be billed all the same."""
        self.lasting = status in LASTING if lasting is None else lasting
        """Whether every other call will be refused too."""


def why_for_good(refusal: Refused, key: str) -> str | None:
    """Behind a server's address: why a question that costs nothing shows that no call will be answered; None where it
    does not. *key* is the variable that holds the server's.
    """
    if refusal.status is None:
        return f": {refusal.words}"
    if refusal.status in (401, 403):
        return f" refuses access (status {refusal.status}: {refusal.words}); check {key}"
    if "https" in refusal.words.lower() and refusal.status == 400:
        return f" speaks https there, not http: {refusal.words}; write `https://`"
    return None


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


def retrying(
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


LOOK_AGAIN = 1.0
"""Seconds after which one who waits looks whether others have found the server back."""


@dataclass(slots=True)
class _Waiting:
    """A call that no retry has helped."""

    until: float
    """By the breaker's clock: when its patience ends."""
    answers: int
    """That others had had from the server before it first failed."""
    pause: float = 1.0


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
        now: Callable[[], float] = time.time,
    ) -> None:
        """*sleep* may raise OutOfBudget, which ends whatever waits. *now* gives seconds since 1970."""
        self.host = host
        """As it may be told: without a password."""
        self.patience = patience or Patience()
        self.breaker = breaker or Breaker(host)
        self.limits = limits
        self._sleep = sleep
        self._notify = notify
        self._now = now
        self._outlasted = 0.0
        """Seconds of the last outage; 0 once a reply tells of it."""

    def __call__(self, attempt: Callable[[], Answer]) -> Answer:
        """What *attempt* returns. While the server does not answer it is waited for, as long as the breaker's patience
        lasts. Raises ModelUnavailable when it fails for good.
        """
        with self.course() as course:
            return self.within(course, attempt)

    def course(self) -> Course:
        """That of a call which has nowhere else to go."""
        return Course(self._sleep)

    def within(self, course: Course, attempt: Callable[[], Answer]) -> Answer:
        """The same for a call on its way. Raises Elsewhere where *course* leads to another server."""
        patience = replace(self.patience, time_outs=self.patience.time_outs - course.time_outs)
        return self._outlasting(lambda: course.send(lambda: self._within_limits(attempt)), course, patience)

    def is_there(self, look: Callable[[], object] | None) -> bool:
        """Whether the server is worth a call: it is known to answer, or answers *look*, where there is such a
        question.
        """
        known = self.breaker.answers and not self.breaker.out
        return True if look is None or known else self._is_there(look)

    def settle(self, look: Callable[[], object] | None = None) -> None:
        """Wait for the end of an outage, before others are paid to work for the model.

        *look* is a question that costs nothing: with it a server that has answered nothing yet is tried, and whether
        one is back; without it that shows with the next call. Raises ModelUnavailable when patience has run out.
        """
        if look is not None and not self.breaker.answers and not self.breaker.out:
            self._is_there(look)
        while self.breaker.out:
            self._await(self.breaker.rests, self.course())
            if look is None or self._is_there(look):
                # Who answers this may still not answer a prompt: the outage ends with a call.
                return

    def _is_there(self, look: Callable[[], object]) -> bool:
        try:
            look()
        except Refused:
            return True
        except MayPass as failure:
            self.breaker.failed(str(failure))
            return failure.alive
        return True

    def _outlasting(self, send: Callable[[], Answer], course: Course, patience: Patience) -> Answer:
        waiting: _Waiting | None = None
        while True:
            self._await(self.breaker.turn, course)
            answers = self.breaker.answers
            try:
                # A server that is out is asked once after each rest.
                return self._answer(
                    send, patience if course.until is None else replace(patience, retries=0), course.sleep
                )
            except MayPass as failure:
                if course.until is None:
                    course.until = self.breaker.clock() + self.breaker.patience
                waiting = waiting or _Waiting(course.until, answers)
                if not self._is_outage(failure, waiting):
                    raise given_up(self.host, failure, course.tries) from None
                if failure.alive:
                    waiting.pause = min(2 * waiting.pause, self.patience.longest)
                    pause = max(failure.retry_after or 0.0, waiting.pause)
                    self._told(failure, pause)
                    course.sleep(pause)

    def _is_outage(self, failure: MayPass, waiting: _Waiting) -> bool:
        """Whether it is worth waiting longer: not for an answer that was waited for already, nor for what the server
        would have to say to this call alone.
        """
        if failure.loading or not failure.passing or (failure.timed_out and not failure.unbilled):
            return False
        if (failure.retry_after or 0.0) >= waiting.until - self.breaker.clock():
            return False
        return failure.alive or self.breaker.answers == waiting.answers

    def _answer(self, send: Callable[[], Answer], patience: Patience, sleep: Callable[[float], None]) -> Answer:
        try:
            answer = retrying(send, patience, sleep=sleep, waits=self._told)
        except MayPass as failure:
            if not failure.alive:
                self.breaker.failed(str(failure))
            raise
        except Elsewhere as left:
            self._left(left.failure)
            raise
        except (OutOfBudget, Withdrawn):
            raise
        except Exception:
            # Any other error, such as an unknown model, is an answer of a server that lives.
            self._back()
            raise
        # One that was cut short may have brought nothing.
        if not (isinstance(answer, Reply) and answer.cancelled):
            self._back()
        return self._marked(answer)

    def _left(self, failure: MayPass | None) -> None:
        if failure is None or failure.alive or failure.loading:
            return
        self.breaker.failed(str(failure))
        if self.breaker.first_to_tell() is not None:
            self._notify(f"{self.host}: {failure}; its calls go to the other servers")

    def _await(self, rest: Callable[[], float], course: Course) -> None:
        while seconds := rest():
            if course.is_shorter_elsewhere():
                raise Elsewhere
            reason = self.breaker.first_to_tell()
            if reason is not None:
                self._notify(
                    f"{self.host}: {reason}; experiments wait for it, for {self.breaker.patience:.0f} s at most "
                    "(`patience`; Ctrl-C ends it)"
                )
            course.sleep(min(seconds, LOOK_AGAIN))

    def _back(self) -> None:
        lasted = self.breaker.answered()
        if lasted:
            self._outlasted = lasted
            self._notify(f"{self.host}: answers again after {lasted:.0f} s")

    def _marked(self, answer: Answer) -> Answer:
        """A reply with its place and time; the first one after an outage tells of that too."""
        if not isinstance(answer, Reply):
            return answer
        warnings = answer.warnings
        if self._outlasted:
            lasted, self._outlasted = self._outlasted, 0.0
            warnings += (f"{self.host} did not answer for {lasted:.0f} s and was waited for",)
        return cast(Answer, replace(answer, place=self.host, ended=round(self._now(), 3), warnings=warnings))

    def _told(self, failure: MayPass, wait: float) -> None:
        if wait >= WORTH_TELLING:
            self._notify(f"{self.host}: {failure}; asked again in {wait:.0f} s")

    def _within_limits(self, attempt: Callable[[], Answer]) -> Answer:
        if self.limits is None:
            return attempt()
        with self.limits.held():
            return attempt()


class Course:
    """The way of one call, a context manager: all that is sent for it, told to the meter that may be there."""

    def __init__(self, sleep: Callable[[float], None]) -> None:
        self.tries = 0
        self.time_outs = 0
        self.until: float | None = None
        """By the breakers' clock: when its patience ends. None: it has not begun to wait."""
        self._sleep = sleep
        self._meter = meter.get()
        self._billable = False
        """Whether the last sending may be billed, or is."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """The call is over, answered or failed for good."""
        if not self._billable and self._meter is not None:
            self._meter.unbilled()

    def send(self, attempt: Callable[[], Answer]) -> Answer:
        """Raises Elsewhere for a failure after which another server is asked."""
        if self._billable and self._meter is not None:
            self._meter.resend()
        self.tries += 1
        self._billable = True
        try:
            return attempt()
        except MayPass as failure:
            self._billable = not failure.unbilled
            self.time_outs += failure.timed_out
            if self.leaves(failure):
                raise Elsewhere(failure) from None
            raise
        except Refused as refusal:
            self._billable = refusal.billed
            raise
        except (ModelUnavailable, Withdrawn):
            # The server's answer was an error, or it was asked nothing.
            self._billable = False
            raise

    def sleep(self, seconds: float) -> None:
        self._sleep(seconds)

    def leaves(self, failure: MayPass) -> bool:  # noqa: ARG002 - for those with a choice
        """Whether another server is asked rather than the same one again."""
        return False

    def is_shorter_elsewhere(self) -> bool:
        """Whether another server can be asked before this one has rested."""
        return False


def caller_of(
    settings: ModelSettings,
    url: str,
    sleep: Callable[[float], None] = time.sleep,
    notify: Callable[[str], None] = silent,
) -> Caller:
    """The caller that the options of *settings* ask for; they were checked before."""
    host = shown(url)
    numbers = {name: value for name, value in settings.options.items() if name in CALLING and isinstance(value, int)}
    limits = None
    if "max_in_flight" in numbers or "calls_per_minute" in numbers:
        in_flight, per_minute = numbers.get("max_in_flight"), numbers.get("calls_per_minute")
        limits = Limits(folder_of(f"{settings.backend} {host}"), in_flight, per_minute, sleep=sleep)
    patience = Patience(retries=numbers.get("retries", Patience().retries))
    return Caller(host, patience, Breaker(host, settings.patience), limits, sleep, notify)
