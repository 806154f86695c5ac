"""What is wrong with a dataset's file is told in one line, with file and line."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from pytest_koderz.core.iteration import Candidate
from pytest_koderz.datasets import load
from pytest_koderz.files.usage_error import UsageError
from pytest_koderz.sandbox import open_sandbox

HUMANEVAL: dict[str, Any] = {
    "task_id": "HumanEval/900",
    "prompt": "def f(x):\n    '''Do it.'''\n",
    "entry_point": "f",
    "test": "def check(candidate):\n    assert candidate(1) == 1\n",
}
PLUS = HUMANEVAL | {"canonical_solution": "    return x\n", "base_input": [[1]], "plus_input": [[2]], "atol": 0}
del PLUS["test"]
HARD = {
    "task_id": "BigCodeBench/900",
    "complete_prompt": "def f(x):\n",
    "canonical_solution": "    return x\n",
    "test": "import unittest\n",
    "entry_point": "f",
}
ROWS: dict[str, dict[str, Any]] = {
    "jsonl": HUMANEVAL,
    "humaneval": HUMANEVAL,
    "humanevalplus": PLUS,
    "mbppplus": PLUS | {"task_id": "Mbpp/900", "canonical_solution": "def f(x):\n    return x\n"},
    "mbpp": {"task_id": 900, "prompt": "Do.", "code": "def f():\n  return 1", "test_list": ["assert f() == 1"]},
    "bigcodebench-hard": HARD,
}
"""The least that each format needs."""


def fault_in(place: Path, name: str, content: bytes) -> str:
    place.write_bytes(content)
    with pytest.raises(UsageError) as caught:
        load(name, place)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def lines_of(*rows: object) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


@pytest.mark.parametrize("name", ROWS)
def test_the_least_of_each_format_is_read(tmp_path: Path, name: str) -> None:
    """One row per line, packed or not, or one list."""
    row = ROWS[name]
    for file, content in (
        ("a.jsonl", lines_of(row)),
        ("b.jsonl.gz", gzip.compress(lines_of(row))),
        ("c.json", json.dumps([row], indent=1).encode()),
        ("d", b"\xef\xbb\xbf" + json.dumps([row]).encode()),
    ):
        (tmp_path / file).write_bytes(content)
        assert len(load(name, tmp_path / file)) == 1


@pytest.mark.parametrize(("name", "field"), [(name, field) for name, row in ROWS.items() for field in row])
def test_a_field_that_is_missing_or_null_is_named(tmp_path: Path, name: str, field: str) -> None:
    """With the line on which it is not; a right row before it changes nothing."""
    row = ROWS[name]
    other = row | {"task_id": 899 if name == "mbpp" else "Mbpp/899"}
    without = {key: value for key, value in row.items() if key != field}
    place = tmp_path / "rows.jsonl"
    assert fault_in(place, name, lines_of(other, without)).startswith(f"{place}:2: {field}: missing")
    assert fault_in(tmp_path / "null.jsonl", name, lines_of(other, row | {field: None})).startswith(
        f"{tmp_path / 'null.jsonl'}:2: {field}: must be a"
    )


@pytest.mark.parametrize("name", ROWS)
def test_an_id_that_stands_twice_is_named(tmp_path: Path, name: str) -> None:
    """With both of its places."""
    row, place = ROWS[name], tmp_path / "rows.jsonl"
    shown = "Mbpp/900" if name == "mbpp" else row["task_id"]
    assert fault_in(place, name, lines_of(row) + b"\n" + lines_of(row)) == (
        f"{place}:3: task_id: '{shown}' stands in line 1 already"
    )
    place = tmp_path / "rows.json"
    assert fault_in(place, name, json.dumps([row, row]).encode()) == (
        f"{place}: entry 2: task_id: '{shown}' stands in entry 1 already"
    )


@pytest.mark.parametrize("name", ROWS)
def test_what_is_no_file_of_rows_is_named(tmp_path: Path, name: str) -> None:
    """Empty, cut off, packed and cut off, of another encoding, of another kind, not there at all."""
    good = lines_of(ROWS[name])
    for number, (content, words) in enumerate(
        {
            b"": ": holds no problem",
            b"\n \n": ": holds no problem",
            b"[]": ": holds no problem",
            good + good[:30]: ":2: not valid JSON: ",
            gzip.compress(good)[:-9]: ": cannot be read: Compressed file ended before the end-of-stream marker",
            gzip.compress(good)[:20] + b"????????????": ": cannot be read: ",
            good + "é".encode("latin-1"): ":2: not UTF-8 text (byte 0xe9)",
            good.decode().encode("utf-16"): ":1: not UTF-8 text (byte 0xff)",
            good + b"7\n": ":2: must be an object with the problem's fields, not a number",
            b"[7]": ": entry 1: must be an object",
            b"[" * 10**5: ":1: not valid JSON: ",
        }.items()
    ):
        place = tmp_path / f"{number}.jsonl"
        assert fault_in(place, name, content).startswith(f"{place}{words}")
    with pytest.raises(UsageError, match=r"none.jsonl: no such file$"):
        load(name, tmp_path / "none.jsonl")
    with pytest.raises(UsageError, match=r": cannot be read: Is a directory$"):
        load(name, tmp_path)


def test_what_is_wrong_with_each_row_is_told_at_once(tmp_path: Path) -> None:
    """Up to the row from which nothing can be read."""
    place = tmp_path / "rows.jsonl"
    without = {key: value for key, value in HUMANEVAL.items() if key != "prompt"}
    place.write_bytes(lines_of(without, HUMANEVAL, HUMANEVAL) + b"{\n" + lines_of(without))
    with pytest.raises(UsageError) as caught:
        load("jsonl", place)
    first, second, third = str(caught.value).splitlines()
    assert first == f"{place}:1: prompt: missing"
    assert second == f"{place}:3: task_id: 'HumanEval/900' stands in line 2 already"
    assert third.startswith(f"{place}:4: not valid JSON: ")


@pytest.mark.parametrize("name", [name for name in ROWS if name != "mbpp"])
@pytest.mark.parametrize("written", ["", " ", "two words", "own/a[1]", "a\u0007"])
def test_an_id_that_cannot_be_an_items_is_named(tmp_path: Path, name: str, written: str) -> None:
    """As in a suite: pytest writes `file::id[arm]`, and a selection lists ids."""
    if name == "mbppplus":
        written = f"{written}/900"
        if written == "/900":
            return
    place = tmp_path / "rows.jsonl"
    fault = fault_in(place, name, lines_of(ROWS[name] | {"task_id": written}))
    lacks = "spaces and no square brackets" if written.isprintable() else "character that cannot be seen"
    assert fault == f"{place}:1: task_id: {written!r}: an id has no {lacks}, such as `own/rotate`"


@pytest.mark.parametrize("name", ["humanevalplus", "mbppplus"])
def test_a_reference_solution_that_is_empty_is_named(tmp_path: Path, name: str) -> None:
    """After a prompt with a docstring it is a function that returns None: so would be what is expected."""
    place = tmp_path / "rows.jsonl"
    fault = fault_in(place, name, lines_of(ROWS[name] | {"canonical_solution": "\n"}))
    assert fault == f"{place}:1: canonical_solution: is empty, so nothing is known of the right answers"


@pytest.mark.parametrize(
    ("tests", "words"),
    [
        ("def chek(candidate):\n    assert candidate(1) == 1\n", "(is 'chek' meant for it?), or outside of functions"),
        ("def test_f():\n    assert f(1) == 1\n", "or outside of functions"),
        ("async def check(candidate):\n    assert candidate(1) == 1\n", "or outside of functions"),
        ("import pytest\n@pytest.mark.slow\ndef test_f():\n    assert f(1)\n", "or outside of functions"),
        ("import unittest as u\nclass T(u.TestSuite):\n    def test_f(self):\n        assert f(1)\n", "or outside"),
        ("f(1)\n", "no assertion in it, so nothing would be tested"),
    ],
)
def test_tests_that_nothing_would_run_are_named(tmp_path: Path, tests: str, words: str) -> None:
    """Each right answer would be counted as unsolved."""
    place = tmp_path / "rows.jsonl"
    fault = fault_in(place, "jsonl", lines_of(HUMANEVAL | {"test": tests}))
    assert fault.startswith(f"{place}:1: test: no assertion in it")
    assert words in fault


@pytest.mark.parametrize(
    "tests",
    [
        "for x in range(3):\n    assert f(x) == x\n",
        "def same(x):\n    assert f(x) == x\n\nsame(1)\n",
        "def same(f, x):\n    assert f(x) == x\n\ndef check(candidate):\n    same(candidate, 1)\n",
        "class Same:\n    def of(self, x):\n        assert f(x) == x\n\nfor x in (1, 2):\n    Same().of(x)\n",
        "ALL = []\n@ALL.append\ndef same():\n    assert f(1) == 1\n\nfor one in ALL:\n    one()\n",
        "def test_f():\n    assert f(1) == 1\n\nlocals()['test_f']()\n",
    ],
)
def test_tests_that_run_their_assertions_somehow_are_read(tmp_path: Path, tests: str) -> None:
    """By lines outside of functions, or by way of the tests' own helpers; a right answer passes them."""
    place = tmp_path / "rows.jsonl"
    place.write_bytes(lines_of(HUMANEVAL | {"test": tests}))
    (problem,) = load("jsonl", place)
    with open_sandbox() as judge:
        assert judge(problem, Candidate("def f(x):\n    return x\n")).passed
        assert not judge(problem, Candidate("def f(x):\n    return -7\n")).passed
