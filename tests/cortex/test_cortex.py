"""What an experiment sees of cortex: its memories are stored, verified and recalled, whatever the server does."""

from __future__ import annotations

import asyncio
import itertools
import os
import re
import signal
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import asdict, replace
from pathlib import Path
from queue import Queue
from random import Random
from time import sleep
from typing import Any

import pytest

from pytest_koderz.core.arm import Arm
from pytest_koderz.core.errors import MemoryUnavailable
from pytest_koderz.core.experiment import Advice, Experiment, Status
from pytest_koderz.cortex import Cortex, Delivery, deliver_spools, open_cortex, owed_in, recall
from pytest_koderz.cortex.client.connection import Connection
from pytest_koderz.cortex.client.memories import memory_of_iteration
from pytest_koderz.cortex.client.recalled_experiments import told_by
from pytest_koderz.cortex.client.replies import ToolReply
from pytest_koderz.cortex.client.spool import Spool, State

from .worlds import (
    BENCHMARK,
    FORGETFUL,
    arm,
    await_end_of_servers,
    embedded,
    experiment,
    forgetful,
    iteration,
    kill_servers,
    lived,
    node_environment,
    problem,
    rows_in,
    servers_of,
    spec,
    tell,
    titles_in,
)


def reusing(model: str = "frontier-1") -> Arm:
    """An arm that takes specs which were paid for before."""
    return replace(arm(model=model), reuse_spec=True)


@pytest.fixture
def cortex(tmp_path: Path, server: str | None) -> Iterator[Cortex]:
    with closing(embedded(tmp_path, server=server)) as opened:
        # The first answer comes after the start of a server, which takes its time on a busy machine.
        opened._patience = 60.0
        yield opened


def test_nothing_is_started_before_it_is_needed(tmp_path: Path, cortex: Cortex, server: str | None) -> None:
    """Describing and delivering nothing make no file and no process."""
    name = "embedded server" if server is None else "claude-cortex"
    assert re.fullmatch(rf"{name}.*, {tmp_path / 'cortex.db'}", cortex.describe())
    assert cortex.deliver(5) == Delivery()
    cortex.close()
    assert list(tmp_path.iterdir()) == []


def test_all_that_was_told_is_stored_and_verified(tmp_path: Path, cortex: Cortex, server: str | None) -> None:
    """Each memory once; the emptied spool is gone; cortex alone can tell the experiments again."""
    told = [lived(number) for number in range(3)]
    count = sum(tell(cortex, one) for one in told)
    assert cortex.deliver(60) == Delivery(stored=count, verified=count)
    cortex.close()
    titles = titles_in(tmp_path, server)
    assert len(titles) == len(set(titles)) == count
    assert list((tmp_path / "bench").iterdir()) == []
    database = tmp_path / "cortex.db"
    found = recall(told[0].benchmark_id, cortex_path=server, database=database).experiments
    assert {one.id: one for one in found} == {one.id: one for one in told}
    assert told_by(rows_in(tmp_path, server), told[1].id).experiments == (told[1],)


def test_the_database_is_nobody_elses(tmp_path: Path, server: str | None) -> None:
    """Its folder, where that was made for it, and the files beside it; a link in its place is not followed."""
    folder = tmp_path / "memory"
    with closing(embedded(folder, server=server)) as cortex:
        tell(cortex, lived())
        assert cortex.deliver(60).owed == 0
        modes = {path.name: path.stat().st_mode & 0o777 for path in folder.glob("cortex.db*")}
    assert {mode for name, mode in modes.items() if "lock" not in name} == {0o600}
    assert folder.stat().st_mode & 0o777 == 0o700
    (tmp_path / "cortex.db").symlink_to(tmp_path / "other")
    with closing(embedded(tmp_path, server=server)) as cortex:
        cortex.pytest_koderz_spec_written(experiment(), spec())
        (warning,) = cortex.deliver(60).warnings
    assert warning.startswith("cortex has no database: Too many levels of symbolic links")
    assert not (tmp_path / "other").exists()


