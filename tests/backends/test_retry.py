"""Retries, what servers ask to wait, and the circuit breaker."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_koderz.backends.http.rest import Breaker
from pytest_koderz.backends.http.retry import Caller, MayPass, Patience, retry_after, retrying
from pytest_koderz.core.errors import ModelUnavailable
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


def dead(clock: FrozenClock) -> Caller:
    """A caller whose server has just left three calls unanswered."""
    caller = Caller("http://box", Patience(retries=0), Breaker("http://box", clock=clock), sleep=clock.sleep)
    for _ in range(3):
        with pytest.raises(ModelUnavailable, match="no answer"):
            caller(failing(1))
    return caller


def test_a_breaker_opens_after_three_failures_in_a_row() -> None:
    """Then nobody asks, and the error says how long and why."""
    asked: list[int] = []
    with pytest.raises(ModelUnavailable, match=r"3 calls in a row .* not asked for 30 s; the last: not now"):
        dead(FrozenClock())(lambda: asked.append(1))
    assert asked == []


def test_after_the_rest_one_caller_tries() -> None:
    """The others are refused until it has an answer, which closes the breaker."""
    clock = FrozenClock()
    caller = dead(clock)
    clock.now += 31

    def trial() -> str:
        with pytest.raises(ModelUnavailable, match="not asked"):
            caller(lambda: "a second one")
        return "back"

    assert caller(trial) == "back"
    assert caller(lambda: "open to all") == "open to all"


def test_a_failed_trial_opens_it_anew() -> None:
    """The rest begins again."""
    clock = FrozenClock()
    caller = dead(clock)
    clock.now += 31
    with pytest.raises(ModelUnavailable, match="no answer"):
        caller(failing(1))
    with pytest.raises(ModelUnavailable, match="4 calls in a row"):
        caller(lambda: "never")


def test_an_answer_in_between_starts_the_count_anew() -> None:
    """Only failures in a row count."""
    caller = Caller("http://box", Patience(retries=0), sleep=Naps())
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
    caller = Caller("http://box", Patience(retries=0), sleep=Naps())
    for _ in range(5):
        with pytest.raises(ModelUnavailable, match="slow down"):
            caller(lambda: _raise(MayPass("slow down", alive=True)))


def test_a_check_leaves_the_trial_to_a_caller() -> None:
    """It refuses while the server rests; after that whoever asks first is the trial, not whoever looked first."""
    now = [0.0]
    breaker = Breaker("gpu", limit=1, rest=30.0, clock=lambda: now[0])
    breaker.failed("refused")
    with pytest.raises(ModelUnavailable):
        breaker.check()
    now[0] = 31.0
    breaker.check()
    breaker.admit()
    with pytest.raises(ModelUnavailable):
        breaker.admit()
