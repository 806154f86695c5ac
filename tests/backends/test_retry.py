"""Retries, what servers ask to wait, and the circuit breaker."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_koderz.backends.http.rest import Breaker
from pytest_koderz.backends.http.retry import Caller, MayPass, Patience, Refused, retry_after, retrying
from pytest_koderz.core.errors import ModelUnavailable, OutOfBudget
from pytest_koderz.core.money import DeviceUse, Usage
from pytest_koderz.core.ports import Reply
from pytest_koderz.testing import FrozenClock

from .worlds import Naps


def failing(times: int, **failure: float) -> Callable[[], str]:
    """An attempt that fails so many times, then succeeds."""
    left = [MayPass("not now", **failure)] * times  # type: ignore[arg-type]
    return lambda: "done" if not left else _raise(left.pop())


def _raise(failure: Exception) -> str:
    raise failure


@settings(deadline=None)
@given(st.integers(0, 30), st.floats(0, 1), st.none() | st.floats(0, 300))
def test_a_wait_is_bounded_and_never_shorter_than_asked(retry: int, chance: float, asked: float | None) -> None:
    """Whatever the retry and the chance."""
    patience = Patience()
    wait = patience.wait(retry, asked, chance)
    assert (asked or 0.0) <= wait <= (asked or 0.0) + patience.longest
    assert wait > 0


def test_waits_grow_until_the_longest() -> None:
    """Doubled each time, then constant."""
    waits = [Patience(first=1, longest=8).wait(retry, None, 1.0) for retry in range(6)]
    assert waits == [1, 2, 4, 8, 8, 8]
    assert all(later >= earlier for earlier, later in pairwise(waits))


def test_jitter_spreads_the_waits() -> None:
    """From half to the whole of the back-off."""
    assert [Patience(first=2).wait(0, None, chance) for chance in (0.0, 0.5, 1.0)] == [1.0, 1.5, 2.0]


def test_it_is_not_waited_for_longer_than_is_sensible() -> None:
    """A server that asks for an hour gets no second try."""
    naps = Naps()
    with pytest.raises(MayPass):
        retrying(failing(1, retry_after=3600.0), Patience(), sleep=naps)
    assert naps.taken == []


def test_a_time_limit_is_waited_out_twice_at_most() -> None:
    """A third try would cost as much time again, and perhaps money."""
    naps = Naps()
    with pytest.raises(MayPass):
        retrying(failing(3, timed_out=True), Patience(), sleep=naps)
    assert len(naps.taken) == 1


def test_other_errors_pass_through() -> None:
    """Only MayPass is tried again."""
    naps = Naps()
    with pytest.raises(KeyError):
        retrying(lambda: _raise(KeyError("bug")), Patience(), sleep=naps)
    assert naps.taken == []


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "7"}, 7.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"retry-after": "Thu, 01 Jan 1970 00:01:40 GMT"}, 60.0),
        ({"retry-after": "Thu, 01 Jan 1970 00:00:01 GMT"}, 0.0),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "nan"}, None),
        ({}, None),
    ],
)
def test_what_a_server_asks_for_is_read(headers: dict[str, str], seconds: float | None) -> None:
    """Seconds, milliseconds or a date, counted here from second 40; nonsense is as good as nothing."""
    assert retry_after(headers, now=lambda: 40.0) == seconds


def test_a_long_wait_is_told_of() -> None:
    """Short ones are not worth a line."""
    lines: list[str] = []
    caller = Caller("http://box", sleep=Naps(), notify=lines.append)
    assert caller(failing(1, retry_after=60.0)) == "done"
    assert caller(failing(1)) == "done"
    assert len(lines) == 1
    assert lines[0].startswith("http://box: not now; asked again in 6")


def a_caller(clock: FrozenClock, patience: float = 0.0, retries: int = 0, **more: Any) -> Caller:
    breaker = Breaker("http://box", patience, clock=clock)
    return Caller("http://box", Patience(retries=retries), breaker, sleep=clock.sleep, **more)


def dead(clock: FrozenClock) -> Caller:
    """A caller without patience, whose server has just left three calls unanswered."""
    caller = a_caller(clock)
    for _ in range(3):
        with pytest.raises(ModelUnavailable, match="no answer"):
            caller(failing(1))
    return caller


def test_a_server_that_left_three_calls_unanswered_rests_where_nobody_has_patience() -> None:
    """Nobody asks, and the error says how long and why."""
    asked: list[int] = []
    with pytest.raises(ModelUnavailable, match=r"3 calls in a row .* not asked for 1 s; the last: not now"):
        dead(FrozenClock())(lambda: asked.append(1))
    assert asked == []


def test_after_the_rest_one_caller_tries() -> None:
    """The others are refused until it has an answer, which ends the outage."""
    clock = FrozenClock()
    caller = dead(clock)
    clock.now += 31

    def trial() -> str:
        with pytest.raises(ModelUnavailable, match="not asked"):
            caller(lambda: "a second one")
        return "back"

    assert caller(trial) == "back"
    assert caller(lambda: "open to all") == "open to all"


def test_a_failed_trial_begins_the_rest_anew() -> None:
    """And a longer one: half of the time that the server has been out."""
    clock = FrozenClock()
    caller = dead(clock)
    clock.now += 40
    with pytest.raises(ModelUnavailable, match="no answer"):
        caller(failing(1))
    with pytest.raises(ModelUnavailable, match=r"4 calls in a row .* for 20 s"):
        caller(lambda: "never")


def test_an_answer_in_between_starts_the_count_anew() -> None:
    """Only failures in a row count."""
    caller = a_caller(FrozenClock())
    for _ in range(5):
        with pytest.raises(ModelUnavailable):
            caller(failing(1))
        assert caller(lambda: "fine") == "fine"


def test_a_refusal_is_an_answer() -> None:
    """An unknown model does not make a dead server."""
    caller = dead(clock := FrozenClock())
    clock.now += 31
    with pytest.raises(KeyError):
        caller(lambda: _raise(KeyError("no such model")))
    assert caller(lambda: "fine") == "fine"


def test_a_busy_server_is_not_a_dead_one() -> None:
    """A rate limit is an answer."""
    caller = a_caller(FrozenClock())
    for _ in range(5):
        with pytest.raises(ModelUnavailable, match="slow down"):
            caller(lambda: _raise(MayPass("slow down", alive=True)))


def test_a_look_leaves_the_trial_to_a_caller() -> None:
    """It says how long the server rests; after that whoever asks first is the trial, not whoever looked first."""
    clock = FrozenClock()
    breaker = Breaker("gpu", patience=600.0, clock=clock)
    breaker.failed("refused")
    assert breaker.rests() == breaker.turn() == 1.0
    clock.now = 31.0
    assert breaker.rests() == breaker.turn() == 0.0
    assert breaker.turn() == 30.0


OUTAGE = 45.0


class Server:
    """Does not answer until *back*."""

    def __init__(self, clock: FrozenClock, back: float, **failure: Any) -> None:
        self.clock = clock
        self.back = back
        self.failure = failure
        self.asked: list[float] = []

    def __call__(self) -> str:
        self.asked.append(self.clock.now)
        if self.clock.now < self.back:
            raise MayPass("the connection failed", **self.failure)
        return "answer"


def test_an_outage_is_waited_for() -> None:
    """Whoever asks meanwhile waits, is told so once, and has the answer soon after the server is back."""
    clock, lines = FrozenClock(), list[str]()
    caller = a_caller(clock, patience=600.0, retries=4, notify=lines.append)
    server = Server(clock, back=OUTAGE)
    assert [caller(server) for _ in range(20)] == ["answer"] * 20
    assert OUTAGE <= clock.now < 1.5 * OUTAGE
    assert len(server.asked) < 40
    told = [line for line in lines if "asked again" not in line]
    waits, answers = told
    assert waits.startswith("http://box: the connection failed; experiments wait for it, for 600 s at most")
    assert answers.startswith("http://box: answers again after ")


@pytest.mark.parametrize("failure", [{}, {"alive": True}, {"unbilled": True, "timed_out": True}])
def test_patience_ends(failure: dict[str, bool]) -> None:
    """Only then is the call lost, whether the server was dead or busy; the next ones are lost at once."""
    clock = FrozenClock()
    caller = a_caller(clock, patience=100.0)
    server = Server(clock, back=math.inf, **failure)
    with pytest.raises(ModelUnavailable, match="the connection failed"):
        caller(server)
    assert 100.0 <= clock.now < 131.0
    before = clock.now
    with pytest.raises(ModelUnavailable):
        caller(server)
    assert failure.get("alive") or clock.now == before


def test_others_wait_for_the_trial_and_no_longer() -> None:
    """A thread that finds the server resting asks again as soon as another one has had an answer."""
    clock = FrozenClock()
    caller = a_caller(clock, patience=600.0)
    caller.breaker.failed("the connection failed")
    clock.now += 60.0
    caller.breaker.failed("the connection failed")

    def sleep(seconds: float) -> None:
        clock.sleep(seconds)
        caller.breaker.answered()

    caller._sleep = sleep
    assert caller(lambda: "answer") == "answer"
    assert clock.slept == [1.0]


def test_what_the_server_does_to_one_call_alone_is_no_outage() -> None:
    """Others were answered meanwhile: it is given up after its retries, and nobody waits for it."""
    clock = FrozenClock()
    caller = a_caller(clock, patience=600.0)

    def poisoned() -> str:
        caller.breaker.answered()
        raise MayPass("status 500: out of memory")

    with pytest.raises(ModelUnavailable, match="out of memory"):
        caller(poisoned)
    assert clock.now == 0.0


def test_a_reply_that_took_too_long_is_not_waited_for_again() -> None:
    """Its time has been given to it, twice; it may have been billed."""
    clock = FrozenClock()
    server = Server(clock, back=math.inf, timed_out=True)
    with pytest.raises(ModelUnavailable):
        a_caller(clock, patience=600.0, retries=4)(server)
    assert len(server.asked) == 2


def test_a_stopped_run_waits_no_longer() -> None:
    """Whatever the patience: what the sleep raises goes through."""
    clock = FrozenClock()
    caller = a_caller(clock, patience=600.0)
    caller._sleep = lambda _: _raise(OutOfBudget("the run was stopped"))  # type: ignore[assignment]
    with pytest.raises(OutOfBudget):
        caller(Server(clock, back=OUTAGE))


def test_before_others_are_paid_an_outage_is_waited_for() -> None:
    """With a question that costs nothing, where there is one; it may be refused by a server that is back."""
    clock = FrozenClock()
    caller = a_caller(clock, patience=600.0)
    server = Server(clock, back=OUTAGE)
    caller.settle()
    assert clock.now == 0.0
    caller.settle(server)
    assert OUTAGE <= clock.now < 1.5 * OUTAGE
    assert caller(server) == "answer"
    asked = len(server.asked)
    caller.settle(server)
    assert len(server.asked) == asked
    caller.breaker.failed("the connection failed")
    caller.settle(lambda: _raise(Refused(404, "no such path")))
    caller.breaker.failed("the connection failed")
    before = clock.now
    caller.settle()
    assert clock.now > before


def test_before_others_are_paid_patience_ends() -> None:
    """Nothing is bought for a server that never came back."""
    clock = FrozenClock()
    caller = a_caller(clock, patience=100.0)
    with pytest.raises(ModelUnavailable, match="the connection failed"):
        caller.settle(Server(clock, back=math.inf))
    assert 100.0 <= clock.now < 131.0


def test_who_answers_a_look_may_still_not_answer_a_prompt() -> None:
    """The outage goes on, so that a call that waits does not think itself alone."""
    caller = a_caller(FrozenClock(), patience=600.0)
    caller.breaker.failed("status 500: the runner has stopped")
    caller.settle(lambda: "version 1")
    assert caller.breaker.out
    assert caller.breaker.answers == 0


def test_the_first_reply_after_an_outage_tells_of_it() -> None:
    """So that the summary does, and the journal; the seconds are not the model's."""
    clock = FrozenClock()
    caller = a_caller(clock, patience=600.0)
    server = Server(clock, back=OUTAGE)

    def attempt() -> Reply:
        return Reply(server(), Usage(1, 1), "m", seconds=1.0)

    first, second = caller(attempt), caller(attempt)
    assert first.warnings == (f"http://box did not answer for {clock.now:.0f} s and was waited for",)
    assert second.warnings == ()
    assert first.seconds == 1.0


@pytest.mark.parametrize(("status", "lasting"), [(404, True), (401, True), (400, False), (None, False)])
def test_what_a_refusal_is_due_to(status: int | None, lasting: bool) -> None:
    """Key, account and model refuse for good; a request may be another one next time."""
    assert Refused(status, "no").lasting is lasting


def test_a_reply_says_where_and_when_it_was_given() -> None:
    """From which it is worked out what calls that overlap took of the device."""
    caller = a_caller(FrozenClock(), now=lambda: 1_800_000_000.12345)
    reply = caller(lambda: Reply("words", Usage(1, 1), "m", gpu_seconds=2.5))
    assert reply.uses == (DeviceUse("http://box", 1_800_000_000.123, 2.5),)
    assert caller(lambda: Reply("words", Usage(1, 1), "m")).uses == ()
