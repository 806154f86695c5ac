"""Rows of data sets whose tests call the function while they are loaded, judged from reply to verdict."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pytest_koderz.core.extract import candidate_of
from pytest_koderz.core.iteration import Outcome
from pytest_koderz.core.problem import Problem, TestSet
from pytest_koderz.datasets import load
from pytest_koderz.datasets.suite import load_suite
from pytest_koderz.files.usage_error import UsageError
from pytest_koderz.sandbox import open_sandbox
from pytest_koderz.sandbox.supervisor import Judge

# bigcode/humanevalpack, configuration python: the columns in their order.
PACK = {
    "task_id": "Python/0",
    "prompt": (
        "from typing import List\n\n\ndef total(numbers: List[int]) -> int:\n"
        '    """ Add the numbers up.\n    >>> total([1, 2])\n    3\n    """\n'
    ),
    "declaration": "from typing import List\n\n\ndef total(numbers: List[int]) -> int:\n",
    "canonical_solution": "    result = 0\n    for number in numbers:\n        result += number\n    return result\n",
    "buggy_solution": "    result = 0\n    for number in numbers:\n        result = number\n    return result\n",
    "bug_type": "operator misuse",
    "failure_symptoms": "incorrect output",
    "entry_point": "total",
    "import": "",
    "test_setup": "",
    "test": (
        "\n\n\n\n\ndef check(total):\n    assert total([1, 2]) == 3\n    assert total([]) == 0\n"
        "    assert total([4, 5, 6]) == 15\n\ncheck(total)"
    ),
    "example_test": "def check(total):\n    assert total([1, 2]) == 3\ncheck(total)\n",
    "signature": "total(numbers: List[int]) -> int",
    "docstring": "Add the numbers up.\n>>> total([1, 2])\n3",
    "instruction": (
        "Write a Python function `total(numbers: List[int]) -> int` to solve the following problem:\n"
        "Add the numbers up.\n>>> total([1, 2])\n3"
    ),
}
# nuprl/MultiPL-E, prompts/humaneval-py-keep.jsonl: the columns in their order.
MULTIPL = {
    "name": "HumanEval_0_total",
    "language": "py",
    "prompt": PACK["prompt"],
    "doctests": "keep",
    "original": "datasets/originals/HumanEval_0_total.py",
    "prompt_terminology": "verbatim",
    "tests": (
        "def check(candidate):\n    assert candidate([1, 2]) == 3\n    assert candidate([]) == 0\n"
        "    assert candidate([4, 5, 6]) == 15\n\ndef test_check():\n    check(total)\n\ntest_check()\n"
    ),
    "stop_tokens": ["\ndef", "\n#", "\nif", "\nclass"],
}
HUMANEVAL = {"task_id": "own/0", "prompt": PACK["prompt"], "entry_point": "total", "canonical_solution": None}
HEAD = "def check(candidate):\n    assert candidate([4, 5, 6]) == 15\n\n"
SHAPES = {
    "HumanEvalPack": PACK,
    "HumanEvalPack with a set-up": {
        **PACK,
        "import": "import math",
        "test_setup": "WANTED = math.prod([3, 5])",
        "test": "def check(total):\n    assert total([4, 5, 6]) == WANTED\n    assert total([]) == 0\n\ncheck(total)",
    },
    "MultiPL-E": MULTIPL,
    "a check that is called": {**HUMANEVAL, "test": f"{HEAD}check(total)\n"},
    "a call while loading": {**HUMANEVAL, "test": f"NOTHING = total([])\n\n\n{HEAD}    assert NOTHING == 0\n"},
    "an assertion while loading": {**HUMANEVAL, "test": f"assert total([]) == 0\n\n\n{HEAD}"},
    "assertions alone": {**HUMANEVAL, "test": "X = total([])\nassert X == 0\nassert total([4, 5, 6]) == 15\n"},
    "a check under a guard": {**HUMANEVAL, "test": f"{HEAD}if True:\n    check(total)\n"},
}
RIGHT = [
    "```python\ndef total(numbers):\n    return sum(numbers)\n```",
    PACK["canonical_solution"],
    "<think>\nEasy.\n</think>\ndef total(numbers: List[int]) -> int:\n    return sum(numbers)<|EOT|>",
]
WRONG = {
    PACK["buggy_solution"]: Outcome.WRONG,
    "```python\ndef total(numbers):\n    return 0\n```": Outcome.WRONG,
    "def total(numbers):\n    raise ValueError(numbers)\n": Outcome.CRASHED,
    "def total():\n    return 0\n": Outcome.CRASHED,
    "import no_module\n\ndef total(numbers):\n    return no_module.total(numbers)\n": Outcome.CRASHED,
}


@pytest.fixture(scope="module")
def judge() -> Iterator[Judge]:
    with open_sandbox(timeout=20.0) as opened:
        yield opened


def problem(folder: Path, row: dict[str, Any]) -> Problem:
    """As a suite of one row holds it."""
    place = folder / "rows.jsonl"
    place.write_text(json.dumps(row) + "\n", encoding="utf-8")
    (found,) = load_suite(place) or ()
    return found


def outcome(judge: Judge, problem: Problem, reply: str, tests: TestSet = "base") -> Outcome:
    candidate = candidate_of(reply, problem)
    assert candidate is not None
    return judge(problem, candidate, tests).outcome


@pytest.mark.parametrize("row", SHAPES.values(), ids=SHAPES.keys())
def test_a_row_is_judged_rightly_from_its_reply(row: dict[str, Any], judge: Judge, tmp_path: Path) -> None:
    """Right answers pass, wrong ones fail for what is wrong with them."""
    found = problem(tmp_path, row)
    for reply in RIGHT:
        assert outcome(judge, found, reply) is Outcome.PASSED, reply
    for reply, wanted in WRONG.items():
        assert outcome(judge, found, reply) is wanted, reply


def test_the_examples_of_a_pack_are_the_visible_tests(judge: Judge, tmp_path: Path) -> None:
    """They are the publisher's own, and its solution passes them and the tests."""
    found = problem(tmp_path, PACK)
    assert found.visible == PACK["example_test"]
    assert found.id == "Python/0"
    for tests in ("base", "visible"):
        assert outcome(judge, found, found.canonical_solution or "", tests) is Outcome.PASSED


