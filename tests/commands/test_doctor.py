"""What the doctor says of the judge: each way of judging that the selection needs is tried."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from pytest_koderz.commands.doctor import TRIES, _modes, _verdict
from pytest_koderz.core.iteration import Candidate, Verdict
from pytest_koderz.core.problem import Problem, TestSet
from pytest_koderz.sandbox import open_sandbox
from pytest_koderz.sandbox.supervisor import Judge, Levels

APART = Problem(
    "own/apart", "", "f", "def check(c):\n    assert c(1) == 2\n", canonical_solution="def f(n):\n    return n + 1\n"
)
BESIDE = replace(APART, id="own/beside", isolation="in-process")
COROUTINE = Problem(
    "own/coroutine",
    "async def f(n): ...\n",
    "f",
    "import asyncio\ndef check(c):\n    assert asyncio.run(c(1)) == 2\n",
    canonical_solution="async def f(n):\n    return n + 1\n",
)
ABSENT = replace(APART, id="own/absent", requires=("no_such_module",))
BROKEN = replace(APART, id="own/broken", canonical_solution="f = abs")
WRITES = replace(BESIDE, id="own/writes", canonical_solution="def f(n):\n    open('/no/such', 'w')\n")


class WithoutLandlock:
    """The judge of a system that lacks one lock."""

    levels = Levels("process-separated", "partial", ("landlock",))

    def __init__(self, judge: Judge) -> None:
        self._judge = judge

    def __call__(self, problem: Problem, candidate: Candidate, tests: TestSet = "base") -> Verdict:
        return self._judge(problem, candidate, tests)


@pytest.fixture(scope="module")
def judge() -> Iterator[Judge]:
    with open_sandbox() as opened:
        yield opened


def test_a_few_problems_of_each_way_of_judging_are_tried() -> None:
    """By the tests' own text, and by the modules that must be there."""
    many = [replace(APART, id=f"own/{number}") for number in range(9)]
    modes = _modes([*many, BESIDE, COROUTINE, ABSENT])
    assert {mode: len(examples) for mode, examples in modes.items()} == {
        "process-separated": TRIES,
        "in-process": 2,
        "process-separated, with no_such_module": 1,
    }


def test_a_mode_is_there_if_one_of_its_problems_can_be_judged(judge: Judge) -> None:
    """The others may have faults of their own."""
    for mode, examples in (("process-separated", [BROKEN, APART]), ("in-process", [BESIDE, COROUTINE])):
        word, text = _verdict(judge, mode, examples)
        assert word == "ok"
        assert text.startswith(f"judge: {mode}: own/")


def test_a_mode_that_is_missing_is_named_with_cause_and_cure(judge: Judge) -> None:
    """A module that is not installed, and a lock that the system lacks."""
    word, text = _verdict(judge, "process-separated, with no_such_module", [ABSENT])
    assert word == "missing"
    assert "requires the module 'no_such_module', which is not installed; install it" in text
    word, text = _verdict(WithoutLandlock(judge), "in-process", [WRITES])
    assert word == "missing"
    assert "without landlock, which this system lacks, no file can be written; it keeps candidates from files" in text
    assert "leave these problems out" in text
