"""Suite files."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from pytest_koderz.core.iteration import Candidate
from pytest_koderz.core.problem import Problem, Traits
from pytest_koderz.datasets import load, read_suite
from pytest_koderz.files.usage_error import UsageError
from pytest_koderz.sandbox import open_sandbox

SHIPPED = Path(__file__).parents[2] / "problems"
ONE = """\
problems:
  - id: own/one
    entry_point: one
    prompt: Return one.
    tests: assert one() == 1
"""
ROW = '{"task_id": "my/0", "prompt": "def f():\\n", "entry_point": "f", "test": "assert f() == 1"}\n'


def suite(folder: Path, text: str) -> Path:
    place = folder / "suite.yaml"
    place.write_text(text, encoding="utf-8")
    return place


def test_the_shipped_suites() -> None:
    """The package ships all of HumanEval, and problems of its own of which each is another kind."""
    assert len(read_suite(SHIPPED / "humaneval.yaml")) == 164
    own = read_suite(SHIPPED / "own.yaml")
    assert [problem.id for problem in own] == ["own/acronym", "own/rotate", "own/fewest_rooms"]
    assert {problem.dataset for problem in own} == {"own"}


def test_our_own_problems_tell_right_from_wrong() -> None:
    """Their solutions pass all tests, and plausible mistakes fail."""
    mistakes = {
        "own/acronym": "def acronym(phrase):\n    return ''.join(w[0].upper() for w in phrase.split())\n",
        "own/rotate": "def rotate(items, steps):\n    items = items[-steps:] + items[:-steps]\n",
        "own/fewest_rooms": "def fewest_rooms(meetings):\n    return len(meetings)\n",
    }
    with open_sandbox() as judge:
        for problem in read_suite(SHIPPED / "own.yaml"):
            assert problem.canonical_solution is not None
            assert judge(problem, Candidate(problem.canonical_solution)).passed
            if problem.visible:
                assert judge(problem, Candidate(problem.canonical_solution), "visible").passed
            assert not judge(problem, Candidate(mistakes[problem.id])).passed


def test_problems_say_what_they_are_about_and_since_when_they_are_known(tmp_path: Path) -> None:
    """A problem by its `category`, all of a suite by `published`, which the set's own day gives way to."""
    (own,) = read_suite(suite(tmp_path, f"published: 2025-01-31\n{ONE}    category: numbers\n"))
    assert (own.categories, own.published) == (("numbers",), date(2025, 1, 31))
    (plain,) = read_suite(suite(tmp_path, ONE))
    assert (plain.categories, plain.published) == ((), None)
    (known,) = read_suite(suite(tmp_path, "dataset: humaneval\nproblems: 0\n"))
    assert known.published == date(2021, 7, 7)
    (later,) = read_suite(suite(tmp_path, "dataset: humaneval\nproblems: 0\npublished: 2026-01-01\n"))
    assert later.published == date(2026, 1, 1)
    assert known.traits == Traits("humaneval", date(2021, 7, 7), (), 247)


def test_a_selection_of_a_dataset(tmp_path: Path) -> None:
    """`problems` may be a text, a number or a list of them; numbers count as they are written."""
    for chosen, numbers in (("0-2,10", [0, 1, 2, 10]), ("010", [10]), ("7", [7]), ("[1-2, 5]", [1, 2, 5])):
        found = read_suite(suite(tmp_path, f"dataset: humaneval\nproblems: {chosen}\n"))
        assert [problem.id for problem in found] == [f"HumanEval/{number}" for number in numbers]


def test_a_jsonl_file_beside_the_suite(tmp_path: Path) -> None:
    """A dataset that ends in .jsonl is a file beside the suite."""
    (tmp_path / "rows.jsonl").write_text(ROW, encoding="utf-8")
    (problem,) = read_suite(suite(tmp_path, "dataset: rows.jsonl\n"))
    assert problem.id == "my/0"
    (problem,) = read_suite(suite(tmp_path, "dataset: jsonl\npath: rows.jsonl\n"))
    assert problem.dataset == "rows"


def test_problems_of_ones_own(tmp_path: Path) -> None:
    """Bare assertions become check(candidate), a solution may be a body, and the prompt's examples become tests."""
    (problem,) = read_suite(
        suite(
            tmp_path,
            """\
problems:
  - id: own/double
    entry_point: double
    prompt: |
      import math

      def double(x):
          '''Twice x.

          >>> double(2)
          4
          '''
    tests: |
      text = '''one
      two'''
      assert double(len(text)) == 14
    canonical_solution: "    return 2 * x\\n"
""",
        )
    )
    assert problem.preamble == "import math\n"
    assert problem.visible == "def check(candidate):\n    assert candidate(2) == 4\n"
    assert problem.tests.startswith("def check(candidate):\n    text = '''one\ntwo'''\n    assert")
    assert problem.canonical_solution is not None
    assert problem.canonical_solution.startswith("import math")
    with open_sandbox() as judge:
        assert judge(problem, Candidate(problem.canonical_solution)).passed
        assert judge(problem, Candidate("def double(x):\n    return x\n")).assertions_passed == 0


