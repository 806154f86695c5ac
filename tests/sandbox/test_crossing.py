"""What cannot cross between the processes is judged beside the candidate, and never the candidate's failure."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from pytest_koderz.core.iteration import Candidate
from pytest_koderz.core.problem import Problem
from pytest_koderz.sandbox.crossing import stays_inside
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
        Row("class Own: pass\ndef check(candidate):\n    assert candidate(1) == 2\n", "", ""),
    ]
    assert [stays_inside(row.problem, row.tests) for row in apart] == [None] * 3
    assert judge(apart[0].problem, Candidate("def f(n): return n + 1")).isolation == "process-separated"
