"""What changed, as lines and as JSON; and results that are read again."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from pytest_koderz.core.experiment import Status
from pytest_koderz.core.iteration import Failure, Outcome, Verdict
from pytest_koderz.evidence.arms import figures_of
from pytest_koderz.evidence.changes import Candidacy, Change, changes_of
from pytest_koderz.evidence.findings import Frame
from pytest_koderz.evidence.problems import settled_of
from pytest_koderz.reporters.arm_row import keys_of
from pytest_koderz.reporters.changed_lines import NAMED, REASONS, change_json, change_lines
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
    assert lines[:5] == [
        "b:koderz against a:koderz, measured on 4 problems: INCONCLUSIVE (margin 5 points)",
        "  solved 2 of 4 problems instead of 4",
        "  gained 0",
        "  lost 2:",
        f"    HumanEval/0: {_changes(4)[0].lost_in[0].id}: 1 iteration, passed",
    ]
    assert any(line.startswith("  dollars saved, measured: $0.0000") for line in lines)
    assert lines[-3:] == ["  seconds: 8.0 instead of 8.0", "", "note: profile live instead of cheap"]


def test_many_problems_are_counted() -> None:
    """Unless all are asked for."""
    told = [change_lines(_changes(200), BETWEEN, [], whole=whole) for whole in (False, True)]
    short, whole = (" ".join(" ".join(lines).split()) for lines in told)
    lost = 100
    assert f" {lost - REASONS} more: HumanEval/20, HumanEval/22, " in short
    assert f" and {lost - REASONS - NAMED} more (-v names them)" in short
    assert "HumanEval/198" not in short
    assert f"HumanEval/198: {_changes(200)[0].lost_in[-1].id}: " in whole


def test_how_a_problem_was_lost_is_told() -> None:
    """With the experiment that `--koderz-analyze` shows, in so many columns at most; in the JSON too."""
    (change,) = _changes(1)
    failure = Failure("AssertionError", exception="SyntaxError: " + "x" * 1000)
    last = replace(change.lost_in[0].iterations[0], verdicts=(Verdict(Outcome.CRASHED, 0, 7, failures=(failure,)),))
    change = replace(change, lost_in=(replace(change.lost_in[0], iterations=(last,)),))
    name = change.lost_in[0].id
    told = " ".join(" ".join(change_lines([change], BETWEEN, [], 100)).split())
    assert f"lost 1: HumanEval/0: {name}: 1 iteration, crashed (0/7): SyntaxError: xxx" in told
    assert len(told) < 1000
    (loss,) = change_json([change], BETWEEN, [])["changes"][0]["lost_in"]
    assert (loss["problem"], loss["experiment"]) == ("HumanEval/0", name)
    assert loss["reason"].startswith("1 iteration, crashed (0/7): SyntaxError: ")


def test_the_files_of_a_repository_that_changed_are_listed() -> None:
    """Those that lost most first; of other suites nothing is said."""
    _, experiments = SITUATIONS["places"]()
    sides = {arm: tuple(one for one in experiments if one.arm == arm) for arm in ("frontier-only", "koderz")}
    pair = (Candidacy("a:x", sides["frontier-only"]), Candidacy("b:x", sides["koderz"]))
    lines = change_lines(changes_of([pair], 0.05), BETWEEN, [], 100)
    place = lines.index("  by file in src/shop/: 4 of 8 files changed:")
    assert lines[place + 1 :] == [
        "              tasks after before           points   saved   tests",
        "    cli.py        1   0 %  100 % -100 [-100, +59] $0.0020 70/70 %",
        "    orders.py    14  14 %   93 %   -79 [-92, -40] $0.0280 72/50 %",
        "    dates.py      5  80 %  100 %   -20 [-62, +32] $0.0100 75/50 %",
        "    text.py      12  92 %  100 %    -8 [-35, +18] $0.0240 75/50 %",
    ]
    assert not any("by file" in line for line in change_lines(_changes(4), BETWEEN, [], 100))


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