def test_both_are_data_sets_by_name(tmp_path: Path) -> None:
    """A suite names one, with the path of its publisher's file."""
    for name, row in {"humanevalpack": PACK, "multipl-e": MULTIPL}.items():
        place = tmp_path / f"{name}.jsonl"
        place.write_text(json.dumps(row) + "\n", encoding="utf-8")
        assert [(one.dataset, one.entry_point) for one in load(name, place)] == [(name, "total")]
        suite = tmp_path / f"{name}.yaml"
        suite.write_text(f"dataset: {name}\npath: {place.name}\n", encoding="utf-8")
        assert load_suite(suite) == load(name, place)


def test_a_helper_in_the_prompt_is_not_the_entry_point(tmp_path: Path) -> None:
    """MultiPL-E's tests say which function they check; where they do not, it is the last one."""
    helped = f"def half(x):\n    return x / 2\n\n{MULTIPL['prompt']}"
    for tests in (MULTIPL["tests"], str(MULTIPL["tests"]).replace("check(total)", "assert total([1]) == 1")):
        found = problem(tmp_path, {**MULTIPL, "prompt": helped, "tests": tests})
        assert found.entry_point == "total"
        assert "def half" in found.preamble


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"language": "rs"}, r"rows\.jsonl:1: language: 'rs': only Python \('py'\) can be judged"),
        ({"tests": "total("}, r"rows\.jsonl:1: tests: not valid Python"),
        ({"tests": "check(total)\n"}, r"rows\.jsonl:1: tests: no assertion in it"),
        ({"prompt": "Add the numbers up."}, r"rows\.jsonl:1: prompt: defines no function"),
        ({"name": "a b"}, r"rows\.jsonl:1: name: 'a b': an id has no spaces"),
    ],
)
def test_a_malformed_row_is_named(change: dict[str, str], words: str, tmp_path: Path) -> None:
    """With file, line and column."""
    with pytest.raises(UsageError, match=words):
        problem(tmp_path, {**MULTIPL, **change})
