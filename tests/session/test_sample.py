"""--koderz-sample: the same problems for every arm, process and rerun; and what a summary leaves of itself."""

from __future__ import annotations

import json

import pytest

from pytest_koderz.datasets import load
from pytest_koderz.datasets.sampling import RandomSample, drawn
from tests.conftest import Run

ARMS = ("--koderz-arm", "koderz", "--koderz-arm", "frontier-only", "--tb=no", "-rN", "-v")


def _problems(result: pytest.RunResult) -> list[str]:
    """In the order in which they came."""
    ran = [line.partition("::")[2].partition("[")[0] for line in result.outlines if "::HumanEval/" in line]
    return list(dict.fromkeys(ran))


def test_a_sample_is_drawn_run_in_its_order_and_called_one(forgetful: Run, pytester: pytest.Pytester) -> None:
    """And the summary of it is recorded as a look, with the first margin."""
    result = forgetful("--koderz-sample", "3", *ARMS)
    assert _problems(result) == list(drawn({"problems/humaneval.yaml": tuple(load("humaneval"))}, RandomSample(3)))
    result.stdout.fnmatch_lines(["SIMULATED koderz against frontier-only, *3 problems (oracle stop; a random sample*"])
    (looks,) = (pytester.path / ".koderz").glob("bench_*/looks.ndjson")
    (look,) = (json.loads(line) for line in looks.read_text().splitlines())
    assert (look["event"], look["problems"], look["planned"]) == ("looked", 3, 3)


def test_what_is_no_sample_is_a_mistake(forgetful: Run) -> None:
    """Before anything is spent."""
    result = forgetful("--koderz-sample", "half")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --koderz-sample: 'half': `50` would be right*"])


def test_what_a_budget_may_cut_short_comes_in_the_order_of_a_sample(forgetful: Run) -> None:
    """So that what was paid for by then is one."""
    picked = ("--koderz-problems", "0-5", "--koderz-arm", "local-only", "--collect-only", "-q")
    result = forgetful(*picked, "--koderz-max-cost", "5")
    order = list(drawn({"problems/humaneval.yaml": tuple(load("humaneval"))[:6]}, RandomSample(6)))
    assert _problems(result) == order != [f"HumanEval/{number}" for number in range(6)]
