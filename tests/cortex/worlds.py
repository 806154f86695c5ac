"""Small experiments, and servers to tell them to."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from time import sleep
from typing import Any

from pytest_koderz.core.arm import Arm, ModelSettings
from pytest_koderz.core.experiment import Advice, Experiment, Guidance, Spec, Status, experiment_id
from pytest_koderz.core.iteration import Candidate, Failure, Iteration, Outcome, StopReason, Verdict
from pytest_koderz.core.money import Ledger, Spending, Usage
from pytest_koderz.core.problem import Problem
from pytest_koderz.cortex import Cortex, open_cortex
from pytest_koderz.cortex.client.connection import ANSWER_TIMEOUT, Launch, connect
from pytest_koderz.cortex.client.replies import ToolReply, exported
from pytest_koderz.cortex.server.memory_tools import MemoryTools
from pytest_koderz.cortex.server.store import Store

SHARED = Path(__file__).parents[2].parent / "shared" / "cortex"
FORGETFUL = Path(__file__).with_name("forgetful.py")
LOSSY = Path(__file__).with_name("lossy_server.mjs")
NODE = shutil.which("node")

REAL = os.environ.get("CORTEX_PATH") or None
"""A real claude-cortex."""

BENCHMARK = "bench_0a1b2c3d"

Row = Mapping[str, Any]


def problem(number: int = 0) -> Problem:
    return Problem(f"HumanEval/{number}", "def f():\n    ...\n", "f", "def check(candidate): assert candidate() == 2\n")


def arm(name: str = "koderz", model: str = "frontier-1") -> Arm:
    return Arm(name, ModelSettings("local", "fake", "local-1"), ModelSettings("frontier", "fake", model))


def experiment(number: int = 0, benchmark: str = BENCHMARK) -> Experiment:
    name = f"HumanEval/{number}"
    return Experiment(
        experiment_id(benchmark, name, "koderz", 1), name, "koderz", benchmark_id=benchmark, prompt_version="1"
    )


def iteration(number: int, source: str | None = None, *, passed: bool = False, told: str = "") -> Iteration:
    failure = Failure("AssertionError", "assert candidate() == 2", "assert 1 == 2", "ValueError: ü", 3)
    wrong = Verdict(Outcome.WRONG, 1, 3, (failure,), 0.012, 0.01, 9_000_000, "printed\n", "", locks="partial")
    return Iteration(
        number,
        (Candidate(f"def f():\n    return {number}\n" if source is None else source), None),
        (Verdict(Outcome.PASSED, 3, 3) if passed else wrong, Verdict(Outcome.NO_CODE)),
        told or "It returned a wrong answer.",
        stop_reason=StopReason.MAX_TOKENS,
        model_id="local-1",
        usage=Usage(10, 20, 3, 4),
        cost=Decimal("0.00012"),
        seconds=1.25,
    )


def guidance(number: int, after: int) -> Guidance:
    return Guidance(number, after, "Look at the return value.", "frontier-1", 5, Usage(7, 8), Decimal("0.003"), 2.0)


def spec(text: str = "Return two.") -> Spec:
    return Spec(text, "frontier-1-20260101", Usage(100, 50), Decimal("0.0123"), 3.5)


def advice(after: int = 2) -> Advice:
    return Advice("Mind the empty list.", "exp_00000000", "HumanEval/99", after, ("a complete solution",))


def lived(number: int = 0, iterations: int = 6, benchmark: str = BENCHMARK) -> Experiment:
    """An experiment that went through all four phases."""
    told = experiment(number, benchmark).with_spec(spec())
    for count in range(1, iterations + 1):
        told = told.with_iteration(iteration(count, passed=count == iterations))
        if count == 5 and count < iterations:
            told = told.with_checkpoint(guidance(1, 5))
    spent = Spending("spec", "frontier", 1, Usage(100, 50), Decimal("0.0123"), 3.5, None)
    return replace(told, ledger=Ledger((spent,))).ended(Status.SOLVED, 12.5)


def tell(cortex: Cortex, ended: Experiment) -> int:
    """Tell cortex of *ended* as the loop would; returns how many memories that makes."""
    now = replace(ended, spec=None, iterations=(), advice=(), checkpoints=(), status=Status.RUNNING)
    if ended.spec is not None:
        cortex.pytest_koderz_spec_written(now := now.with_spec(ended.spec), ended.spec)
    for step in ended.iterations:
        cortex.pytest_koderz_iterated(now := now.with_iteration(step), step)
        for review in ended.checkpoints:
            if review.after_iteration == step.number:
                cortex.pytest_koderz_checkpointed(now := now.with_checkpoint(review), review)
    for advice in ended.advice:
        cortex.pytest_koderz_advised(now := now.with_advice(advice), advice)
    cortex.store_result(ended)
    return len(ended.advice) + 1 + (ended.spec is not None) + len(ended.iterations) + len(ended.checkpoints)


def embedded(
    folder: Path, name: str = "main", environment: Mapping[str, str] | None = None, server: str | None = None
) -> Cortex:
    """Cortex on the embedded server, or on claude-cortex where *server* is its path."""
    return open_cortex(
        cortex_path=server,
        database=folder / "cortex.db",
        spool=folder / "bench" / f"{name}.spool",
        environment=environment,
    )


def forgetful(
    folder: Path,
    name: str = "main",
    faults: Mapping[str, object] | None = None,
    complain: Callable[[str], None] | None = None,
) -> Cortex:
    """Cortex on a server that loses what claude-cortex loses, launched as claude-cortex is."""
    return open_cortex(
        cortex_path=str(FORGETFUL),
        database=folder / "cortex.db",
        spool=folder / "bench" / f"{name}.spool",
        environment=node_environment(folder, faults or {}),
        complain=complain,
    )


def node_environment(folder: Path, faults: Mapping[str, object]) -> dict[str, str]:
    """A PATH on which `node` runs Python; the faults are told in a file beside the database."""
    (folder / "cortex.faults").write_text(json.dumps(faults), encoding="utf-8")
    node = folder / "bin" / "node"
    node.parent.mkdir(exist_ok=True)
    node.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n', encoding="utf-8")
    node.chmod(0o755)
    return {"PATH": f"{node.parent}:{os.environ['PATH']}", "HOME": str(folder)}


def lossy(folder: Path, environment: Mapping[str, str], faults: Mapping[str, object] | None = None) -> Cortex:
    """Cortex on the stand-in, launched as claude-cortex is."""
    (folder / "cortex.db.faults").write_text(json.dumps(faults or {}), encoding="utf-8")
    return open_cortex(
        cortex_path=str(LOSSY),
        database=folder / "cortex.db",
        spool=folder / "bench" / "main.spool",
        environment=environment,
    )


def launch(folder: Path, environment: Mapping[str, str] | None = None, cortex_path: str | None = None) -> Launch:
    return Launch.of(cortex_path, folder / "cortex.db", "koderz", environment or os.environ)


def converse(
    how: Launch, calls: Sequence[tuple[str, Mapping[str, object]]], timeout: float = ANSWER_TIMEOUT
) -> list[ToolReply]:
    """The replies to *calls*, over one connection."""

    async def talk() -> list[ToolReply]:
        async with connect(how) as connection:
            return [await connection.call(tool, arguments, timeout) for tool, arguments in calls]

    return asyncio.run(talk())


def rows_in(folder: Path, server: str | None = None) -> list[Row]:
    """All that the database holds, which is claude-cortex's where *server* is its path."""
    if server is not None:
        (reply,) = converse(launch(folder, cortex_path=server), [("export_memories", {"project": "*"})])
        return list(exported(reply))
    with closing(Store(folder / "cortex.db")) as store:
        text, _ = MemoryTools(store, "koderz", folder).call("export_memories", {"project": "*"})
    return list(exported(ToolReply(text)))


def titles_in(folder: Path, server: str | None = None) -> list[str]:
    return sorted(str(row["title"]) for row in rows_in(folder, server))


def servers_of(folder: Path) -> list[int]:
    """The processes that serve a database in *folder*, the embedded server's or claude-cortex's."""
    databases = {str(folder / name).encode() for name in ("cortex.db", "claude-cortex.db")}
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = entry.read_bytes().split(b"\0")
        except OSError:
            continue
        if b"--db" in words and not databases.isdisjoint(words):
            found.append(int(entry.parent.name))
    return found


def kill_servers(folder: Path) -> int:
    killed = 0
    for process in servers_of(folder):
        try:
            os.kill(process, signal.SIGKILL)
            killed += 1
        except ProcessLookupError:
            continue
    return killed


def await_end_of_servers(folder: Path) -> None:
    """Returns once none is left; how soon a process ends that was told to is the machine's business."""
    while servers_of(folder):
        sleep(0.01)