@pytest.mark.slow
def test_a_benchmark_is_noted_once(tmp_path: Path) -> None:
    """With the first event, be it resumed; another setting makes another note, and the later one counts."""
    for run, profile in enumerate(("live", "live", "other")):
        head = {"id": BENCHMARK, "profile": profile, "arms": ["koderz"]}
        spool = tmp_path / "bench" / f"{run}.spool"
        with closing(open_cortex(cortex_path=None, database=tmp_path / "cortex.db", spool=spool, head=head)) as cortex:
            assert list(tmp_path.glob("bench/*")) == []
            told = tell(cortex, lived())
            assert cortex.deliver(60) == Delivery(told + 1, told + 1)
        notes = [title for title in titles_in(tmp_path) if "benchmark-note" in title]
        assert len(notes) == (2 if profile == "other" else 1)
        found = told_by(rows_in(tmp_path), BENCHMARK)
        assert found.experiments == (lived(),)
        assert found.heads[BENCHMARK].profile == profile
        assert found.heads[BENCHMARK].at > "2026"


def test_iterations_are_recalled_complete_and_in_order(cortex: Cortex) -> None:
    """Right after they were told; the last ones; never another experiment's."""
    one, other = experiment(1), experiment(2)
    for number in range(1, 13):
        one, other = one.with_iteration(iteration(number)), other.with_iteration(iteration(number, "other"))
        cortex.pytest_koderz_iterated(one, one.iterations[-1])
        cortex.pytest_koderz_iterated(other, other.iterations[-1])
        if number in (5, 10, 12):
            assert cortex.pytest_koderz_recall_iterations(one, 5) == list(one.iterations[-5:])
    assert cortex.pytest_koderz_recall_iterations(one, 50) == list(one.iterations)
    assert cortex.pytest_koderz_recall_iterations(other, 1) == [other.iterations[-1]]
    assert cortex.pytest_koderz_recall_iterations(experiment(3), 5) == []


def test_what_cortex_does_not_have_is_not_made_up(cortex: Cortex) -> None:
    """An iteration that it was never told of: nothing is recalled, and the loop uses its own record."""
    one = experiment(1).with_iteration(iteration(1)).with_iteration(iteration(2))
    cortex.pytest_koderz_iterated(one, one.iterations[0])
    assert cortex.pytest_koderz_recall_iterations(one, 5) is None


def test_an_experiment_run_again_recalls_its_own_iterations(cortex: Cortex) -> None:
    """Both runs of one id are kept, under titles of their own."""
    for source in ("first run", "second run"):
        one = experiment().with_iteration(iteration(1, source))
        cortex.pytest_koderz_iterated(one, one.iterations[0])
        assert cortex.pytest_koderz_recall_iterations(one, 5) == [one.iterations[0]]
    assert cortex.deliver(60) == Delivery(2, 2)


def test_a_spec_is_reused_for_the_same_problem_model_and_prompts(cortex: Cortex) -> None:
    """Only where the arm says so; it names the experiment that paid, and keeps what it cost."""
    assert cortex.pytest_koderz_recall_spec(problem(), arm()) is None
    payer = experiment()
    cortex.pytest_koderz_spec_written(payer, spec("Return two."))
    assert cortex.pytest_koderz_recall_spec(problem(), arm()) is None
    recalled = cortex.pytest_koderz_recall_spec(problem(), reusing())
    assert recalled == replace(spec("Return two."), recalled_from=payer.id)
    assert cortex.pytest_koderz_recall_spec(problem(1), reusing()) is None
    assert cortex.pytest_koderz_recall_spec(problem(), reusing("frontier-2")) is None
    assert cortex.pytest_koderz_recall_spec(replace(problem(), prompt="another text"), reusing()) is None
    assert cortex.pytest_koderz_recall_spec(problem(), replace(reusing(), spec=None)) is None


def test_a_recalled_spec_keeps_its_payer(cortex: Cortex) -> None:
    """However often it is passed on."""
    cortex.pytest_koderz_recall_spec(problem(), arm())
    cortex.pytest_koderz_spec_written(experiment(), spec())
    for benchmark in ("bench_2", "bench_3"):
        recalled = cortex.pytest_koderz_recall_spec(problem(), reusing())
        assert recalled is not None
        assert recalled.recalled_from == experiment().id
        cortex.pytest_koderz_spec_written(experiment(benchmark=benchmark), recalled)


