"""Published datasets in a whole run, in the simulated profile."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Run

SHARED = Path(__file__).parents[2].parent / "shared" / "data"
RELEASED = {
    "humanevalplus": ("HumanEvalPlus.jsonl.gz", 164),
    "mbppplus": ("MbppPlus.jsonl.gz", 378),
    "mbpp": ("sanitized-mbpp.json", 427),
}
NOT_JUDGED = {"Mbpp/255": "the reference builds lists that outgrow the memory limit"}
"""Problems whose own reference solution fails the plus tests within the limits of koderz.yaml, with the reason."""

HARD = {
    "task_id": "BigCodeBench/900",
    "complete_prompt": "import json\n\ndef task_func(text):\n    '''Read it.'''\n",
    "instruct_prompt": "Read it.",
    "canonical_solution": "    return json.loads(text)\n",
    "code_prompt": "import json\n\ndef task_func(text):\n",
    "test": (
        "import unittest\nfrom unittest.mock import patch\n\n\nclass TestCases(unittest.TestCase):\n"
        "    def test_value(self):\n        self.assertEqual(task_func('[1]'), [1])\n\n"
        "    def test_use(self):\n        with patch('json.loads', return_value=2) as used:\n"
        "            self.assertEqual(task_func('x'), 2)\n        used.assert_called_once_with('x')\n"
    ),
    "entry_point": "task_func",
    "libs": "['json']",
    "doc_struct": "{}",
}
"""A row with the columns that BigCodeBench publishes, whose test looks into the candidate's own module."""


def benchmark(
    run: Run, pytester: pytest.Pytester, suite: str, *, grade_on: str = "base", arms: tuple[str, ...] = ("koderz",)
) -> list[dict[str, Any]]:
    """The experiments of a run of one suite, as its results file tells them."""
    (pytester.path / "problems").mkdir()
    (pytester.path / "problems" / "published.yaml").write_text(suite, encoding="utf-8")
    (pytester.path / "koderz.yaml").write_text(f"grade_on: {grade_on}\ncortex: {{enabled: false}}\n")
    chosen = [f"--koderz-arm={arm}" for arm in arms]
    result = run("--koderz", "--koderz-profile=simulated", "--koderz-problems=*", "--koderz-json=r.json", "-q", *chosen)
    assert result.ret in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED), result.outlines[-5:]
    experiments: list[dict[str, Any]] = json.loads((pytester.path / "r.json").read_text())["experiments"]
    return experiments


def released(name: str) -> tuple[str, int]:
    """The suite of a released file, and how many problems there are."""
    file, count = RELEASED[name]
    place = SHARED / file
    if not place.is_file():
        pytest.skip(f"the released file is not at {place}")
    return f"dataset: {name}\npath: {place}\n", count


@pytest.mark.parametrize(
    ("name", "some"),
    [
        pytest.param("humanevalplus", "0-3,32", marks=pytest.mark.slow),
        pytest.param("mbppplus", "2,124,252,737", marks=pytest.mark.slow),
        pytest.param("mbpp", "2-6", marks=pytest.mark.slow),
    ],
)
def test_some_problems_from_suite_to_result(name: str, some: str, run: Run, pytester: pytest.Pytester) -> None:
    """A suite that names a released file runs: each experiment settles; what is solved has passed the plus tests."""
    suite, _ = released(name)
    grade_on = "base" if name == "mbpp" else "plus"
    experiments = benchmark(
        run, pytester, f"{suite}problems: {some}\n", grade_on=grade_on, arms=("koderz", "frontier-only")
    )
    assert len(experiments) >= 8
    assert {each["outcome"] for each in experiments} <= {"solved", "unsolved"}
    assert any(each["outcome"] == "solved" for each in experiments)
    if grade_on == "plus":
        assert {each["graded"] for each in experiments if each["outcome"] == "solved"} == {"passed"}


@pytest.mark.slow
@pytest.mark.parametrize("name", RELEASED)
def test_all_problems_settle(name: str, run: Run, pytester: pytest.Pytester) -> None:
    """All problems of a released file are solved or not; none is invalid."""
    suite, count = released(name)
    experiments = benchmark(run, pytester, suite)
    assert len({each["problem"] for each in experiments}) == len(experiments) == count
    assert [each for each in experiments if each["outcome"] not in ("solved", "unsolved")] == []


@pytest.mark.slow
def test_all_problems_settle_on_the_plus_tests(run: Run, pytester: pytest.Pytester) -> None:
    """The same where the plus tests decide, but for the problems that cannot be judged on them here."""
    suite, count = released("humanevalplus")
    experiments = benchmark(run, pytester, suite, grade_on="plus", arms=("frontier-only",))
    assert len(experiments) == count
    invalid = {each["problem"] for each in experiments if each["outcome"] not in ("solved", "unsolved")}
    assert invalid <= set(NOT_JUDGED)


def test_a_problem_of_bigcodebench_from_suite_to_result(run: Run, pytester: pytest.Pytester) -> None:
    """Its tests are a unittest class that patches the candidate's own module."""
    (pytester.path / "hard.jsonl").write_text(json.dumps(HARD) + "\n", encoding="utf-8")
    experiments = benchmark(run, pytester, "dataset: bigcodebench-hard\npath: ../hard.jsonl\n", arms=("frontier-only",))
    assert [each["problem"] for each in experiments] == ["BigCodeBench/900"]
    assert experiments[0]["outcome"] in ("solved", "unsolved")
