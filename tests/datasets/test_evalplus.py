"""HumanEval+ and MBPP+, and how their answers are compared."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pytest_koderz.core.iteration import Candidate, Verdict
from pytest_koderz.core.problem import Problem, TestSet
from pytest_koderz.datasets import load
from pytest_koderz.datasets.inputs import mbpp_inputs
from pytest_koderz.files.usage_error import UsageError
from pytest_koderz.sandbox import open_sandbox
from pytest_koderz.sandbox.supervisor import Judge

RELEASED = Path(__file__).parents[2].parent / "shared" / "data"
TOO_LARGE = {
    "Mbpp/255": "the reference builds lists that outgrow the memory limit",
    "Mbpp/599": "the reference adds up 100 million numbers fourteen times, which a slow machine does not do in time",
}
"""Plus tests whose own reference solution needs more than a candidate may, with the reason."""


@pytest.fixture(scope="module")
def judge() -> Iterator[Judge]:
    with open_sandbox(timeout=5.0) as opened:
        yield opened


def released(name: str, file: str) -> dict[str, Problem]:
    place = RELEASED / file
    if not place.is_file():
        pytest.skip(f"the released file is not at {place}")
    return {problem.id: problem for problem in load(name, place)}


def one(folder: Path, dataset: str, **fields: Any) -> Problem:
    """A problem made of one row in evalplus's format."""
    row = {
        "task_id": "HumanEval/900",
        "prompt": "def f(x):\n    '''Do it.'''\n",
        "entry_point": "f",
        "canonical_solution": "    return x\n",
        "base_input": [[1]],
        "plus_input": [],
        "atol": 0,
    } | fields
    place = folder / "plus.jsonl"
    place.write_text(json.dumps(row), encoding="utf-8")
    (problem,) = load(dataset, place)
    return problem


def judged(judge: Judge, problem: Problem, body: str, tests: TestSet = "base") -> Verdict:
    return judge(problem, Candidate(f"def {problem.entry_point}(*args):\n    {body}\n"), tests)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "file"), [("humanevalplus", "HumanEvalPlus.jsonl.gz"), ("mbppplus", "MbppPlus.jsonl.gz")]
)
def test_the_references_pass(name: str, file: str, judge: Judge) -> None:
    """Each reference solution passes its base, visible and plus tests, but for those that are named."""
    wrong = [
        (problem.id, tests)
        for problem in released(name, file).values()
        for tests in ("base", "visible", "plus")
        if problem.source_of(tests) is not None
        and not (tests == "plus" and problem.id in TOO_LARGE)
        and not judge(problem, Candidate(problem.canonical_solution or ""), tests).passed
    ]
    assert wrong == []


@pytest.mark.parametrize(
    ("name", "file", "count"),
    [
        ("humanevalplus", "HumanEvalPlus.jsonl.gz", 164),
        ("humanevalplus", "HumanEvalPlus-Mini.jsonl.gz", 164),
        ("mbppplus", "MbppPlus.jsonl.gz", 378),
    ],
)
def test_all_problems_have_both_sets(name: str, file: str, count: int) -> None:
    """All problems are read, with base and plus tests; of one nothing is published beyond the base inputs."""
    problems = released(name, file)
    assert len(problems) == count
    assert {each for each, problem in problems.items() if problem.plus == problem.tests} <= {"Mbpp/793"}


def test_each_input_is_an_assertion(tmp_path: Path, judge: Judge) -> None:
    """Partial credit counts inputs; each call gets arguments of its own."""
    problem = one(
        tmp_path, "humanevalplus", base_input=[[[3, 1, 2]], [[]], [[1]]], canonical_solution="    return len(x)\n"
    )
    assert judged(judge, problem, "args[0].append(1); return len(args[0]) - 1").passed
    verdict = judged(judge, problem, "return 3")
    assert (verdict.assertions_passed, verdict.assertions_total) == (1, 3)


def test_the_plus_tests_are_the_base_inputs_and_more(tmp_path: Path, judge: Judge) -> None:
    """What passes the base tests may fail the plus tests, and the other way round nothing does: so evalplus counts."""
    problem = one(tmp_path, "humanevalplus", plus_input=[[2], [3]])
    assert judged(judge, problem, "return 1").passed
    verdict = judged(judge, problem, "return 1", "plus")
    assert (verdict.assertions_passed, verdict.assertions_total) == (1, 3)
    assert not judged(judge, problem, "return args[0] if args[0] > 1 else 0", "plus").passed


