"""What took long before begins first, the same in all processes."""

from __future__ import annotations

from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from pytest_koderz.core.experiment import Experiment, Status
from pytest_koderz.records.journal import Journal
from pytest_koderz.session.longest_first import may_choose
from tests.conftest import Run

PICKED = ("--koderz-problems", "0-4", "--koderz-arm", "local-only", "--koderz-jobs", "2", "--tb=no", "-rN", "-v")
SECONDS = {"HumanEval/1": 1.0, "HumanEval/2": 9.0, "HumanEval/3": 5.0}
LONGEST_FIRST = [2, 0, 3, 4, 1]
"""Two are not known: they stand where the median does, of 5 s."""


@pytest.fixture
def before(forgetful: Run, pytester: pytest.Pytester) -> Run:
    """Three of the problems were run in an earlier benchmark."""
    folder = pytester.path / ".koderz" / "bench_00000001"
    journal = Journal(folder, "main", {"id": folder.name, "arms": ["local-only"], "simulated": True})
    for number, (problem, seconds) in enumerate(SECONDS.items()):
        one = Experiment(f"exp_{number:08x}", problem, "local-only", benchmark_id=folder.name)
        journal.pytest_koderz_ended(one.ended(Status.SOLVED, seconds, ""))
    journal.close()
    return forgetful


def _order(result: pytest.RunResult) -> list[int]:
    ran = [line.partition("HumanEval/")[2].partition("[")[0] for line in result.outlines if "::HumanEval/" in line]
    return [int(number) for number in ran]


def test_the_longest_begins_first_and_the_header_says_so(before: Run) -> None:
    result = before(*PICKED)
    assert _order(result) == LONGEST_FIRST
    result.stdout.fnmatch_lines(["koderz: SIMULATED order: longest first, by 3 past durations; cut short, *"])


@pytest.mark.slow
def test_workers_collect_the_order_that_the_controller_chose(before: Run, pytester: pytest.Pytester) -> None:
    """Though one of them finds other journals than it did: they would refuse to run if their orders differed."""
    pytester.makeconftest(FORGETTING)
    result = before(*PICKED, "-n", "2")
    assert sum(result.parseoutcomes().values()) == 5
    assert {path.read_text() for path in pytester.path.glob("gw*.order")} == {str(LONGEST_FIRST)}


FORGETTING = """
import pathlib, shutil

def pytest_collection_finish(session):
    worker = getattr(session.config, "workerinput", {}).get("workerid")
    numbers = [int(item.problem.id.partition("/")[2]) for item in session.items]
    if worker:
        pathlib.Path(f"{worker}.order").write_text(str(numbers))

def pytest_configure(config):
    if getattr(config, "workerinput", {}).get("workerid") == "gw1":
        shutil.rmtree(".koderz/bench_00000001", ignore_errors=True)
"""


OFF: dict[str, object] = {"numprocesses": None, "tx": [], "dist": "no", "stepwise": False, "collectonly": False}


@pytest.mark.parametrize(
    ("options", "settings"),
    [
        ({}, {"jobs": 1}),
        ({}, {"sample": "5"}),
        ({}, {"max_cost": Decimal(5)}),
        ({}, {"stops_when_decided": True}),
        ({"stepwise": True}, {}),
        ({"collectonly": True}, {}),
    ],
)
def test_an_order_that_means_something_stays(options: dict[str, object], settings: dict[str, object]) -> None:
    """One at a time, a sample, what may be cut short, and what goes on where it stopped; otherwise it is chosen."""
    assert may_choose(_run({}, {}))
    assert not may_choose(_run(options, settings))
    assert may_choose(_run({"dist": "load", "numprocesses": 2}, {"jobs": 1}))
    assert not may_choose(_run({}, {}, looks=("one",)))


def _run(options: dict[str, object], settings: dict[str, object], looks: tuple[str, ...] = ()) -> Any:
    option = SimpleNamespace(**OFF | options)
    config = SimpleNamespace(option=option, getoption=lambda name, default=None: getattr(option, name, default))
    said = {"jobs": 2, "sample": None, "max_cost": None, "stops_when_decided": False} | settings
    return SimpleNamespace(config=config, settings=SimpleNamespace(**said), frame=SimpleNamespace(looks=looks))
