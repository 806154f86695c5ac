"""A report that gets lost makes no figure wrong: the end of a run is settled with its journals."""

from __future__ import annotations

import json
import random
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Run

from .killing import kill_when, recorded_bytes
from .worlds import recorded

CHOSEN = ("--koderz-problems", "0-2", "--koderz-arm", "koderz", "--tb=no")
LOSING = """
import pytest

@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(item):
    report = yield
    if "HumanEval/1" in item.nodeid and report.when == "call":
        del report.koderz_experiment
    return report
"""
SPOILING = """
import pathlib

def pytest_koderz_ended(experiment):
    pathlib.Path(".koderz", experiment.benchmark_id, "gw7.jsonl").write_text("x\\n" * 3)
"""
ENDING = """
import pytest

def pytest_runtest_logreport(report):
    if "HumanEval/1" in report.nodeid and report.when == "teardown":
        {how}
"""
DYING = """
import os, signal

def pytest_koderz_called(experiment, role):
    if experiment.problem_id == "HumanEval/1" and role == "local" and "PYTEST_XDIST_WORKER" in os.environ:
        {how}
"""


def paid(root: Path) -> Decimal:
    """By the calls in all journals."""
    return sum((Decimal(line["spending"]["cost"]) for line in recorded(root, "called")), Decimal(0))