def test_a_suite_of_one(tmp_path: Path) -> None:
    """Four texts make a problem."""
    assert read_suite(suite(tmp_path, ONE)) == (
        Problem("own/one", "Return one.", "one", "def check(candidate):\n    assert one() == 1\n", dataset="suite"),
    )


@pytest.mark.parametrize(
    ("prompt", "solution"),
    [
        ("Return one.", "one = int('1').__class__"),
        ("Return one.", "class one: pass"),
        ("Return one.", "from math import gcd as one"),
        ("from math import gcd", "if gcd: one = gcd"),
        ("class one:", None),
        ("import math", None),
    ],
)
def test_whatever_binds_the_entry_point_defines_it(tmp_path: Path, prompt: str, solution: str | None) -> None:
    """And a prompt without any definition leaves it to the model."""
    text = ONE.replace("Return one.", repr(prompt))
    (problem,) = read_suite(suite(tmp_path, text + (f"    canonical_solution: {solution!r}\n" if solution else "")))
    assert problem.entry_point == "one"


SECOND = ONE.removeprefix("problems:\n")
FAULTS = {
    "": ":1: must be a mapping with dataset, path, url, sha256, problems, published",
    "- a\n": ":1: must be a mapping with dataset, path, url, sha256, problems, published",
    "published: 2021\ndataset: humaneval\n": ":1: published: must be a day such as 2021-07-07",
    "problem: []\n": ":1: problem: unknown key (did you mean 'problems'?)",
    "problems: []\n": ":1: problems: must be a list of problems",
    "problems: 0-9\n": ":1: problems: must be a list of problems; to select from a dataset, name it under `dataset`",
    "path: x.jsonl\n": ":1: path: is for a dataset's file, but no `dataset` is named",
    "url: https://x/y.jsonl\n": ":1: url: is for a dataset's file, but no `dataset` is named",
    "sha256: ab\n": ":1: sha256: is for a dataset's file, but no `dataset` is named",
    "dataset: jsonl\npath: x.jsonl\nurl: https://x/y\n": (
        ":3: url: is given, and a file of this machine as well (x.jsonl); one of them is enough"
    ),
    "dataset: jsonl\nurl: ftp://x/y\n": ":2: url: 'ftp://x/y' is not an address that starts with https://",
    "dataset: jsonl\nurl: 'http://[::1/x'\n": ":2: url: 'http://[::1/x' is not an address that starts with",
    'dataset: jsonl\nurl: "http://x/a\\0b"\n': ":2: holds a null byte",
    'dataset: jsonl\npath: "a\\0b"\n': ":2: holds a null byte",
    "dataset: jsonl\nurl: https:///y\n": ":2: url: 'https:///y' is not an address that starts with https://",
    "dataset: jsonl\nurl: https://me:secret@x/y\n": ":2: url: holds a user's name or password",
    "dataset: humaneval\nsha256: abc\n": ":2: sha256: must be 64 hex digits, as `sha256sum FILE` prints them",
    "dataset: jsonl\nurl: https://x/y.jsonl\n": ":1: dataset: https://x/y.jsonl was not downloaded yet",
    "dataset: humanevel\n": ":1: dataset: no dataset named 'humanevel' (did you mean 'humaneval'?)",
    "dataset: 3\n": ":1: dataset: must be a text, but YAML reads 3 as int; write '3'",
    "dataset:\n": ":1: dataset: is empty",
    "dataset: [humaneval]\n": ":1: dataset: must be a text",
    "dataset: jsonl\n": ":1: dataset: jsonl needs the path",
    "dataset: none.jsonl\n": ":1: dataset: ",
    "dataset: humaneval\nproblems: 900\n": ":2: problems: '900': no such problem; a selection such as `0-163`",
    "dataset: humaneval\nproblems: 0-900\n": ":2: problems: '0-900': the last problem is 163; 0-163 would be right",
    "dataset: humaneval\nproblems: {a: 1}\n": ":2: problems: must be a selection such as `0-9,42`",
    "dataset: humaneval\nproblems: []\n": ":2: problems: must be a selection such as `0-9,42`",
    ONE.replace("    tests:", "    test:"): ":5: problems[0].test: unknown key (did you mean 'tests'?)",
    ONE.replace("    prompt: Return one.\n", ""): ":2: problems[0]: no 'prompt' is given",
    ONE.replace("own/one", "1.5"): ":2: problems[0].id: must be a text, but YAML reads 1.5 as float; write '1.5'",
    ONE.replace("own/one", "42"): ":2: problems[0].id: must be a text, but YAML reads 42 as int; write '42'",
    ONE.replace("own/one", "no"): ":2: problems[0].id: must be a text, but YAML reads no as bool; write 'no'",
    ONE.replace("own/one", "own one"): ":2: problems[0].id: 'own one': an id has no spaces",
    ONE.replace("own/one", "'a[0]'"): ":2: problems[0].id: 'a[0]': an id has no spaces and no square brackets",
    ONE.replace("entry_point: one", "entry_point: own.one"): ":3: problems[0].entry_point: 'own.one' is not the name",
    ONE.replace("assert one() == 1", "assert one( == 1"): ":5: problems[0].tests: not valid Python: ",
    ONE.replace("assert one() == 1", "one()"): ":5: problems[0].tests: no assertion in it",
    ONE.replace("assert one() == 1", '"def test_one():\\n  assert one() == 1"'): (
        ":5: problems[0].tests: no assertion in it would be run: make them in `def check(candidate)`, or outside of"
    ),
    ONE.replace("assert one() == 1", '"def chek(candidate):\\n  assert candidate() == 1"'): (
        ":5: problems[0].tests: no assertion in it would be run: make them in `def check(candidate)` (is 'chek' meant"
    ),
    ONE + SECOND: ":6: problems[1].id: 'own/one' stands in line 2 already",
    ONE + "    canonical_solution: 'def one( return 1'\n": ":6: problems[0].canonical_solution: not valid Python",
    ONE + "    canonical_solution: 'def two(): return 1'\n": (
        ":3: problems[0].entry_point: neither prompt nor canonical solution defines 'one'"
    ),
    ONE.replace("Return one.", "'def once():'") + "    canonical_solution: '    return 1'\n": (
        ":3: problems[0].entry_point: neither prompt nor canonical solution defines 'one' (did you mean 'once'?)"
    ),
    ONE.replace("Return one.", "'def once():'"): (
        ":3: problems[0].entry_point: the prompt does not define 'one' (did you mean 'once'?)"
    ),
    ONE.replace("Return one.", "'def one():'") + "    canonical_solution: 'x = 1'\n": (
        ":6: problems[0].canonical_solution: not valid Python"
    ),
    "problems:\n  - just a text\n": ":2: problems[0]: must be a mapping with id, entry_point, prompt, tests",
}


