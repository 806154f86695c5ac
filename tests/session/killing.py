"""A benchmark that is killed at a chosen point of its journal."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

PATIENCE = 120.0
"""Seconds until a benchmark that does not come to the point fails the test."""
PROBLEM = """
  - id: own/add{number}
    entry_point: add{number}
    prompt: "def add{number}(x, y): ..."
    tests: "def check(candidate): assert candidate(2, 3) == 5"
    canonical_solution: "def add{number}(x, y): return x + y"
"""


def suite_of(problems: int) -> str:
    """A problem file with so many problems, each of another function."""
    return "problems:" + "".join(PROBLEM.format(number=number) for number in range(problems))


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "pytest", "--koderz", "--tb=no", "-p", "no:cacheprovider", *arguments]


def recorded_bytes(folder: Path) -> int:
    """Of all journals of all benchmarks in *folder*."""
    return sum(path.stat().st_size for path in folder.glob(".koderz/bench_*/*.jsonl"))


def kill_when(
    folder: Path,
    point: Callable[[], bool],
    *arguments: str,
    stop: signal.Signals = signal.SIGKILL,
    then: Callable[[], object] = lambda: None,
    delay: float = 0.0,
    whom: str = "both",
) -> bool:
    """Start a benchmark in *folder* and kill it with all its workers once *point* is true; False: it ended before.

    *whom* is "controller" or "worker" where only that one is killed, the first of those that left a file `PID.worker`.
    *then* is called once the signal is sent; *delay* is the seconds from *point* to the kill.
    """
    with subprocess.Popen(
        command(*arguments), cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
    ) as process:
        until = time.monotonic() + PATIENCE
        while not point() and process.poll() is None and time.monotonic() < until:
            # The journal grows by a line about every 10 ms: this looks in between.
            time.sleep(0.001)
        time.sleep(delay)
        ended = process.poll() is not None
        if not ended and whom == "both":
            os.killpg(process.pid, stop)
        elif not ended:
            worker = min(int(path.stem) for path in folder.glob("*.worker")) if whom == "worker" else process.pid
            os.kill(worker, stop)
        then()
        process.communicate()
        assert time.monotonic() < until
        return not ended


def results(path: Path) -> dict[str, Any]:
    """Outcomes and totals of a results file, without what no two runs share: ids, times and servers."""
    content = json.loads(path.read_text())
    rows = {f"{row['problem']} {row['arm']} {row['epoch']}": _shared(row) for row in content["experiments"]}
    return {"arms": _shared(content["arms"]), "experiments": rows}


def _shared(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _shared(inner) for key, inner in value.items() if key not in _ITS_OWN}
    return [_shared(inner) for inner in value] if isinstance(value, list) else value


_ITS_OWN = ("id", "experiment", "recalled_from", "started", "seconds", "answered_by")