def results_of(root: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((root / "r.json").read_text())
    return found


def check_books(root: Path) -> None:
    """The results of the only benchmark in *root* are what its journals hold, to the cent."""
    told = results_of(root)
    assert sum(Decimal(str(row["paid_usd"])) for row in told["experiments"]) == paid(root)
    assert {row["id"] for row in told["experiments"]} == {line["experiment"] for line in recorded(root, "began")}
    ended = {line["experiment"] for line in recorded(root, "ended")}
    assert {row["id"] for row in told["experiments"] if row["outcome"] != "running"} == ended


def test_an_experiment_whose_report_lost_it_is_counted(forgetful: Run, pytester: pytest.Pytester) -> None:
    """As its journal has it; observers hear of its end, and there is nothing to go on with."""
    heard = "\nends = []\ndef pytest_koderz_finished(experiment):\n    ends.append(experiment.problem_id)\n"
    said = "def pytest_unconfigure():\n    open('ends', 'w').write(' '.join(sorted(ends)))\n"
    pytester.syspathinsert()
    pytester.makepyfile(losing=LOSING + heard + said)
    result = forgetful(*CHOSEN, "--koderz-json", "r.json", "-p", "losing")
    arm = results_of(pytester.path)["arms"]["koderz"]
    assert (arm["settled"], Decimal(str(arm["paid_usd"]))) == (3, paid(pytester.path))
    assert (pytester.path / "ends").read_text() == "HumanEval/0 HumanEval/1 HumanEval/2"
    assert not [line for line in result.outlines if line.startswith("go on with:")]
    check_books(pytester.path)


def test_a_journal_that_cannot_be_read_is_complained_of(forgetful: Run, pytester: pytest.Pytester) -> None:
    """What was heard of is shown all the same."""
    pytester.syspathinsert()
    pytester.makepyfile(spoiling=LOSING + SPOILING)
    result = forgetful(*CHOSEN, "-p", "spoiling")
    result.stdout.fnmatch_lines(["SIMULATED koderz     2/2 *", "warning: *gw7.jsonl:1: is no line of a journal; *"])


@pytest.mark.parametrize("how", ["raise RuntimeError", "pytest.exit('enough', returncode=9)"])
def test_an_end_without_pytests_summary_has_ours(how: str, forgetful: Run, pytester: pytest.Pytester) -> None:
    """After an internal error, or a status of a plugin's own."""
    pytester.syspathinsert()
    pytester.makepyfile(ending=ENDING.format(how=how))
    result = forgetful(*CHOSEN, "--koderz-json", "r.json", "-p", "ending")
    result.stdout.fnmatch_lines(["SIMULATED koderz     2/2 *", "go on with: *--koderz-resume"])
    check_books(pytester.path)


@pytest.mark.slow
@pytest.mark.parametrize("how", ["os._exit(1)", "os.kill(os.getpid(), signal.SIGKILL)", "os.abort()"])
def test_a_lost_worker_loses_no_cent(how: str, run_apart: Run, pytester: pytest.Pytester) -> None:
    """As where the system has no memory left: its experiment is unfinished, on the bill, and can be gone on with."""
    (pytester.path / "koderz.yaml").write_text("cortex: {enabled: false}\n")
    pytester.makeconftest(DYING.format(how=how))
    simulated = ("--koderz", "--koderz-profile", "simulated", *CHOSEN, "--koderz-json", "r.json")
    result = run_apart(*simulated, "-n", "2")
    arm = results_of(pytester.path)["arms"]["koderz"]
    assert (arm["settled"], arm["unfinished"]) == (2, 1)
    check_books(pytester.path)
    result.stdout.fnmatch_lines(["*not counted: 1 unfinished; charged in all $*", "go on with: *--koderz-resume"])
    (pytester.path / "conftest.py").unlink()
    run_apart(*simulated, "-n", "2", "--koderz-resume")
    assert results_of(pytester.path)["arms"]["koderz"]["settled"] == 3
    check_books(pytester.path)


WORKERS = """
import os, pathlib

def pytest_configure(config):
    if hasattr(config, "workerinput"):
        pathlib.Path(f"{os.getpid()}.worker").touch()
"""


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("whom", ["worker", "controller", "both"])
def test_a_kill_at_any_moment_loses_no_cent(whom: str, seed: int, pytester: pytest.Pytester, run_apart: Run) -> None:
    """Summary, JSON and journals agree; what is left of a killed controller says how to go on."""
    root = pytester.path
    (root / "koderz.yaml").write_text("cortex: {enabled: false}\n")
    pytester.makeconftest(WORKERS)
    moment = random.Random(seed).randrange(5_000, 120_000)  # noqa: S311 - no secret
    few = ("--koderz-profile", "simulated", "--koderz-problems", "0-5", "-n", "2", "--koderz-json", "r.json")
    killed = kill_when(root, lambda: recorded_bytes(root) > moment, *few, whom=whom)
    assert killed
    if whom != "worker":
        (folder,) = root.glob(".koderz/bench_*")
        told = run_apart("--koderz-analyze", folder.name)
        told.stdout.fnmatch_lines(["* of 18*", f"go on with: *--koderz-resume={folder.name}"])
        run_apart("--koderz", *few, "--koderz-resume").stdout.fnmatch_lines(
            ["koderz: SIMULATED resuming *: * settled, * cut short, *"]
        )
        assert {row["outcome"] for row in results_of(root)["experiments"]} <= {"solved", "unsolved"}
    check_books(root)


HUNGRY = """
import os, resource, signal
from pathlib import Path

import pytest

EATEN = []
ITEMS = []
MARGIN = 64 << 20

def pages(column):
    return int(Path("/proc/self/statm").read_text().split()[column]) * resource.getpagesize()

def starve():
    '''Of address space: what is eaten stays eaten, as by a leak.'''
    Path("over").touch()
    resource.setrlimit(resource.RLIMIT_AS, (pages(0) + MARGIN,) * 2)
    for size in (1 << 20, 1 << 14, 1 << 9):
        try:
            while True:
                EATEN.append(bytearray(size))
        except MemoryError:
            pass
    raise MemoryError

def grow():
    '''Until the process has more in memory than it may: the kernel ends it there, without a word.'''
    Path("over").touch()
    bound = pages(1) + MARGIN
    while pages(1) < bound:
        EATEN.append(b"x" * (1 << 20))
    os.kill(os.getpid(), signal.SIGKILL)

def pytest_runtest_setup(item):
    ITEMS.append(item)
    if "{where}" == "setup" and os.environ.get("PYTEST_XDIST_WORKER") == "gw0" and len(ITEMS) == 3:
        {what}()

def pytest_koderz_called(experiment, role):
    if "{where}" == "called" and os.environ.get("PYTEST_XDIST_WORKER") == "gw0" and len(ITEMS) == 3:
        {what}()
"""


@pytest.mark.slow
@pytest.mark.parametrize("where", ["setup", "called"])
@pytest.mark.parametrize("what", ["starve", "grow"])
def test_a_worker_over_its_memory_loses_no_cent(
    what: str, where: str, run_apart: Run, pytester: pytest.Pytester
) -> None:
    """Of address space, where every later allocation fails, or of the machine's, where the kernel ends it."""
    root = pytester.path
    (root / "koderz.yaml").write_text("cortex: {enabled: false}\n")
    pytester.makeconftest(HUNGRY.format(what=what, where=where))
    few = ("--koderz", "--koderz-profile", "simulated", "--koderz-problems", "0-3", "--koderz-json", "r.json")
    result = run_apart(*few, "-n", "2")
    assert (root / "over").exists()
    check_books(root)
    result.stdout.fnmatch_lines(["go on with: *--koderz-resume"])
    (root / "conftest.py").unlink()
    run_apart(*few, "--koderz-resume")
    check_books(root)
    assert sum(arm["settled"] for arm in results_of(root)["arms"].values()) == 12
