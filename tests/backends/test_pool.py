"""Several servers of one model."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest

from pytest_koderz.backends.http.limits import Limits, folder_of
from pytest_koderz.backends.http.pool import Berth, Pool, PoolCourse
from pytest_koderz.backends.http.rest import Breaker
from pytest_koderz.backends.http.retry import MayPass
from pytest_koderz.core.errors import ModelRefused, ModelUnavailable, OutOfBudget
from pytest_koderz.core.ports import meter
from pytest_koderz.testing import (
    Answer,
    Dropped,
    FrozenClock,
    LoopbackServer,
    OllamaServer,
    OpenAIServer,
    Request,
    Status,
)
from pytest_koderz.testing.server import Body, json_body

from .worlds import Naps, RawServer, a_model, a_prompt, open_model


@pytest.fixture(autouse=True)
def _limits_of_our_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def pooled(*servers: LoopbackServer | str, backend: str = "ollama", **changes: Any) -> Any:
    hosts = tuple(each if isinstance(each, str) else each.url for each in servers)
    return open_model(a_model(backend, hosts=hosts, **changes), sleep=Naps())


def dead() -> str:
    """The address of a server that is gone."""
    with RawServer(lambda *_: None) as server:
        return server.url


def test_no_server_is_idle_while_calls_wait() -> None:
    """Four servers of one slot each answer only when all four are asked: eight calls of one process, two rounds."""
    together = Barrier(4, timeout=60)

    def answer(_: object) -> Answer:
        together.wait()
        return Answer("ok")

    with ExitStack() as running, ThreadPoolExecutor(8) as threads:
        servers = [running.enter_context(OllamaServer(answer)) for _ in range(4)]
        model = pooled(*servers, slots=1)
        replies = list(threads.map(lambda _: model.complete(a_prompt()), range(8)))
    assert [server.billed.calls for server in servers] == [2, 2, 2, 2]
    assert [server.most_at_once for server in servers] == [1, 1, 1, 1]
    assert sorted(reply.place for reply in replies) == sorted([server.url for server in servers] * 2)


def test_calls_go_to_the_least_busy_server_where_no_slots_are_known() -> None:
    """Two servers, two calls at once: one each."""
    together = Barrier(2, timeout=60)

    def answer(_: object) -> Answer:
        together.wait()
        return Answer("ok")

    with OllamaServer(answer) as one, OllamaServer(answer) as other, ThreadPoolExecutor(2) as threads:
        model = pooled(one, other)
        list(threads.map(lambda _: model.complete(a_prompt()), range(2)))
        assert (one.billed.calls, other.billed.calls) == (1, 1)


def test_slots_hold_for_the_pools_of_all_processes() -> None:
    """A slot is a lock on a file: what another pool has is not taken, and the call goes to the next server."""
    with OllamaServer(["first"]) as one, OllamaServer(["second"]) as other:
        elsewhere = Limits(folder_of(f"slots {one.url}"), 1)
        with elsewhere.held():
            assert pooled(one, other, slots=1).complete(a_prompt()).text == "second"
        assert pooled(one, other, slots=1).complete(a_prompt()).text == "first"


def test_a_call_that_waits_for_a_slot_ends_with_the_run(tmp_path: Path) -> None:
    """The wait is the user's to break off."""

    def stopped(_: float) -> None:
        raise OutOfBudget("the run was stopped")

    berth = Berth(Breaker("http://box"), 1, Limits(tmp_path, 1))
    with Limits(tmp_path, 1).held(), pytest.raises(OutOfBudget):
        Pool([berth], stopped).place(lambda: [berth])


def test_the_calls_of_a_dead_server_go_elsewhere() -> None:
    """At once, to the next one, which the reply names; the dead one rests and is told of once."""
    told: list[str] = []
    gone = dead()
    with OllamaServer(["a", "b"]) as alive:
        settings = a_model("ollama", hosts=(gone, alive.url), patience=600.0)
        naps = Naps()
        model = open_model(settings, sleep=naps, notify=told.append)
        replies = [model.complete(a_prompt()) for _ in range(2)]
        model.admit()
    assert [(reply.text, reply.place, reply.warnings) for reply in replies] == [
        ("a", alive.url, ()),
        ("b", alive.url, ()),
    ]
    assert [line.partition(": ")[0] for line in told] == [gone]
    assert told[0].endswith("its calls go to the other servers")
    assert naps.taken == []


@pytest.mark.parametrize("fault", [Status(500, "no"), Status(503, "loading model"), Status(429, "slowly")])
def test_what_one_server_cannot_answer_now_another_does(fault: Status) -> None:
    """Without a pause, while there is a server that the call has not asked."""
    with OllamaServer([fault]) as one, OllamaServer(["ok"]) as other:
        assert pooled(one, other).complete(a_prompt()).place == other.url


def test_where_all_fail_the_last_one_is_asked_again() -> None:
    """Each server once, then the one where the call ended, with pauses, as if it were the only one."""
    with OllamaServer([Status(500, "no")]) as one, OllamaServer([Status(500, "no"), "ok"]) as other:
        model = pooled(one, other)
        assert model.complete(a_prompt()).place == other.url
        assert (len(one.requests), len(other.requests)) == (1, 2)


