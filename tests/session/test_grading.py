"""Iterations on the base tests, the last word with the plus tests."""

from __future__ import annotations

import pytest

from tests.conftest import Run

from .worlds import recorded

HOLDOUT = """
import pytest
from pytest_koderz.core.problem import Problem

@pytest.hookimpl(optionalhook=True)
def pytest_koderz_load_problems(suite):
    if suite.name != "own.yaml":
        return None
    rows = {"right": "== 12", "gap": "== 13"}
    return [
        Problem(
            id=f"own/{name}", prompt="def double(x):\\n    \\"\\"\\"Twice x.\\"\\"\\"\\n", entry_point="double",
            tests="def check(candidate):\\n    assert candidate(2) == 4\\n",
            plus=f"def check(candidate):\\n    assert candidate(2) == 4\\n    assert candidate(6) {held}\\n",
            canonical_solution="def double(x):\\n    return 2 * x\\n",
        )
        for name, held in rows.items()
    ]
"""
SURE = """
arms: {sure: {local: sure, max_iterations: 3}}
models: {sure: {backend: simulated, model: sure, options: {strength: 1.0}}}
cortex: {enabled: false}
"""


def world(pytester: pytest.Pytester, settings: str) -> None:
    pytester.makeconftest(HOLDOUT)
    (pytester.path / "problems").mkdir()
    (pytester.path / "problems" / "own.yaml").write_text("# read by conftest.py\n")
    (pytester.path / "koderz.yaml").write_text(SURE + settings)


def test_the_plus_tests_decide(simulate: Run, pytester: pytest.Pytester) -> None:
    """What passes the base tests alone is unsolved, shown as the failed plus test; nothing more is asked for it."""
    world(pytester, "grade_on: plus\n")
    result = simulate("--koderz-arm", "sure", "--koderz-problems", "own/*", "-v")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        [
            "*own.yaml::own/gap?sure? *UNSOLVED*",
            "*assert candidate(6) == 13*",
            "*passed, but wrong, 1 of 2 assertions passed on the grading tests*",
        ]
    )
    ended = {line["problem"]: line["record"] for line in recorded(pytester.path, "ended")}
    assert [ended[name]["graded"]["outcome"] for name in ("own/right", "own/gap")] == ["passed", "wrong"]
    assert len(ended["own/gap"]["iterations"]) == 1


def test_without_it_the_base_tests_decide(simulate: Run, pytester: pytest.Pytester) -> None:
    """Nobody looks at the plus tests."""
    world(pytester, "")
    simulate("--koderz-arm", "sure", "--koderz-problems", "own/*").assert_outcomes(passed=2)


@pytest.mark.parametrize("workers", [0, pytest.param(2, marks=pytest.mark.slow)])
def test_a_suite_without_plus_tests_cannot_be_graded_on_them(
    simulate: Run, pytester: pytest.Pytester, workers: int
) -> None:
    """Said before anything is run."""
    (pytester.path / "koderz.yaml").write_text("grade_on: plus\ncortex: {enabled: false}\n")
    result = simulate("--koderz-problems", "0", "-n", str(workers))
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*koderz.yaml: no problem of humaneval.yaml has the tests that `grade_on` asks for*"])
