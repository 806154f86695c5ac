"""The judge is tested on each problem before anything is paid for."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

from pytest_koderz.core.errors import SandboxFault
from pytest_koderz.core.iteration import Candidate, Outcome, Verdict
from pytest_koderz.core.problem import Problem, TestSet
from pytest_koderz.sandbox.preflight import preflight
from pytest_koderz.sandbox.supervisor import Judge

GOOD = Problem(
    "own/good", "", "f", "def check(c):\n    assert c(1) == 2\n", canonical_solution="def f(n):\n    return n + 1\n"
)
BROKEN = replace(GOOD, id="own/broken", canonical_solution="def f(n):\n    return n\n")
EMPTY = replace(GOOD, id="own/empty", tests="def check(c):\n    c(1) != 2\n")
BLIND = replace(GOOD, id="own/blind", tests="def check(c):\n    assert c(1) != 3\n")


@dataclass
class Counting:
    """A judge that counts what it is asked, and gives the same answer each time."""

    outcomes: Mapping[str, Outcome] = field(default_factory=dict)
    asked: int = 0
    fault: bool = False

    def __call__(self, problem: Problem, candidate: Candidate, tests: TestSet = "base") -> Verdict:
        self.asked += 1
        if self.fault:
            raise SandboxFault("no process")
        known = candidate.source == problem.canonical_solution
        return Verdict(self.outcomes.get(problem.id, Outcome.PASSED if known else Outcome.WRONG))


def test_sound_problems_are_told_from_broken_ones(judge: Judge) -> None:
    """The canonical solution must pass, and known cheats must fail."""
    found = preflight(judge, [GOOD, BROKEN, EMPTY, BLIND])
    assert found["own/good"] is None
    assert "canonical solution fails the base tests: AssertionError: assert 1 == 2" in (found["own/broken"] or "")
    assert "canonical solution fails" in (found["own/empty"] or "")
    assert found["own/blind"] == "the base tests pass a program that answers with an object that equals everything"


ALONE = Problem(
    "own/alone",
    "",
    "f",
    "import unittest\nclass T(unittest.TestCase):\n    def test(self): self.assertEqual(f(1), 2)\n",
    canonical_solution="def f(n):\n    return n + 1\n",
    isolation="in-process",
)


def test_tests_beside_a_candidate_that_ask_for_equality_alone_are_weak_and_not_invalid(
    judge: Judge, tmp_path: Path
) -> None:
    """Nothing withstands an object that equals everything there; it is said each time, and known cheats still fail."""
    for _ in range(2):
        told: list[str] = []
        assert preflight(judge, [GOOD, ALONE], tmp_path, notify=told.append) == {"own/good": None, "own/alone": None}
        (words,) = told
        assert words.startswith("in-process: ")
        assert words.endswith("equals everything")
    blind = replace(ALONE, tests="import unittest\nclass T(unittest.TestCase):\n    def test(self): pass\n")
    assert "leaves with status 0 when it is called" in (preflight(judge, [blind])["own/alone"] or "")


def test_what_was_found_is_remembered_for_the_same_problem(tmp_path: Path) -> None:
    """A second pre-flight runs nothing; a changed problem, or other tests of it, are flown again."""
    counting = Counting()
    assert preflight(counting, [GOOD], tmp_path) == {"own/good": None}
    flown = counting.asked
    assert preflight(counting, [GOOD], tmp_path) == {"own/good": None}
    assert counting.asked == flown
    preflight(counting, [replace(GOOD, tests=GOOD.tests + "\n")], tmp_path)
    assert counting.asked == 2 * flown
    preflight(counting, [replace(GOOD, plus=GOOD.tests)], tmp_path, ["base", "plus"])
    assert counting.asked == 4 * flown


def test_what_is_remembered_is_the_user_s_own(tmp_path: Path) -> None:
    """Nobody else reads it, and a link or a pipe in its place, which others may have put there, is none."""
    counting = Counting()
    folder = tmp_path / "preflight"
    preflight(counting, [GOOD], folder)
    (entry,) = folder.iterdir()
    assert (folder.stat().st_mode & 0o777, entry.stat().st_mode & 0o777) == (0o700, 0o600)
    flown = counting.asked
    entry.rename(tmp_path / "elsewhere")
    entry.symlink_to(tmp_path / "elsewhere")
    preflight(counting, [GOOD], folder)
    assert counting.asked == 2 * flown
    entry.unlink()
    os.mkfifo(entry)
    preflight(counting, [GOOD], folder)
    assert counting.asked == 3 * flown


def test_where_nothing_can_be_kept_it_is_found_out_again(tmp_path: Path) -> None:
    """As on a full disk: that takes time, and no experiment."""
    (tmp_path / "file").touch()
    counting = Counting()
    for _ in range(2):
        assert preflight(counting, [GOOD], tmp_path / "file") == {"own/good": None}
    assert counting.asked > 2


def test_how_a_problem_is_sorted_makes_no_difference(tmp_path: Path) -> None:
    """Nor since when it is known."""
    judge = Counting()
    preflight(judge, [GOOD], tmp_path)
    asked = judge.asked
    preflight(judge, [replace(GOOD, categories=("numbers",), published=date(2021, 7, 7))], tmp_path)
    assert judge.asked == asked > 0


def test_what_the_moment_caused_is_not_remembered(tmp_path: Path) -> None:
    """A fault and a time-out may be over tomorrow."""
    counting = Counting({"own/good": Outcome.TIMED_OUT})
    assert preflight(counting, [GOOD], tmp_path)["own/good"]
    assert preflight(Counting(fault=True), [GOOD], tmp_path) == {"own/good": "the sandbox failed: no process"}
    assert preflight(Counting(), [GOOD], tmp_path) == {"own/good": None}


def test_a_torn_cache_entry_is_flown_again(tmp_path: Path) -> None:
    """A cache is no evidence where it cannot be read."""
    preflight(Counting(), [GOOD], tmp_path)
    for entry in tmp_path.iterdir():
        entry.write_text("{")
    counting = Counting()
    assert preflight(counting, [GOOD], tmp_path) == {"own/good": None}
    assert counting.asked