def test_guidance_that_helped_is_found_again(cortex: Cortex) -> None:
    """For a failure of the same kind, on another problem; it says where it comes from."""
    solved, unsolved = lived(1), replace(lived(2), status=Status.UNSOLVED)
    tell(cortex, solved)
    tell(cortex, unsolved)
    cortex.deliver(60)
    recall = cortex.pytest_koderz_recall_guidance
    found = recall(experiment(3).with_iteration(iteration(1)))
    assert found == [Advice(solved.checkpoints[0].text, solved.id, "HumanEval/1")]
    assert recall(experiment(1).with_iteration(iteration(1))) == []
    assert recall(experiment(3).with_iteration(iteration(1, passed=True))) == []
    assert recall(experiment(3)) == []


@pytest.mark.slow
def test_two_processes_tell_one_server_file(tmp_path: Path, server: str | None) -> None:
    """Each has a server and a spool of its own; the deliveries add up."""
    gw0, gw1 = (embedded(tmp_path, name, server=server) for name in ("gw0", "gw1"))
    with closing(gw0) as one, closing(gw1) as two:
        told = sum(tell(*pair) for pair in ((one, lived(0)), (two, lived(1)), (one, lived(2)), (two, lived(3))))
        delivery = one.deliver(60) + Delivery.of({**asdict(two.deliver(60)), "missing": [], "warnings": []})
    titles = titles_in(tmp_path, server)
    assert delivery == Delivery(told, told)
    assert len(set(titles)) == len(titles) == told


