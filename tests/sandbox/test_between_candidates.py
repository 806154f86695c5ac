"""One candidate leaves nothing that the next one, or its verdict, would meet."""

from __future__ import annotations

import pytest

from pytest_koderz.core.iteration import Candidate, Outcome
from pytest_koderz.core.problem import Problem
from pytest_koderz.sandbox import open_sandbox
from pytest_koderz.sandbox.supervisor import Judge

_SPEAKS_TO_OTHERS = """
import os, time
time.sleep(0.2)
for pid in range(os.getppid() - 3, os.getpid() + 20):
    for number in (1, 2):
        try:
            os.write(os.open(f"/proc/{pid}/fd/{number}", os.O_WRONLY | os.O_NONBLOCK), b"left for you")
        except OSError:
            pass
def f(n):
    return n
"""


def _problem(*lines: str, before: str = "") -> Problem:
    return Problem("own/0", "", "f", f"{before}def check(candidate):\n" + "".join(f"    {line}\n" for line in lines))


def test_no_candidate_writes_into_the_output_of_the_next(judge: Judge) -> None:
    """The one that stands ready has pipes already, and /proc would lead to them."""
    problem = _problem("assert candidate(1) == 1")
    for source in (_SPEAKS_TO_OTHERS, "def f(n): return n") * 2:
        verdict = judge(problem, Candidate(source))
        assert verdict.passed
        if source != _SPEAKS_TO_OTHERS:
            assert (verdict.stdout, verdict.stderr) == ("", "")


def test_what_is_learnt_from_tests_takes_none_of_the_next_candidates_time() -> None:
    """After a pass the tests are run twice more; who comes meanwhile waits, and its clock with it."""
    problem = _problem("time.sleep(0.6)", "assert candidate(1) == 1", before="import time\n")
    with open_sandbox(timeout=1.0) as judge:
        outcomes = [judge(problem, Candidate("def f(n): return n")).outcome for _ in range(3)]
    assert outcomes == [Outcome.PASSED] * 3


@pytest.mark.parametrize(
    "problem",
    [
        _problem("for n in range(45): assert len(candidate(n)) == 8_000_000"),
        _problem("for n in range(16): KEPT.append(candidate(n))", "assert len(KEPT) == 16", before="KEPT = []\n"),
    ],
)
def test_large_answers_do_not_add_up(problem: Problem) -> None:
    """Neither those of one candidate, once they are compared, nor those of one after the other."""
    with open_sandbox(timeout=10.0, memory_limit=128 << 20) as judge:
        for _ in range(3):
            verdict = judge(problem, Candidate("def f(n): return 'x' * 8_000_000"))
            assert verdict.passed, verdict


def test_no_answer_ends_the_checker(judge: Judge) -> None:
    """Deques within each other are freed by recursion in C; a verdict there is nevertheless, and not a fault."""
    problem = _problem("for n in range(300): assert candidate(n) == n")
    for node in ("['q', None, [n + 2]]", "['D', 1, [n + 2]]"):
        deep = (
            "import json, os, time\n"
            f"answers = [['loaded'], ['returned', [{node} for n in range(150_000)] + [['l']], [1], []]]\n"
            "for answer in answers + [['returned', [], n, []] for n in range(1, 300)]:\n"
            "    body = json.dumps(answer, separators=(',', ':')).encode()\n"
            "    body = len(body).to_bytes(4, 'big') + body\n"
            "    while body: body = body[os.write(3, body):]\n"
            "time.sleep(9)\n"
        )
        assert judge(problem, Candidate(deep)).failures
        assert judge(problem, Candidate("def f(n): return n")).passed


def test_a_call_that_differs_is_noticed_whatever_the_tests_swallow(judge: Judge) -> None:
    """Calls were sent ahead, and a candidate's answer leads the tests another way, under a bare `except`."""
    problem = _problem(
        "got = []",
        "first = candidate(0)",
        "for n in (1, 2, 3):",
        "    try: got.append(candidate(n + 10 if first == 7 else n))",
        "    except: pass",
        "assert got == [11, 12, 13] or first == 0",
    )
    right = Candidate("def f(n): return n")
    odd = Candidate("def f(n): return n or 7")
    assert [judge(problem, each).passed for each in (right, right, right, odd, right)] == [True] * 5
