"""What cannot cross between the processes is judged beside the candidate, and never the candidate's failure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from pytest_koderz.core.iteration import Candidate
from pytest_koderz.core.problem import Problem
from pytest_koderz.datasets.suite import read_suite
from pytest_koderz.sandbox import open_sandbox
from pytest_koderz.sandbox.crossing import stays_inside
from pytest_koderz.sandbox.impossible_tests import refusal
from pytest_koderz.sandbox.preflight import preflight
from pytest_koderz.sandbox.supervisor import Judge


@dataclass(frozen=True, slots=True)
class Row:
    """A problem without a canonical solution, and what is right and wrong there."""

    tests: str
    right: str
    wrong: str
    preamble: str = ""
    head: str = "def f(*args): ...\n"

    @property
    def problem(self) -> Problem:
        return Problem("own/inside", self.preamble + self.head, "f", self.tests, self.preamble)


_POINT = "from dataclasses import dataclass\n@dataclass\nclass Point:\n    x: int\n\n"
_COLOR = "from enum import Enum\nclass Color(Enum):\n    RED = 1\n    BLUE = 2\n\n"
_PAIR = "from collections import namedtuple\nPair = namedtuple('Pair', 'a b')\n\n"
_ERROR = "class TooSmall(Exception):\n    pass\n\n"
ROWS = {
    "a class": Row(
        "def check(candidate):\n    c = candidate(3)\n    c.add(1)\n    assert (c.n, type(c)) == (4, candidate)\n",
        "class f:\n    def __init__(self, n): self.n = n\n    def add(self, m): self.n += m\n",
        "class f:\n    def __init__(self, n): self.n = n\n    def add(self, m): self.n -= m\n",
        head="class f:\n    '''Counts.'''\n",
    ),
    "a dataclass": Row(
        "def check(candidate):\n    assert candidate(Point(1)) == Point(2)\n",
        "def f(p): return Point(p.x + 1)",
        "def f(p): return Point(p.x)",
        _POINT,
    ),
    "a member": Row(
        "def check(candidate):\n    assert candidate(Color.RED) is Color.BLUE\n",
        "def f(c): return Color.BLUE",
        "def f(c): return Color.RED",
        _COLOR,
    ),
    "a pair": Row(
        "def check(candidate):\n    assert candidate(1) == Pair(1, 2) and candidate(1).b == 2\n",
        "def f(n): return Pair(n, n + 1)",
        "def f(n): return Pair(n, n)",
        _PAIR,
    ),
    "an error": Row(
        "def check(candidate):\n    try: candidate(0)\n    except TooSmall: pass\n    else: assert False\n",
        "def f(n): raise TooSmall",
        "def f(n): raise ValueError",
        _ERROR,
    ),
    "a coroutine": Row(
        "import asyncio\ndef check(candidate):\n    assert asyncio.run(candidate(1)) == 2\n",
        "async def f(n): return n + 1",
        "async def f(n): return n",
        head="async def f(n): ...\n",
    ),
    "a signature": Row(
        "import inspect\ndef check(candidate):\n    assert list(inspect.signature(candidate).parameters) == ['n']\n",
        "def f(n): return n",
        "def f(m): return m",
    ),
    "output": Row(
        "import contextlib, io\ndef check(candidate):\n    out = io.StringIO()\n"
        "    with contextlib.redirect_stdout(out): candidate(1)\n    assert out.getvalue() == '1\\n'\n",
        "def f(n): print(n)",
        "def f(n): print(2)",
    ),
    "a stream": Row(
        "import io\ndef check(candidate):\n    assert candidate(io.StringIO('a')) == 'a'\n",
        "def f(s): return s.read()",
        "def f(s): return s.read() * 2",
    ),
    "output, by name": Row(
        "import contextlib, io\ndef check():\n    out = io.StringIO()\n"
        "    with contextlib.redirect_stdout(out): f(1)\n    assert out.getvalue() == '1\\n'\n",
        "def f(n): print(n)",
        "def f(n): print(2)",
    ),
}


@pytest.mark.parametrize("name", ROWS)
def test_what_cannot_cross_is_judged_beside_the_candidate(judge: Judge, name: str) -> None:
    """Rightly, and the verdict says where it came about."""
    row = ROWS[name]
    right, wrong = (judge(row.problem, Candidate(source)) for source in (row.right, row.wrong))
    assert (right.passed, right.isolation) == (True, "in-process"), right
    assert (wrong.passed, wrong.isolation) == (False, "in-process")
    assert preflight(judge, [row.problem]) == {"own/inside": None}


def test_what_can_cross_is_judged_apart(judge: Judge) -> None:
    """A class that tests and prompt do not speak of is the solution's own business, as are words within others."""
    apart = [
        Row("def check(candidate):\n    assert candidate(1) == 2\n", "", "", _POINT),
        Row("def check(candidate):\n    assert candidate('inspect me') == 'Pointless'\n", "", "", _POINT),
    ]
    assert [stays_inside(row.problem, row.tests) for row in apart] == [None] * 2
    own = Row("class Own: pass\ndef check(candidate):\n    assert candidate(1) == 2\n", "", "")
    assert stays_inside(replace(own.problem, canonical_solution="def f(n): return 2"), own.tests) is None
    assert judge(apart[0].problem, Candidate("def f(n): return n + 1")).isolation == "process-separated"


