"""MBPP, sanitized, and BigCodeBench-Hard."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pytest_koderz.core.iteration import Candidate
from pytest_koderz.datasets import load
from pytest_koderz.files.usage_error import UsageError
from pytest_koderz.sandbox import open_sandbox

SANITIZED = Path(__file__).parents[2].parent / "shared" / "data" / "sanitized-mbpp.json"
ROW: dict[str, Any] = {
    "task_id": 7,
    "prompt": "Write a function to double a number.",
    "code": "def double(x):\r\n  return 2 * x",
    "test_imports": [],
    "test_list": ["assert double(1) == 2", "assert math.isclose(double(0.5), 1)"],
}


def written(folder: Path, row: object) -> Path:
    place = folder / "mbpp.json"
    place.write_text(json.dumps([row]), encoding="utf-8")
    return place


def test_a_row_of_mbpp(tmp_path: Path) -> None:
    """The prompt is the text with the first assertion, which is also the visible test."""
    (problem,) = load("mbpp", written(tmp_path, ROW))
    assert problem.id == "Mbpp/7"
    assert problem.prompt == '"""\nWrite a function to double a number.\nassert double(1) == 2\n"""\n'
    assert problem.entry_point == "double"
    assert problem.tests.startswith("import math\ndef check(candidate):\n")
    assert problem.visible is not None
    assert "isclose" not in problem.visible


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"test_list": []}, "test_list: is empty"),
        ({"test_list": [1]}, "test_list: must be a list of texts"),
        ({"test_list": ["assert other(1)"]}, "test_list: calls no function that `code` defines"),
        ({"code": "def ("}, "code: not valid Python"),
        ({"task_id": "7"}, "task_id: must be a number"),
    ],
)
def test_a_malformed_row_is_named(tmp_path: Path, fields: dict[str, Any], words: str) -> None:
    """File, entry and field are told."""
    with pytest.raises(UsageError) as caught:
        load("mbpp", written(tmp_path, ROW | fields))
    assert f"mbpp.json: entry 1: {words}" in str(caught.value)


@pytest.mark.slow
@pytest.mark.sample
def test_every_solution_of_mbpp_passes() -> None:
    """The 427 published solutions pass the published assertions; one of them is named `check` itself."""
    if not SANITIZED.is_file():
        pytest.skip(f"the published file is not at {SANITIZED}")
    problems = load("mbpp", SANITIZED)
    assert len(problems) == 427
    with open_sandbox(timeout=20.0) as judge:
        failed = [
            (problem.id, tests)
            for problem in problems
            for tests in ("base", "visible")
            if not judge(problem, Candidate(problem.canonical_solution or ""), tests).passed
        ]
    assert failed == []


def test_a_row_of_bigcodebench(tmp_path: Path) -> None:
    """Its tests are a unittest class, for which the candidate's own module is needed."""
    row = {
        "task_id": "BigCodeBench/13",
        "complete_prompt": "import os\nimport numpy as np\n\ndef task_func(path):\n    '''Do.'''\n",
        "canonical_solution": "    return np.size(os.listdir(path))\n",
        "test": (
            "import unittest\nclass TestCases(unittest.TestCase):\n"
            "    def test_it(self):\n        self.assertTrue(task_func)\n"
        ),
        "entry_point": "task_func",
        "libs": "['os', 'numpy']",
    }
    place = tmp_path / "hard.jsonl"
    place.write_text(json.dumps(row), encoding="utf-8")
    (problem,) = load("bigcodebench-hard", place)
    assert problem.isolation == "in-process"
    assert problem.requires == ("numpy",)
    assert problem.preamble == "import os\nimport numpy as np\n"
    assert problem.categories == ("os", "numpy")
    other = tmp_path / "other.jsonl"
    other.write_text(json.dumps(row | {"libs": "os, numpy"}), encoding="utf-8")
    with pytest.raises(UsageError, match="libs: must be a list of texts, written as Python does"):
        load("bigcodebench-hard", other)
