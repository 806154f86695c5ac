"""What changed, as lines and as JSON; and results that are read again."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from pytest_koderz.core.experiment import Status
from pytest_koderz.evidence.arms import figures_of
from pytest_koderz.evidence.changes import Candidacy, Change, changes_of
from pytest_koderz.evidence.findings import Frame
from pytest_koderz.evidence.problems import settled_of
from pytest_koderz.reporters.arm_row import keys_of
from pytest_koderz.reporters.changed_lines import NAMED, change_json, change_lines
from pytest_koderz.reporters.results import results_of
from pytest_koderz.reporters.results_read import experiments_told

from .test_summary import FRAME, SITUATIONS, _experiment

BETWEEN = Frame("b", (), "a", 0.05, None)


def _changes(number: int) -> tuple[Change, ...]:
    """Of so many problems that were all solved, and of which the even ones are lost."""
    names = [f"HumanEval/{place}" for place in range(number)]
    before = [_experiment(name, "koderz", Status.SOLVED, 1) for name in names]
    after = [replace(one, status=Status.UNSOLVED) if place % 2 == 0 else one for place, one in enumerate(before)]
    return changes_of([(Candidacy("a:koderz", tuple(before)), Candidacy("b:koderz", tuple(after)))], 0.05)


def test_what_changed_is_told_by_name() -> None:
    """The claim first, then problems, dollars and seconds, then what else is known to be another."""
    lines = change_lines(_changes(4), BETWEEN, ["profile live instead of cheap"], 100)
    assert lines[:4] == [
        "b:koderz against a:koderz, measured on 4 problems: INCONCLUSIVE (margin 5 points)",
        "  solved 2 of 4 problems instead of 4",
        "  gained 0",
        "  lost 2: HumanEval/0, HumanEval/2",
    ]
    assert any(line.startswith("  dollars saved, measured: $0.0000") for line in lines)
    assert lines[-3:] == ["  seconds: 8.0 instead of 8.0", "", "note: profile live instead of cheap"]


def test_many_problems_are_counted() -> None:
    """Unless all are asked for."""
    told = [change_lines(_changes(100), BETWEEN, [], whole=whole) for whole in (False, True)]
    short, whole = (" ".join(" ".join(lines).split()) for lines in told)
    assert f" and {50 - NAMED} more (-v names them)" in short
    assert "HumanEval/98" not in short
    assert "HumanEval/98" in whole


def test_simulated_runs_are_marked() -> None:
    """Each line, and the JSON."""
    frame = replace(BETWEEN, simulated=True)
    assert all(line.startswith("SIMULATED ") for line in change_lines(_changes(4), frame, ["one"]) if line)
    told = json.loads(json.dumps(change_json(_changes(4), frame, [])))
    assert told["simulated"] is True
    assert told["changes"][0]["lost"] == ["HumanEval/0", "HumanEval/2"]
    assert told["changes"][0]["comparison"]["problems"] == 4


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow) if name == "five_arms" else name for name in sorted(SITUATIONS)]
)
def test_results_are_read_again(name: str) -> None:
    """With the same figures for each arm, whatever happened in the run."""
    frame, experiments = SITUATIONS[name]()
    results = json.loads(json.dumps(results_of(frame, {"prompt_version": "1"}, experiments)))
    told = experiments_told(results)
    assert len(told) == len(experiments)
    for arm in dict.fromkeys(one.arm for one in settled_of(experiments)):
        before, after = (keys_of(figures_of(arm, found, frame.local_rate), None) for found in (experiments, told))
        kept = ("solved", "settled", "invalid", "iterations", "cost_usd", "paid_usd", "seconds", "cost_with_gpu_usd")
        each = "cost_per_solved_usd"
        assert {key: after[key] for key in kept} == pytest.approx({key: before[key] for key in kept}), arm
        assert after[each] == pytest.approx(before[each]), arm


def test_what_is_no_file_of_results_is_told_from_one() -> None:
    """By an exception that whoever reads the file can name."""
    results = results_of(FRAME, {"prompt_version": "1"}, [_experiment("HumanEval/0", "koderz", Status.SOLVED, 1)])
    del results["experiments"][0]["spent"]
    with pytest.raises(LookupError):
        experiments_told(results)
