"""Many runs in one process: the same figures each time, and nothing of a run is left over."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from .worlds import outcomes

RUNNING = """
import gc, json, os, signal, sys, threading
from pathlib import Path
import pytest

def children():
    return sorted(
        child for task in Path("/proc/self/task").iterdir() for child in (task / "children").read_text().split()
    )

def left():
    gc.collect()
    opened = [os.readlink(path) for path in Path("/proc/self/fd").iterdir() if os.path.lexists(path)]
    return {
        "threads": sorted(thread.name for thread in threading.enumerate()),
        "files": sorted(name.split(":")[0] for name in opened),
        "signals": {str(number): str(signal.getsignal(number)) for number in signal.valid_signals()},
        "environment": dict(os.environ),
        "children": children(),
        "path": list(sys.path),
        "hooks": [str(sys.excepthook), str(threading.excepthook), str(sys.unraisablehook)],
        "folder": os.getcwd(),
    }

states = []
for run in json.loads(sys.argv[1]):
    status = int(pytest.main(run))
    states.append([status, left()])
Path("states.json").write_text(json.dumps(states))
"""
COMMON = ("-q", "--tb=no", "-p", "no:cacheprovider", "-p", "no:rerunfailures")
"""pytest-rerunfailures leaves a thread and a socket of its own behind in each run."""
CHOSEN = ("--koderz", "--koderz-profile", "simulated", "--koderz-problems", "0")


def states_after(folder: Path, *runs: tuple[str, ...]) -> list[tuple[int, dict[str, object]]]:
    """Exit status and what there is in the process after each run of pytest in it."""
    lines = json.dumps([[*COMMON, *run] for run in runs])
    done = subprocess.run(
        [sys.executable, "-c", RUNNING, lines], cwd=folder, capture_output=True, text=True, check=False, timeout=600
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return [(status, left) for status, left in json.loads((folder / "states.json").read_text())]


def as_json(name: str) -> str:
    return f"--koderz-json={name}.json"


def same_each_time(folder: Path, *names: str) -> None:
    first, *others = [outcomes(folder / f"{name}.json") for name in names]
    assert first
    assert [other for other in others if other != first] == []


@pytest.mark.slow
def test_runs_in_one_process_have_the_same_figures_and_leave_nothing(tmp_path: Path) -> None:
    (first, left), *others = states_after(
        tmp_path, (*CHOSEN, as_json("a")), (*CHOSEN, as_json("b")), (), (*CHOSEN, "--koderz-jobs=2", as_json("c"))
    )
    assert [first, *(status for status, _ in others)] == [0, 0, pytest.ExitCode.NO_TESTS_COLLECTED, 0]
    assert [state for _, state in others if state != left] == []
    same_each_time(tmp_path, "a", "b", "c")


@pytest.mark.slow
def test_workers_verbs_and_pages_leave_nothing_either(tmp_path: Path) -> None:
    plain = (*CHOSEN, as_json("a"))
    (_, left), *others = states_after(
        tmp_path,
        plain,
        (*CHOSEN, "-n", "2", as_json("b")),
        (*CHOSEN, "--koderz-list"),
        (*CHOSEN, "--koderz-html=page.html", "--junitxml=junit.xml"),
        ("--koderz-results",),
        (*CHOSEN, "--koderz-set", "nothing=1"),
        (*CHOSEN, as_json("c")),
    )
    assert [status for status, _ in others] == [0, 0, 0, 0, pytest.ExitCode.USAGE_ERROR, 0]
    assert [state for _, state in others if state != left] == []
    same_each_time(tmp_path, "a", "b", "c")


@pytest.mark.slow
def test_options_from_the_environment_count_as_typed_ones(tmp_path: Path) -> None:
    for name, typed, given in (("a", CHOSEN, ()), ("b", (), CHOSEN)):
        environment = {**os.environ, "PYTEST_ADDOPTS": " ".join(given)}
        line = [sys.executable, "-m", "pytest", *COMMON, *typed, as_json(name)]
        subprocess.run(line, cwd=tmp_path, env=environment, capture_output=True, check=True, timeout=300)
    same_each_time(tmp_path, "a", "b")


TWICE = """
def test_twice(pytester):
    for name in ("first", "second"):
        done = pytester.runpytest_inprocess(*{options!r}, f"--koderz-json={folder}/{{name}}.json")
        assert done.ret == 0
"""


@pytest.mark.slow
def test_a_test_of_a_users_own_may_run_it_twice_by_pytester(tmp_path: Path) -> None:
    """Which makes Python forget what the first run has imported."""
    options = [*COMMON, *CHOSEN]
    (tmp_path / "test_twice.py").write_text(TWICE.format(options=options, folder=tmp_path))
    outer = [sys.executable, "-m", "pytest", "-p", "pytester", *COMMON, "test_twice.py"]
    done = subprocess.run(outer, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    same_each_time(tmp_path, "first", "second")