def test_a_server_killed_again_and_again_loses_and_doubles_nothing(
    tmp_path: Path, server: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed at five seeded memories, before, while and after it is told of them, and after it has stored one without
    having said so: in the end each is there once.
    """
    told = [lived(number) for number in range(6)]
    draw = Random(3)  # noqa: S311 - seeded, no secret
    kinds = ("before", "while", "after", "unheard", "while")
    moments = dict(zip(sorted(draw.sample(range(1, 40), len(kinds))), kinds, strict=True))
    killed = dying(monkeypatch, tmp_path, moments)
    with closing(embedded(tmp_path, server=server)) as cortex:
        count = sum(tell(cortex, one) for one in told)
        assert cortex.deliver(180) == Delivery(count, count)
    titles = titles_in(tmp_path, server)
    assert killed == list(moments)
    assert len(set(titles)) == len(titles) == count


def dying(monkeypatch: pytest.MonkeyPatch, folder: Path, moments: Mapping[int, str]) -> list[int]:
    """Kill the server at these calls of `remember`, counted from 1; the list tells at which it was done.

    Whatever the scheduler makes of it: a call that is on its way may or may not have been heard.
    """
    calls, killed, call = itertools.count(1), list[int](), Connection.call

    def kill(number: int, moment: str) -> None:
        if moments.get(number) == moment and kill_servers(folder):
            killed.append(number)

    async def dangerous(self: Connection, tool: str, arguments: Mapping[str, Any], *more: float) -> ToolReply:
        if tool != "remember":
            return await call(self, tool, arguments, *more)
        number = next(calls)
        kill(number, "before")
        answer = asyncio.ensure_future(call(self, tool, arguments, *more))
        await asyncio.sleep(0.001)
        kill(number, "while")
        reply = await answer
        kill(number, "after")
        if moments.get(number) == "unheard":
            kill(number, "unheard")
            raise MemoryUnavailable("its answer was lost")
        return reply

    monkeypatch.setattr(Connection, "call", dangerous)
    return killed


def test_a_server_that_died_unnoticed_is_started_again(tmp_path: Path, cortex: Cortex) -> None:
    """It died after it had stored all: what it has is verified all the same."""
    one = lived()
    count = tell(cortex, one)
    assert cortex.pytest_koderz_recall_iterations(one, 5) == list(one.iterations[-5:])
    kill_servers(tmp_path)
    assert cortex.deliver(60) == Delivery(count, count)


@pytest.mark.slow
def test_a_lost_reply_leaves_no_duplicate(tmp_path: Path) -> None:
    """The server stores, and dies before it can say so, twice."""
    with closing(forgetful(tmp_path, faults={"lost_reply": [2, 6]})) as cortex:
        count = tell(cortex, lived())
        assert cortex.deliver(120) == Delivery(count, count)
    assert len(set(titles_in(tmp_path))) == len(titles_in(tmp_path)) == count


@pytest.mark.slow
def test_nothing_is_lost_on_a_server_that_loses_things(tmp_path: Path) -> None:
    """Short-term memories go, contents and tags are cut, similar ones are dropped, some calls find it busy."""
    faults = {"refuse": [1, 4], "similar": [6, 8]}
    long = replace(lived(), spec=spec("word " * 20_000))
    long = replace(long, iterations=(iteration(1, "x = 1\n" * 9_000), *long.iterations[1:]))
    with closing(forgetful(tmp_path, faults=faults)) as cortex:
        assert cortex.describe().startswith("cortex at ")
        count = tell(cortex, long)
        assert cortex.deliver(120) == Delivery(count, count)
        assert cortex.pytest_koderz_recall_iterations(long, 6) == list(long.iterations)
    assert all(len(str(row["content"])) <= 10_240 for row in rows_in(tmp_path))
    assert told_by(rows_in(tmp_path), long.id).experiments == (long,)


def test_what_the_server_changed_is_said_to_be_missing(tmp_path: Path) -> None:
    """A server that cuts contents without need: the titles are named, and stay in the spool."""
    with closing(forgetful(tmp_path, faults={"cut": 100})) as cortex:
        cortex.pytest_koderz_spec_written(experiment(), spec("word " * 100))
        delivery = cortex.deliver(120)
    assert (delivery.stored, delivery.verified, delivery.owed) == (1, 0, 0)
    assert delivery.missing[0].startswith(f"{experiment().id} HumanEval/0 spec-")
    assert (tmp_path / "bench" / "main.spool").exists()


def test_a_refusal_is_told_while_the_run_goes_on(tmp_path: Path) -> None:
    """Each reason once, before anybody asks what became of the memories; one who fails to listen stops nothing."""
    told: Queue[str] = Queue()

    def complain(text: str) -> None:
        told.put(text)
        raise RuntimeError("not listening")

    with closing(forgetful(tmp_path, faults={"reject": [1, 3]}, complain=complain)) as cortex:
        count = tell(cortex, lived())
        assert told.get(timeout=60).startswith("cortex refused a memory: Failed to remember: Error: SQLite3 can only")
        delivery = cortex.deliver(120)
    assert told.empty()
    assert (delivery.verified, delivery.owed) == (count - 2, 2)


@pytest.mark.parametrize("faults", [{"similar": [*range(1, 200)]}, {"refuse_by_number": True}])
def test_a_server_that_refuses_without_end_is_not_asked_without_end(tmp_path: Path, faults: dict[str, Any]) -> None:
    """Neither under one more title, nor told of with one more reason."""
    told: list[str] = []
    with closing(forgetful(tmp_path, faults=faults, complain=told.append)) as cortex:
        count = tell(cortex, lived())
        delivery = cortex.deliver(120)
        titles = [owed.memory.title for owed in cortex._open()[0].in_state(State.REFUSED)]
    assert (delivery.stored, delivery.owed, len(titles)) == (0, count, count)
    assert 1 <= len(told) <= 3
    assert len(delivery.warnings) <= 4
    assert max(map(len, titles)) < 200


@pytest.mark.slow
def test_the_cap_is_foreseen(tmp_path: Path) -> None:
    """Near 5,000 long-term memories the user is told; at the end nothing more is sent, which would delete old ones."""
    with closing(forgetful(tmp_path, faults={"long_term": 4_500})) as cortex:
        count = tell(cortex, lived())
        near = cortex.deliver(120)
    assert (near.verified, near.owed) == (count, 0)
    assert near.warnings[0].startswith("4500 of the 5000 long-term memories")
    (tmp_path / "cortex.faults").write_text('{"long_term": 5000}', encoding="utf-8")
    with closing(
        open_cortex(
            cortex_path=str(FORGETFUL),
            database=tmp_path / "cortex.db",
            spool=tmp_path / "bench" / "later.spool",
            environment=node_environment(tmp_path, {"long_term": 5_000}),
        )
    ) as cortex:
        more = tell(cortex, lived(1))
        full = cortex.deliver(120)
    assert (full.stored, full.owed) == (0, more)
    assert "nothing more is sent" in full.warnings[0]


ABSENT: list[Callable[[Path], Cortex]] = [
    lambda folder: open_cortex(
        cortex_path="/nowhere/index.js",
        database=folder / "cortex.db",
        spool=folder / "bench" / "main.spool",
        environment={"PATH": "/nowhere", "HOME": "/"},
    ),
    lambda folder: open_cortex(
        cortex_path="/nowhere/index.js",
        database=folder / "cortex.db",
        spool=folder / "bench" / "main.spool",
        environment=node_environment(folder, {}),
    ),
]


@pytest.mark.parametrize("absent", ABSENT, ids=["no node", "no server"])
def test_an_absent_server_stops_nothing_and_is_owed(tmp_path: Path, absent: Callable[[Path], Cortex]) -> None:
    """The experiment goes on at once; what is owed is delivered when there is a server, once."""
    one = lived()
    with closing(absent(tmp_path)) as cortex:
        count = tell(cortex, one)
        assert cortex.pytest_koderz_recall_iterations(one, 5) is None
        delivery = cortex.deliver(30)
    assert (delivery.stored, delivery.owed, len(delivery.warnings)) == (0, count, 1)
    assert owed_in(tmp_path) == count
    sync = {"cortex_path": None, "database": tmp_path / "cortex.db"}
    assert deliver_spools(tmp_path, **sync) == Delivery(count, count)  # type: ignore[arg-type]
    assert deliver_spools(tmp_path, **sync) == Delivery()  # type: ignore[arg-type]
    assert len(titles_in(tmp_path)) == count


def test_a_system_without_a_thread_to_spare_stops_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A limit of the shell: the experiment goes on, and all of it is owed, with the reason."""

    def refused(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refused)
    with closing(embedded(tmp_path)) as cortex:
        count = tell(cortex, lived())
        delivery = cortex.deliver(30)
    assert (delivery.stored, delivery.owed) == (0, count)
    assert "can't start new thread" in delivery.warnings[0]


def test_a_hung_server_stops_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who waits for it waits a bounded time, and less each time; what it did not take is owed."""
    call = Connection.call

    async def patient(self: Connection, tool: str, arguments: Mapping[str, Any], timeout: float = 3600.0) -> ToolReply:
        # Or it would count as dead on a machine that is too busy for this test, and nobody waits for a dead one.
        return await call(self, tool, arguments, timeout)

    monkeypatch.setattr(Connection, "call", patient)
    with closing(forgetful(tmp_path, faults={"hang": [2]})) as cortex:
        one = lived()
        count = tell(cortex, one)
        while calls_of(tmp_path) < 2:
            sleep(0.01)
        cortex._patience = 0.4
        assert cortex.pytest_koderz_recall_iterations(one, 5) is None
        assert cortex.pytest_koderz_recall_iterations(one, 5) is None
        assert cortex._patience == 0.1
        delivery = cortex.deliver(0.1)
    assert (delivery.stored, delivery.owed) == (1, count - 1)
    await_end_of_servers(tmp_path)


def calls_of(folder: Path) -> int:
    """How often the forgetful server was told to remember."""
    calls = folder / "cortex.calls"
    return calls.stat().st_size if calls.exists() else 0


@pytest.mark.slow
def test_what_was_delivered_by_others_is_not_sent_again(tmp_path: Path) -> None:
    """A process dies with a full spool; the resumed benchmark tells the same again; then the old spool is delivered."""
    one = lived()
    with closing(
        open_cortex(
            cortex_path="/nowhere/index.js",
            database=tmp_path / "cortex.db",
            spool=tmp_path / "bench" / "died.spool",
            environment={"PATH": "/nowhere"},
        )
    ) as died:
        tell(died, one)
    with closing(embedded(tmp_path, "resumed")) as resumed:
        count = tell(resumed, one)
        assert resumed.deliver(60).verified == count
    with closing(embedded(tmp_path, "again")) as again:
        tell(again, one)
        assert again.deliver(60).verified == count
    assert deliver_spools(tmp_path, cortex_path=None, database=tmp_path / "cortex.db").owed == 0
    assert len(set(titles_in(tmp_path))) == len(titles_in(tmp_path)) == count


def test_a_file_that_is_no_spool_is_named(tmp_path: Path) -> None:
    """And does not keep the others from being delivered."""
    (tmp_path / "torn.spool").write_bytes(b"x" * 5_000)
    delivery = deliver_spools(tmp_path, cortex_path=None, database=tmp_path / "cortex.db")
    assert (delivery.owed, owed_in(tmp_path)) == (0, 0)
    assert "torn.spool" in delivery.warnings[0]


def test_a_spool_that_was_tampered_with_is_named(tmp_path: Path) -> None:
    """With the place, and left as it is."""
    with closing(Spool(tmp_path / "a.spool")) as spool:
        spool.put(memory_of_iteration(experiment(), iteration(1)))
    (tmp_path / "a.spool.memories").write_bytes(b"something else\n")
    with closing(sqlite3.connect(tmp_path / "a.spool")) as database:
        database.execute("UPDATE listed SET bytes = 0")
        database.commit()
    delivery = deliver_spools(tmp_path, cortex_path=None, database=tmp_path / "cortex.db")
    assert delivery.stored == 0
    assert any("no memory at byte 0 of a.spool.memories" in warning for warning in delivery.warnings)
    assert (tmp_path / "a.spool").exists()


def test_a_spool_in_use_is_left_to_its_owner(tmp_path: Path) -> None:
    """Its memories are counted as owed."""
    with closing(embedded(tmp_path)) as cortex:
        count = tell(cortex, lived())
        delivery = deliver_spools(tmp_path / "bench", cortex_path=None, database=tmp_path / "cortex.db")
        assert delivery.stored == 0
        assert "in use" in delivery.warnings[0]
        assert cortex.deliver(60).verified == count


def test_no_secret_is_stored(tmp_path: Path, server: str | None) -> None:
    """Not even when an error message or a model's text repeats one."""
    secret = "sk-ant-0123456789abcdef"
    environment = {**os.environ, "ANTHROPIC_API_KEY": secret}
    ended: Experiment = replace(lived(), reason=f"401 for {secret}", spec=spec(f"Use {secret}."))
    with closing(embedded(tmp_path, environment=environment, server=server)) as cortex:
        count = tell(cortex, ended)
        assert cortex.deliver(60) == Delivery(count, count)
        for process in servers_of(tmp_path):
            assert secret.encode() not in Path(f"/proc/{process}/environ").read_bytes()
            assert secret.encode() not in Path(f"/proc/{process}/cmdline").read_bytes()
        for file in tmp_path.rglob("*"):
            assert file.is_dir() or secret.encode() not in file.read_bytes()


def test_other_projects_do_not_see_it(tmp_path: Path, cortex: Cortex, server: str | None) -> None:
    """Every memory has its project and scope, also those of the category `learning`."""
    tell(cortex, lived())
    cortex.deliver(60)
    assert {(row["project"], row["scope"], row["type"]) for row in rows_in(tmp_path, server)} == {
        ("koderz", "project", "long_term")
    }


def test_closing_leaves_no_server(tmp_path: Path, cortex: Cortex) -> None:
    """Nor a second close, nor one after the server has died."""
    tell(cortex, lived())
    cortex.deliver(60)
    (process,) = servers_of(tmp_path)
    os.kill(process, signal.SIGKILL)
    cortex.close()
    cortex.close()
    await_end_of_servers(tmp_path)


def test_threads_share_one_cortex(tmp_path: Path, cortex: Cortex) -> None:
    """Experiments of several threads at once: one server, nothing lost, each recalls its own."""

    def live(number: int) -> int:
        one = lived(number)
        count = tell(cortex, one)
        assert cortex.pytest_koderz_recall_iterations(one, 5) in (list(one.iterations[-5:]), None)
        return count

    with ThreadPoolExecutor(4) as pool:
        count = sum(pool.map(live, range(8)))
    assert cortex.deliver(60) == Delivery(count, count)
    assert len(servers_of(tmp_path)) == 1