@pytest.mark.parametrize(
    ("name", "file", "without"),
    [("humanevalplus", "HumanEvalPlus.jsonl.gz", 12), ("mbppplus", "MbppPlus.jsonl.gz", 0)],
)
def test_what_the_prompts_show_is_visible(name: str, file: str, without: int) -> None:
    """MBPP+ shows an assertion with each problem, HumanEval+ examples with most."""
    assert sum(problem.visible is None for problem in released(name, file).values()) == without


@pytest.mark.parametrize(
    ("reference", "tolerance", "answer", "right"),
    [
        ("1.0", 0, "1.0000001", True),
        ("1.0", 0, "1.00001", False),
        ("1.0", 0, "1", True),
        ("1.00000001", 0, "1", False),
        ("[1.0, 2.0]", 0, "[1.0, 2.0000001]", True),
        ("[1.0, 2.0]", 0, "(1.0, 2.0000001)", False),
        ("[1.0, 2.0]", 0, "[1.0]", False),
        ("(1.0, 2)", 0, "(1.0000001, 2)", False),
        ("(1.0, 2)", 0.0001, "(1.00001, 2)", True),
        ("[[1.0], [2.0]]", 0.01, "[[1.001], [2.0]]", True),
        ("1e9", 0, "1e9 + 50", True),
        ("1e9", 0, "1e9 + 5000", False),
        ("float('nan')", 0, "float('nan')", True),
        ("float('inf')", 0, "float('inf')", True),
        ("float('inf')", 0, "1e308", False),
        ("[1, 2]", 0, "(1, 2)", False),
        ("None", 0, "None", True),
        ("None", 0, "0", False),
        ("'a'", 0.1, "'b'", False),
        ("2", 0.5, "2.2", False),
        ("2", 0, "True + 1", True),
    ],
)
def test_answers_are_compared_as_evalplus_does(
    tmp_path: Path, judge: Judge, reference: str, tolerance: float, answer: str, right: bool
) -> None:
    """Equal, or where floats are expected of the same type and close: 1e-6 or the problem's own, and 1e-7 relative."""
    problem = one(tmp_path, "humanevalplus", canonical_solution=f"    return {reference}\n", atol=tolerance)
    assert judged(judge, problem, f"return {answer}").passed is right


def test_inputs_that_json_and_repr_write_differently(tmp_path: Path, judge: Judge) -> None:
    """Infinities and NaN among the inputs arrive as such."""
    place = tmp_path / "plus.jsonl"
    one(tmp_path, "humanevalplus")
    row = place.read_text(encoding="utf-8").replace("[[1]]", "[[Infinity], [[-Infinity, NaN]], [null]]")
    (tmp_path / "other.jsonl").write_text(row, encoding="utf-8")
    (problem,) = load("humanevalplus", tmp_path / "other.jsonl")
    verdict = judged(judge, problem, "return args[0]")
    assert verdict.assertions_passed >= 2
    assert verdict.assertions_total == 3


def test_a_zero_is_found_where_the_polynomial_is_steep(judge: Judge) -> None:
    """HumanEval/32 takes a root that is right to float precision, though the value there is not small."""
    problem = released("humanevalplus", "HumanEvalPlus.jsonl.gz")["HumanEval/32"]
    bisection = problem.preamble + (
        "from fractions import Fraction\n"
        "def find_zero(xs):\n"
        "    value = lambda x: sum(Fraction(c) * Fraction(x) ** i for i, c in enumerate(xs))\n"
        "    low, high = -1.0, 1.0\n"
        "    while value(low) * value(high) > 0:\n"
        "        low, high = low * 2, high * 2\n"
        "    for _ in range(60):\n"
        "        middle = (low + high) / 2\n"
        "        low, high = (middle, high) if value(low) * value(middle) > 0 else (low, middle)\n"
        "    return low\n"
    )
    assert judge(problem, Candidate(bisection)).passed
    for answer in ("0.5", "None", "float('nan')", "float('inf')", "True", "'0'"):
        assert not judged(judge, problem, f"return {answer}").passed


