"""One candidate leaves nothing that the next one, or its verdict, would meet."""

from __future__ import annotations

import keyword

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


def test_tests_that_an_answer_leads_another_way_are_followed_whatever_they_swallow(judge: Judge) -> None:
    """What others have been asked plays no part, under a bare `except` neither."""
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


_TELLS_THE_NEXT = """
import fcntl, os
flags = fcntl.fcntl(0, fcntl.F_GETFL)
told = bool(flags & os.O_APPEND)
fcntl.fcntl(0, fcntl.F_SETFL, flags ^ os.O_APPEND)
def f(n):
    return told
"""


def test_no_candidate_tells_the_next_by_the_flags_of_what_it_reads(judge: Judge) -> None:
    """Each has an open file of its own; nobody's flags outlive him."""
    problem = _problem("assert candidate(1) is True")
    assert not any(judge(problem, Candidate(_TELLS_THE_NEXT)).passed for _ in range(4))


def test_what_a_candidate_changes_in_a_module_is_changed_back(judge: Judge) -> None:
    """An argument may belong to a module that the next candidate's tests use as well."""
    problem = _problem(f"assert candidate(keyword.kwlist) == {len(keyword.kwlist)}", before="import keyword\n")
    assert not judge(problem, Candidate("def f(words):\n    words.clear()\n    return 0")).passed
    assert judge(problem, Candidate("def f(words): return len(words)")).passed


_READS_AHEAD = """
import json, sys
known = []
def f(text):
    frame = sys._getframe()
    while frame:
        for value in frame.f_locals.values():
            if type(value).__name__ == "Channel":
                body = bytes(value._buffer)
                while body:
                    size = int.from_bytes(body[:4], "big")
                    known.append(json.loads(body[4 : 4 + size])[2][0][1])
                    body = body[4 + size :]
        frame = frame.f_back
    if text not in known:
        known.insert(0, text)
    return known[known.index(text) ^ 1]
"""


def test_a_candidate_can_read_no_call_before_it_is_asked(judge: Judge) -> None:
    """Tests that take turns between a value and its inverse would tell it what to answer."""
    pairs = [("aBc", "AbC"), ("AbC", "aBc"), ("Xy", "xY"), ("xY", "Xy")]
    problem = _problem(*(f"assert candidate({given!r}) == {expected!r}" for given, expected in pairs))
    assert all(judge(problem, Candidate("def f(text): return text.swapcase()")).passed for _ in range(3))
    assert not judge(problem, Candidate(_READS_AHEAD)).passed


def test_tests_that_only_the_right_answer_ends_are_judged_as_others(judge: Judge) -> None:
    """They swallow whatever is raised; who answers otherwise is stopped, and the next one has a checker."""
    endless = _problem(
        "n = 0",
        "while True:",
        "    try:",
        "        if candidate(n) == 3: break",
        "    except: pass",
        "    n += 1",
        "assert n == 3",
    )
    right = Candidate("def f(n): return n")
    assert judge(endless, right).passed
    assert judge(endless, Candidate("def f(n): return 0")).outcome is Outcome.TIMED_OUT
    assert judge(_problem("assert candidate(1) == 1"), right).passed


def test_tests_may_call_from_several_threads(judge: Judge) -> None:
    """Each gets the answer to its own call."""
    problem = _problem(
        "with ThreadPoolExecutor(4) as pool:",
        "    assert list(pool.map(candidate, range(60))) == [2 * n for n in range(60)]",
        before="from concurrent.futures import ThreadPoolExecutor\n",
    )
    assert all(judge(problem, Candidate("def f(n): return 2 * n")).passed for _ in range(4))