SUITE = {problem.id: problem for problem in read_suite(Path(__file__).with_name("honest_suite.yaml"))}
"""Little problems of the kinds that two processes part."""
_APART = {
    *("function/result", "function/key", "generator/result", "generator/lazy_argument", "plain/values"),
    *("assertion/raises_alone", "assertion/raised_by_hand"),
    *("mutated/list", "mutated/nested", "mutated/returned_itself"),
}
"""What crosses, as the canonical solution shows."""


@pytest.mark.parametrize("name", SUITE)
def test_a_right_answer_passes_and_a_wrong_one_fails(judge: Judge, name: str) -> None:
    """With a canonical solution and without; the pre-flight finds no fault with the problem."""
    known = SUITE[name]
    wrong = Candidate(f"def {known.entry_point}(*args, **kwargs): return object()")
    unknown = replace(known, canonical_solution=None)
    for problem in (known, unknown):
        right = judge(problem, Candidate(known.canonical_solution or ""))
        assert right.passed, right.failures
    assert preflight(judge, [unknown]) == {name: None}
    verdict = judge(known, wrong)
    assert (verdict.passed, verdict.isolation == "process-separated") == (False, name in _APART)


def test_a_candidate_cannot_choose_the_mode() -> None:
    """Only trusted texts decide, so that what fails apart is not tried again where a pass could be forged."""
    forger = Candidate(
        "import unittest\nclass F:\n    def __getattr__(self, name): raise TypeError(name)\ndef f(*a): return F()\n"
    )
    with open_sandbox() as judge:
        for canonical in (None, "def f(n): return n + 1"):
            problem = Problem("own/plain", "def f(n): ...\n", "f", PLAIN, canonical_solution=canonical)
            assert judge(problem, forger).isolation == "process-separated"