@pytest.mark.parametrize(("text", "words"), FAULTS.items(), ids=range(len(FAULTS)))
def test_a_mistake_is_named_with_file_line_and_key(tmp_path: Path, text: str, words: str) -> None:
    """Whatever is wrong with a suite is told in one line: where, and what would be right."""
    place = suite(tmp_path, text)
    with pytest.raises(UsageError) as caught:
        read_suite(place)
    assert str(caught.value).startswith(f"{place}{words}")
    assert "\n" not in str(caught.value)


def test_all_mistakes_of_a_suite_are_told_at_once(tmp_path: Path) -> None:
    """Of each problem: keys that there are not and those that lack, or texts that are none."""
    place = suite(
        tmp_path,
        "problems:\n"
        "  - {id: own/a, entry_pont: a, solution: x}\n"
        "  - {id: 1.5, entry_point: b, prompt: Do., tests: 7}\n"
        "  - {id: own/c, entry_point: c, prompt: Do., tests: c()}\n",
    )
    with pytest.raises(UsageError) as caught:
        read_suite(place)
    assert [line.removeprefix(f"{place}:") for line in str(caught.value).splitlines()] == [
        "2: problems[0].entry_pont: unknown key (did you mean 'entry_point'?)",
        "2: problems[0].solution: unknown key (did you mean 'canonical_solution'?)",
        "2: problems[0]: no 'prompt' and no 'tests' is given",
        "3: problems[1].id: must be a text, but YAML reads 1.5 as float; write '1.5'",
        "3: problems[1].tests: must be a text, but YAML reads 7 as int; write '7'",
        "4: problems[2].tests: no assertion in it, so nothing would be tested",
    ]


def test_a_dataset_is_read_once() -> None:
    """Loading is cached: suites that share a dataset share its problems."""
    assert load("humaneval") is load("humaneval")