@pytest.mark.parametrize(
    ("number", "right", "wrong"),
    [
        (2, "return list(set(args[0]) & set(args[1]))", "return ()"),
        (581, "return round(args[0] ** 2 + 2 * args[0] * ((args[0] / 2) ** 2 + args[1] ** 2) ** 0.5)", "return 0"),
        (558, "return sum(abs(int(a) - int(b)) for a, b in zip(*(str(n).zfill(9) for n in args)))", "return -1"),
        (737, "return args[0][:1].lower() in {*'aeiou'}", "return True"),
    ],
)
def test_problems_of_mbpp_with_rules_of_their_own(number: int, right: str, wrong: str, judge: Judge) -> None:
    """Sets in any order, matches of any kind, and each reading of an ambiguous text are right."""
    problem = released("mbppplus", "MbppPlus.jsonl.gz")[f"Mbpp/{number}"]
    assert judged(judge, problem, right).passed
    assert not judged(judge, problem, wrong).passed


@pytest.mark.parametrize(("number", "right", "wrong"), [(164, "True", "None"), (295, "0", "-1")])
def test_ambiguous_problems_of_other_releases(
    number: int, right: str, wrong: str, tmp_path: Path, judge: Judge
) -> None:
    """Two problems that not every release holds can be read in two ways too."""
    solution = "def f(x):\n    return x == 2\n"
    problem = one(tmp_path, "mbppplus", task_id=f"Mbpp/{number}", prompt="Do it.", canonical_solution=solution)
    assert judged(judge, problem, f"return {right}").passed
    assert not judged(judge, problem, f"return {wrong}").passed


@pytest.mark.parametrize(
    ("number", "written", "meant"),
    [
        (2, [[1], [2]], [(1,), (2,)]),
        (63, [[[1, 2]]], [[(1, 2)]]),
        (75, [[[1]], 2], [[(1,)], 2]),
        (106, [[1], [2]], [[1], (2,)]),
        (115, [[[1], []]], [[{1}, {}]]),
        (124, ["1", "2j"], (1.0, 2j)),
        (250, [[1], 1], [(1,), 1]),
        (252, ["1j"], [1j]),
        (259, [[[1]], [[2]]], [((1,),), ((2,),)]),
        (278, [[1, [2]]], [(1, (2,))]),
        (580, [[1, [2, [3]]]], [(1, (2, (3,)))]),
        (722, [{"a": [1]}, 2], [{"a": (1,)}, 2]),
        (3, [[1]], [[1]]),
    ],
)
def test_arguments_have_the_types_that_the_problem_means(number: int, written: Any, meant: Any) -> None:
    """Tuples, sets and complex numbers, which JSON lacks, are restored."""
    (found,) = mbpp_inputs(f"Mbpp/{number}", [written])
    assert found == meant
    assert repr(found) == repr(meant)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"atol": "0"}, "atol: must be a number, not a text"),
        ({"atol": -1e-6}, "atol: must be 0 or more, and finite, not -1e-06"),
        ({"atol": float("nan")}, "atol: must be 0 or more, and finite, not nan"),
        ({"base_input": {"a": 1}}, "base_input: must be a list, not an object"),
        ({"base_input": [1]}, "base_input: must be a list of argument lists"),
        ({"base_input": []}, "base_input: is empty"),
        ({"canonical_solution": "    return (\n"}, "canonical_solution: '(' was never closed"),
        ({"entry_point": "g"}, "canonical_solution: defines no function 'g'"),
        ({"plus_input": [[1], 2]}, "plus_input: must be a list of argument lists"),
    ],
)
def test_a_malformed_row_is_named(tmp_path: Path, fields: dict[str, Any], words: str) -> None:
    """File, line and field are told."""
    with pytest.raises(UsageError) as caught:
        one(tmp_path, "humanevalplus", **fields)
    assert f"plus.jsonl:1: {words}" in str(caught.value)


@pytest.mark.parametrize(("number", "given"), [(2, [[1]]), (124, [["x", "1j"]]), (252, [["x"]]), (722, [[[1], 2]])])
def test_arguments_that_a_problem_cannot_mean_are_named(tmp_path: Path, number: int, given: list[Any]) -> None:
    """What has no tuple, no complex number in it where one must be is a malformed row too."""
    with pytest.raises(UsageError, match=r"plus.jsonl:1: plus_input: is not what this problem takes \(") as caught:
        one(tmp_path, "mbppplus", task_id=f"Mbpp/{number}", base_input=[], plus_input=given)
    assert "\n" not in str(caught.value)