PLAIN = "def check(candidate):\n    assert candidate(1) == 2\n"
DOUBTED = {
    "a file": "import os\ndef check(candidate): assert candidate(os.getcwd()) == 1",
    "an object": "def check(candidate): assert candidate(object()) == 1",
    "a nested function": "def check(candidate):\n    def own(): return 1\n    assert candidate([own]) == 1",
    "a function in a table": "T = [(len, 1)]\ndef check(candidate):\n    for f, n in T: assert candidate(f) == n",
    "an attribute": "def check(candidate): assert candidate(1).val == 1",
    "a name": "def check(candidate): assert candidate(Node(1)) == 1",
    "its own helper": "def check(candidate): assert other(candidate(1)) == 1",
    "a type": "def check(candidate): assert isinstance(candidate(1), complex | range)",
    "one result twice": "def check(candidate):\n    a = candidate(1)\n    b = candidate(1)\n    assert a is b",
    "a changed result": "def check(candidate):\n    a = candidate(1)\n    a.append(1)\n    assert candidate(1) == [1]",
    "handed on": "def run(g, x): return g(x, key=len)\ndef check(candidate): assert run(candidate, 1) == 1",
}
CLEAR = {
    "values": PLAIN,
    "sorted by a key": "def check(candidate): assert sorted(candidate(1), key=lambda n: -n) == [2]",
    "errors": "def check(c):\n    try: c(0)\n    except (ValueError, KeyError): pass\n    else: assert False",
    "raised": "import pytest\ndef check(c):\n    with pytest.raises(ValueError) as e: c(0)\n    assert str(e.value)",
    "types": "def check(candidate): assert isinstance(candidate(1), (int, list)) and type(candidate(1)) is int",
    "numbers": "import math\ndef check(candidate): assert math.isclose(candidate(math.pi), math.sqrt(2))",
    "an argument that is returned": "def check(candidate):\n    xs = [1]\n    assert candidate(xs) is xs",
    "methods of values": "def check(candidate): assert candidate('a').strip().split() == list({'a': 1}.items())",
    "a helper": "def run(g, x): return g(x)\ndef check(candidate): assert run(candidate, 1) == 1",
    "mapped": "def check(candidate): assert list(map(candidate, [1])) == [2] and all(candidate(n) for n in range(3))",
    "collections": "from collections import Counter, deque\ndef check(c): assert c(deque([1])) == Counter('a')",
    "no result": "def check(candidate): assert candidate(1) is None",
}  # fmt: skip


@pytest.mark.parametrize("name", DOUBTED)
def test_without_a_canonical_solution_a_doubt_is_enough(name: str) -> None:
    """Nobody else could show that it crosses."""
    assert stays_inside(Problem("own/doubted", "def f(x): ...\n", "f", DOUBTED[name]), DOUBTED[name])


@pytest.mark.parametrize("name", CLEAR)
def test_plain_tests_are_held_apart_without_a_canonical_solution(name: str) -> None:
    """Most tests are."""
    assert stays_inside(Problem("own/clear", "def f(x): ...\n", "f", CLEAR[name]), CLEAR[name]) is None


def test_most_published_tests_raise_no_doubt(problems: dict[str, Problem]) -> None:
    """Even where their solutions are not known."""
    unknown = [replace(problem, canonical_solution=None) for problem in problems.values()]
    assert sum(stays_inside(problem, problem.tests) is None for problem in unknown) >= 0.9 * len(unknown)


REFUSED = {
    "other processes": "import subprocess\ndef check(candidate): assert candidate(subprocess.run(['a'])) == 1",
    "the network": "import urllib.request as r\ndef check(candidate): assert candidate(r.urlopen('a')) == 1",
    "no assertion": "def check(candidate): candidate(1) == 1",
    "cannot be compiled": "def check(candidate) assert",
    "'candidat'": "def check(candidate): assert candidat(1) == 1",
}


@pytest.mark.parametrize("words", REFUSED)
def test_what_nobody_could_pass_is_refused_before_anything_is_spent(judge: Judge, words: str) -> None:
    """With the reason, where no canonical solution shows it."""
    problem = Problem("own/refused", "def f(x): ...\n", "f", REFUSED[words])
    assert words in (preflight(judge, [problem])["own/refused"] or "")


def test_tests_that_replace_what_is_closed_are_tried() -> None:
    """As those do that know what a judge keeps closed."""
    run = "with mock.patch('subprocess.run'): assert candidate(1) == 1"
    tests = f"import subprocess\nfrom unittest import mock\ndef check(candidate):\n    {run}\n"
    assert refusal(Problem("own/mocked", "", "f", tests), tests, ()) is None


def test_without_landlock_tests_that_write_files_are_refused() -> None:
    """Nothing bounds them to a folder there."""
    tests = "def check(candidate):\n    open('a', 'w').close()\n    assert candidate('a') == 0"
    assert refusal(Problem("own/files", "", "f", tests), tests, ()) is None
    assert "landlock" in (refusal(Problem("own/files", "", "f", tests), tests, ("landlock",)) or "")
