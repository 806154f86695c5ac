"""Run a simulated benchmark with two workers and compare what cortex has with what the journals say.

    python -m tests.benchmarks.verify_cortex --kills 20
    CORTEX_PATH=.../claude-cortex-core/dist/index.js python -m tests.benchmarks.verify_cortex

Nearly every experiment takes all of its ten iterations; `--usual` leaves the simulated models as strong as a user has
them. With --kills all memory servers are killed at that many seeded moments, spread evenly over the memories of an
undisturbed run, be it in the benchmark or, where that falls behind, in the delivery of what it still owed. Where
CORTEX_PATH is set (or --cortex-path given) the server is `node PATH`.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from pytest_koderz.core.experiment import Experiment
from pytest_koderz.cortex import recall
from pytest_koderz.cortex.client.connection import Launch
from pytest_koderz.cortex.client.memories import (
    MemoryEntry,
    memory_of_advice,
    memory_of_checkpoint,
    memory_of_iteration,
    memory_of_result,
    memory_of_spec,
)
from pytest_koderz.cortex.client.replies import exported
from pytest_koderz.records.events import Head
from pytest_koderz.records.reader import archived
from tests.cortex.worlds import converse, kill_servers

SETTINGS = """
models:
  simulated-local: {backend: simulated, model: local, options: {strength: 0.001, repair: 0, guidance: 0}}
"""
MEMORIES = 11
"""That an experiment makes on the average, or a few more; not all of them take ten iterations."""

BENCHMARK = ("--koderz-profile", "simulated", "--koderz-arm", "koderz", "-n", "2", "--tb=no", "-q", "-rN")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--problems", default="0-163")
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--usual", action="store_true", help="the simulated models as they are")
    parser.add_argument(
        "--cortex-path", default=os.environ.get("CORTEX_PATH") or None, help="claude-cortex's index.js, or a stand-in"
    )
    options = parser.parse_args()
    first, _, last = options.problems.partition("-")
    expected = (int(last or first) - int(first) + 1) * MEMORIES
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "koderz.yaml").write_text("" if options.usual else SETTINGS)
        points = moments(options.kills, expected, options.seed)
        environment = {**os.environ, **({"CORTEX_PATH": options.cortex_path} if options.cortex_path else {})}
        with killing(database_of(folder, options.cortex_path), points) as killed:
            began = time.monotonic()
            said = pytest(folder, [*BENCHMARK, "--koderz-problems", options.problems], environment)[1]
            print(f"{time.monotonic() - began:.0f} s, servers killed {len(killed)} times until here", flush=True)
            while pytest(folder, ["--koderz-cortex-sync"], environment)[0]:
                time.sleep(1.0)
        print(f"servers killed at {len(killed)} of {len(points)} moments: {killed}", flush=True)
        return compare(folder, options.cortex_path, said)


def moments(count: int, memories: int, seed: int) -> list[int]:
    """After how many memories to kill: one draw from each of as many equal parts; the last tenth is left alone."""
    draw = random.Random(seed)  # noqa: S311 - not for secrets
    part = 0.9 * memories / count if count else 0
    return [int(part * (number + draw.random())) + 1 for number in range(count)]


@contextmanager
def killing(database: Path, points: Sequence[int]) -> Iterator[list[int]]:
    """Kill the servers of *database* as soon as they have as many memories; gives the counts at which one was there."""
    ended = threading.Event()
    killed: list[int] = []

    def kill() -> None:
        for point in points:
            while stored(database) < point or not kill_servers(database.parent):
                if ended.wait(0.005):
                    return
            killed.append(stored(database))

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        yield killed
    finally:
        ended.set()
        killer.join()


def pytest(folder: Path, arguments: Sequence[str], environment: Mapping[str, str]) -> tuple[int, str]:
    """Its exit status, and what it says of cortex, which is also printed."""
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--koderz", *arguments]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    said = [line for line in done.stdout.splitlines() if line.startswith(("cortex:", "warning:", "ERROR"))]
    print("\n".join(f"  {line}" for line in said), flush=True)
    if done.returncode > 1:
        sys.exit(done.stdout + done.stderr)
    return done.returncode, "\n".join(said)


def stored(database: Path) -> int:
    try:
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as opened:
            return int(opened.execute("SELECT count(*) FROM memories").fetchone()[0])
    except sqlite3.Error:
        return 0


def compare(folder: Path, cortex_path: str | None, said: str) -> int:
    """0 where cortex and the journals tell the same experiments, nothing is there twice, and all was *said* at once."""
    (journals,) = (folder / ".koderz").glob("bench_*")
    recorded = archived(journals)
    where: dict[str, Any] = {"cortex_path": cortex_path, "database": database_of(folder, cortex_path)}
    recalled = recall(recorded.id, **where)
    told = {one.id: one for one in recalled.experiments}
    same = sum(told.get(one.id) == one for one in recorded.experiments)
    print(f"  {len(recorded.experiments)} experiments, {same} of them the same in cortex as in the journals")
    how = Launch.of(cortex_path, where["database"], "koderz", os.environ)
    rows = exported(converse(how, [("export_memories", {"project": "koderz"})])[0])
    memories = [memory for one in recorded.experiments for memory in memories_of(one)]
    contents = Counter(memory.content for memory in memories)
    there = Counter(str(row["content"]) for row in rows)
    lost = contents - there
    titles = {row["title"] for row in rows}
    kinds = Counter(memory.kind for memory in memories)
    print(f"  events in the journals: {dict(kinds)}, 1 benchmark; {len(rows)} memories, {len(titles)} titles")
    print(
        f"  contents: {contents.total() - lost.total()} of {contents.total()} as they were told, {len(there)} different"
    )
    found = re.search(r"cortex: (\d+) stored, (\d+) verified", said)
    counts = tuple(map(int, found.groups())) if found else (0, 0)
    print(f"  said at the end of the run: {counts[0]} stored, {counts[1]} verified; exported: {len(rows)}")
    whole = same == len(recorded.experiments) == len(told) and len(rows) == len(titles) == len(memories) + 1
    noted = recalled.heads.get(recorded.id, Head()).profile == "simulated"
    right = whole and noted and not lost
    print("the same set, each once" if right else "NOT THE SAME")
    return 0 if right else 1


def database_of(folder: Path, cortex_path: str | None) -> Path:
    return folder / ".koderz" / ("claude-cortex.db" if cortex_path else "cortex.db")


def memories_of(experiment: Experiment) -> Iterator[MemoryEntry]:
    """One of each event, as the journals tell them; the title of a spec is not known to them."""
    if experiment.spec is not None:
        yield memory_of_spec(experiment, experiment.spec, "")
    yield from (memory_of_iteration(experiment, iteration) for iteration in experiment.iterations)
    for number, advice in enumerate(experiment.advice, start=1):
        yield memory_of_advice(replace(experiment, advice=experiment.advice[:number]), advice)
    yield from (memory_of_checkpoint(experiment, guidance) for guidance in experiment.checkpoints)
    yield memory_of_result(experiment)


if __name__ == "__main__":
    sys.exit(main())