def test_a_pool_that_is_out_is_given_up_as_one_server_is() -> None:
    """Tries are counted over all servers."""
    with pytest.raises(ModelUnavailable, match=r"no answer in 6 tries"):
        pooled(dead(), dead()).complete(a_prompt())


def test_a_server_without_the_model_is_left_for_good() -> None:
    """It is said once; where all refuse, so does the pool."""
    told: list[str] = []
    with OllamaServer(["a", "b"], models=["m"]) as one, OllamaServer([], models=["other"]) as other:
        model = open_model(a_model("ollama", hosts=(other.url, one.url)), notify=told.append)
        assert [model.complete(a_prompt()).text for _ in range(2)] == ["a", "b"]
        assert len(told) == 1
        assert "ollama pull m" in told[0]
    with OllamaServer([], models=["other"]) as one, OllamaServer([], models=["other"]) as other:
        model = pooled(one, other)
        for _ in range(2):
            with pytest.raises(ModelRefused, match="ollama pull m"):
                model.complete(a_prompt())
        model.admit()


def test_what_may_be_billed_on_the_way_is_told_to_the_meter() -> None:
    """A connection that was lost in the middle may be billed, wherever the call goes then."""
    told: list[str] = []

    class Counted:
        def resend(self) -> None:
            told.append("resend")

        def unbilled(self) -> None:
            told.append("unbilled")

    token = meter.set(Counted())
    try:
        with OllamaServer([Dropped()]) as one, OllamaServer(["ok", "ok"]) as other:
            pooled(one, other).complete(a_prompt())
            assert told == ["resend"]
            pooled(dead(), other, options={"retries": 0}).complete(a_prompt())
            assert told == ["resend"]
    finally:
        meter.reset(token)


def test_a_slow_prompt_is_not_sent_to_every_server() -> None:
    """A call that ran into its time limit is sent once more, to another server, and then given up."""
    clock = FrozenClock()
    berths = [Berth(Breaker(f"http://{name}", clock=clock), None, Limits(Path(name))) for name in "abc"]
    course = PoolCourse(Pool(berths, clock.sleep), time_outs=1)
    late = MayPass("nothing came", timed_out=True)
    left = []
    for _ in range(2):
        course.next()
        course.time_outs += 1
        left.append(course.leaves(late))
    assert left == [True, False]


def test_one_who_waits_for_a_resting_server_goes_to_the_first_that_is_back() -> None:
    """All were out; the one whose rest ends first is tried."""
    clock = FrozenClock()
    berths = [Berth(Breaker(f"http://{name}", 600.0, clock=clock), None, Limits(Path(name))) for name in "ab"]
    berths[0].breaker.failed("gone")
    clock.sleep(0.5)
    berths[1].breaker.failed("gone")
    course = PoolCourse(Pool(berths, clock.sleep), time_outs=1)
    assert course.next() == 0
    assert not course.is_shorter_elsewhere()
    clock.sleep(0.5)
    berths[0].breaker.failed("still gone")
    clock.sleep(0.5)
    assert course.is_shorter_elsewhere()
    assert course.next() == 1


def test_the_wait_before_a_spec_is_for_any_server() -> None:
    """One that is there is enough; a dead one is asked first and rests."""
    with OllamaServer(["a"]) as alive:
        naps = Naps()
        model = open_model(a_model("ollama", hosts=(dead(), alive.url), patience=600.0), sleep=naps)
        model.admit()
        assert naps.taken == []
        assert model.complete(a_prompt()).place == alive.url


def test_a_pause_is_taken_without_the_slot(tmp_path: Path) -> None:
    """Whoever else waits for the server has it meanwhile."""
    free: list[bool] = []
    limits = Limits(tmp_path, 1)

    def sleep(_: float) -> None:
        with limits.held():
            free.append(True)

    course = PoolCourse(Pool([Berth(Breaker("http://box"), 1, limits)], sleep), time_outs=1)
    with course:
        course.next()
        assert limits.taken(1) is None
        course.sleep(3.0)
        assert limits.taken(1) is None
    assert free == [True]


class _WithProps(OpenAIServer):
    slots = 3

    def plain(self, request: Request) -> Body | Status:
        return json_body({"total_slots": self.slots}) if request.path == "/props" else super().plain(request)


def test_llama_server_says_how_many_slots_it_has() -> None:
    """In `/props`; what koderz.yaml says comes first, and another server says nothing."""
    with _WithProps([]) as one, OpenAIServer([]) as other:
        assert [berth.slots for berth in _berths(pooled(one, other, backend="openai"))] == [3, None]
        assert [berth.slots for berth in _berths(pooled(one, other, backend="openai", slots=2))] == [2, 2]


def test_no_server_has_a_billion_slots() -> None:
    """As many jobs would be begun as it says."""
    with _WithProps([]) as one, _WithProps([]) as other:
        other.slots = 10**9
        assert [berth.slots for berth in _berths(pooled(one, other, backend="openai"))] == [3, None]


def _berths(model: Any) -> Iterator[Berth]:
    yield from model._pool.berths
