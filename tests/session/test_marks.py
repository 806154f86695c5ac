"""A user's own test functions can ask for experiments and assert about them."""

from __future__ import annotations

import json

import pytest

from tests.conftest import Run

SOURCE = """
import pytest

@pytest.mark.koderz("humaneval", arm="koderz", problems="0-3")
def test_is_cheap(koderz_experiment):
    assert koderz_experiment.ledger.cost < 1
    assert koderz_experiment.status in ("solved", "unsolved")
"""


def test_a_test_function_gets_experiments(forgetful: Run, pytester: pytest.Pytester) -> None:
    """One test for each problem; the user's assertion decides; results and summary know the experiments."""
    pytester.makepyfile(SOURCE)
    result = forgetful("-v", "--koderz-json", "r.json", "test_a_test_function_gets_experiments.py")
    result.stdout.fnmatch_lines(["*::test_is_cheap?HumanEval/0-koderz? *"])
    result.assert_outcomes(passed=4)
    rows = json.loads((pytester.path / "r.json").read_text())["experiments"]
    assert [row["problem"] for row in rows] == [f"HumanEval/{number}" for number in range(4)]


def test_without_koderz_it_is_skipped(run: Run, pytester: pytest.Pytester) -> None:
    """With the reason; nothing is run."""
    pytester.makepyfile(SOURCE)
    result = run("-rs")
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["*runs experiments: needs --koderz*"])


def test_an_unknown_arm_is_a_usage_error(run: Run, pytester: pytest.Pytester) -> None:
    """It names the file, the test and the nearest arm."""
    pytester.makepyfile(SOURCE.replace('"koderz"', '"kodrez"'))
    result = run("--koderz", "--koderz-profile", "simulated", "test_an_unknown_arm_is_a_usage_error.py")
    assert result.ret != pytest.ExitCode.OK
    text = result.stdout.str() + result.stderr.str()
    assert "test_is_cheap: arm 'kodrez' is not among those that run (did you mean 'koderz'?)" in text
