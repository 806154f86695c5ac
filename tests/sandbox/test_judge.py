"""Verdicts: right answers pass however odd, wrong ones fail, and both are explained."""

from __future__ import annotations

import os
import random
import socket
import stat
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest

from pytest_koderz.core.errors import SandboxFault
from pytest_koderz.core.iteration import Candidate, Outcome, Verdict
from pytest_koderz.core.problem import Isolation, Problem
from pytest_koderz.files.usage_error import UsageError
from pytest_koderz.sandbox import open_sandbox
from pytest_koderz.sandbox.candidate_run import CheckerClient
from pytest_koderz.sandbox.channel import Channel, dumps, loads
from pytest_koderz.sandbox.checker import Checker
from pytest_koderz.sandbox.deadline import CapturedOutput
from pytest_koderz.sandbox.draws import seed_draws, seed_of
from pytest_koderz.sandbox.fork_server import ForkedProcess
from pytest_koderz.sandbox.supervisor import Judge

from .answers import RIGHT, WRONG


def _problem(*assertions: str, preamble: str = "", canonical_solution: str | None = None) -> Problem:
    lines = assertions or ("assert candidate(1) == 2",)
    tests = "def check(candidate):\n" + "".join(f"    {line}\n" for line in lines)
    return Problem("own/0", "", "f", tests, preamble, canonical_solution=canonical_solution)


def _why(verdict: Verdict) -> str:
    return f"{verdict.outcome} {verdict.failures[:1]} {verdict.stderr}"


def test_canonical_solutions_pass_as_a_program_and_as_the_function_alone(
    judge: Judge, problems: dict[str, Problem]
) -> None:
    """All 164 of HumanEval, with their helpers in scope either way."""
    programs = [
        (problem, source)
        for problem in problems.values()
        if (program := problem.canonical_solution)
        for source in (program, program.removeprefix(problem.preamble))
    ]
    assert len(programs) == 2 * 164
    assert not [problem.id for problem, source in programs if not judge(problem, Candidate(source)).passed]


@pytest.mark.parametrize("name", RIGHT)
def test_a_right_answer_passes_however_odd(judge: Judge, name: str) -> None:
    """Sets, loops, iterators, odd numbers, floods, closed descriptors, mutated arguments: right is right."""
    body, test = RIGHT[name]
    verdict = judge(_problem(test), Candidate(f"def f(*args, **kwargs):\n    {body}\n"))
    assert verdict.passed, _why(verdict)


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_answer_fails(judge: Judge, name: str) -> None:
    """However close it looks."""
    body, test = WRONG[name]
    assert not judge(_problem(test), Candidate(f"def f(*args):\n    {body}\n")).passed


def test_assertions_are_counted_and_the_first_failure_is_explained(judge: Judge) -> None:
    """The tests go on after a failure; loops count their turns; values are those of pytest's own rewriting."""
    problem = _problem(
        "for n in range(4):", "    assert candidate(n) == n * 2", "assert [candidate(9)] == [18], 'text'"
    )
    verdict = judge(problem, Candidate("def f(n):\n    return 4 if n == 1 else n * 2\n"))
    assert (verdict.outcome, verdict.assertions_passed, verdict.assertions_total) == (Outcome.WRONG, 4, 5)
    (failure,) = verdict.failures
    assert failure.assertion == "assert candidate(n) == n * 2"
    assert failure.explanation is not None
    assert failure.explanation.splitlines() == ["assert 4 == (1 * 2)", " +  where 4 = f(1)"]


def test_an_iterator_that_an_assertion_used_up_is_still_explained(judge: Judge) -> None:
    """The explanation shows the items, not the empty rest."""
    verdict = judge(_problem("assert list(candidate()) == [1]"), Candidate("def f():\n    yield 2\n"))
    assert "assert [2] == [1]" in (verdict.failures[0].explanation or "")


def test_an_exception_comes_with_the_candidates_own_line(judge: Judge) -> None:
    """Type, message and line are the candidate's; the preamble above it does not shift them."""
    problem = _problem("assert candidate(0) == 1", "assert candidate(1) == 1", preamble="import math\n\n\n")
    verdict = judge(problem, Candidate("def f(n):\n    x = 1\n    return x / n\n"))
    assert verdict.outcome is Outcome.CRASHED
    assert (verdict.assertions_passed, verdict.assertions_total) == (1, 2)
    assert verdict.failures[0].exception == "ZeroDivisionError: division by zero"
    assert verdict.failures[0].line == 3
    assert verdict.failures[0].summary == "ZeroDivisionError: division by zero (line 3)"


@pytest.mark.parametrize(
    ("source", "summary"),
    [
        ("def f(:\n", "SyntaxError: invalid syntax (line 1)"),
        ("import sys\nsys.exit(0)", "SystemExit: 0 (line 2)"),
        ("import os\nos._exit(0)", "the process exited with status 0"),
        ("g = 1", "NameError: name 'f' is not defined"),
        ("import no_such_module", "ModuleNotFoundError: No module named 'no_such_module' (line 1)"),
        ("import ctypes\nctypes.string_at(0)", "the process was killed by SIGSEGV"),
    ],
)
def test_a_module_that_cannot_be_loaded_says_why(judge: Judge, source: str, summary: str) -> None:
    """It crashed, for a reason that is told."""
    verdict = judge(_problem(), Candidate(source))
    assert (verdict.outcome, verdict.failures[0].summary) == (Outcome.CRASHED, summary)


def test_a_hang_is_stopped_and_told(judge: Judge) -> None:
    """The assertions before it are not forgotten."""
    problem = _problem("assert candidate(0) == 0", "assert candidate(1) == 1")
    verdict = judge(problem, Candidate("def f(n):\n    while n: pass\n    return 0\n"))
    assert (verdict.outcome, verdict.assertions_passed) == (Outcome.TIMED_OUT, 1)
    assert verdict.failures[-1].summary == "no answer after 2 s"


def test_a_slow_canonical_solution_gives_candidates_more_time() -> None:
    """The limit is ten times what the known answer takes, with *timeout* as the floor."""
    slow = "import time\ndef f(n):\n    time.sleep(0.3)\n    return 2\n"
    with open_sandbox(timeout=0.2) as judge:
        problem = _problem(canonical_solution=slow)
        assert judge(problem, Candidate(slow)).passed
        assert judge(replace(problem, canonical_solution=None, id="own/1"), Candidate(slow)).passed
        assert judge(_problem("assert candidate(1) == 2 # alone"), Candidate(slow)).outcome is Outcome.TIMED_OUT


def test_a_generator_that_fails_tells_what_and_where(judge: Judge) -> None:
    """As a function would: type, message and line."""
    verdict = judge(
        _problem("assert list(candidate(0)) == [1, 2]"), Candidate("def f(n):\n    yield 1\n    yield 1 / n\n")
    )
    assert verdict.outcome is Outcome.CRASHED
    assert verdict.failures[0].summary == "ZeroDivisionError: division by zero (line 3)"


def test_an_object_is_spoken_of_by_the_name_of_its_type(judge: Judge) -> None:
    """A model knows its own class, and none of the judge's."""
    source = Candidate("class Box: pass\ndef f(n): return Box()\n")
    for test, words in (
        ("assert candidate(1) + 1 == 2", "TypeError: unsupported operand type(s) for +: 'Box' and 'int'"),
        ("assert len(candidate(1)) == 2", "TypeError: object of type 'Box' has no len()"),
        ("assert candidate(1).size == 2", "AttributeError: 'Box' object has no attribute 'size'"),
        ("assert [*candidate(1)] == [2]", "TypeError: Value after * must be an iterable, not Box"),
        ("assert candidate(1)() == 2", "TypeError: 'Box' object is not callable"),
    ):
        assert judge(_problem(test), source).failures[0].summary == words


def test_the_line_of_an_error_is_one_that_a_file_can_have(judge: Judge) -> None:
    """Whatever number a candidate sends in its stead is not told."""
    for line in ("-4", "0", "10 ** 4000"):
        forged = (
            "import json, os\n"
            f"for answer in (['loaded'], ['raised', 'E', 'ValueError', 'm', {line}]):\n"
            "    body = json.dumps(answer).encode()\n"
            "    os.write(3, len(body).to_bytes(4, 'big') + body)\n"
        )
        (failure,) = judge(_problem(), Candidate(forged)).failures
        assert (failure.summary, failure.line) == ("E: m", None)


def test_a_source_of_nothing_but_lines_does_not_hold_up_the_judge(judge: Judge) -> None:
    """A model that repeats itself can write many of them, and mention numpy."""
    assert judge(_problem(), Candidate("\n" * 100_000 + "# numpy\ndef f(n): return n + 1\n")).passed


def test_output_is_kept_apart_and_cut(judge: Judge) -> None:
    """Stdout and stderr are the candidate's own, as text, up to a length."""
    source = "import sys\ndef f(n):\n    print('out', n)\n    print('err', file=sys.stderr)\n    return 2\n"
    verdict = judge(_problem(), Candidate(source))
    assert (verdict.stdout, verdict.stderr) == ("out 1\n", "err\n")
    verdict = judge(_problem(), Candidate("print('x' * 99_999)"))
    assert len(verdict.stdout) < 11_000
    assert verdict.stdout.endswith("(cut)")


def test_what_a_candidate_used_is_measured(judge: Judge) -> None:
    """Seconds, CPU seconds and the peak of memory, also of one that was killed."""
    for ending in ("return 2", "import os; os._exit(3)"):
        source = f"b = bytearray(b'x' * (64 << 20))\ndef f(n):\n    sum(range(10**6))\n    {ending}\n"
        verdict = judge(_problem(), Candidate(source))
        assert verdict.cpu_seconds
        assert verdict.cpu_seconds > 0.005
        assert 64 << 20 < (verdict.peak_rss_bytes or 0) < 512 << 20


def test_memory_is_limited() -> None:
    """An allocation beyond the limit is the candidate's MemoryError, and what a small answer grows to a failed test."""
    with open_sandbox(memory_limit=256 << 20) as judge:
        verdict = judge(_problem(), Candidate("def f(n):\n    return len(bytes(300 << 20))\n"))
        grown = judge(_problem("assert len([*candidate(1)]) > 9"), Candidate("def f(n):\n    return range(10**8)\n"))
    assert "MemoryError" in verdict.failures[0].summary
    assert (grown.outcome, grown.failures[0].summary) == (Outcome.WRONG, "MemoryError: ")


def test_candidates_know_nothing_of_each_other(judge: Judge) -> None:
    """Each has a process of its own, and the tests' globals are fresh."""
    problem = _problem("KNOWN.append(candidate(1))", "assert KNOWN == [2]")
    problem = replace(problem, tests="KNOWN = []\n" + problem.tests)
    source = "import sys\ndef f(n):\n    seen = hasattr(sys, 'seen')\n    sys.seen = True\n    return 2 + seen\n"
    assert all(judge(problem, Candidate(source)).passed for _ in range(4))


def test_many_calls_are_no_trouble(judge: Judge) -> None:
    """Sets of HumanEval+ make a thousand."""
    problem = _problem("for n in range(900):", "    assert candidate(n % 10) == n % 10 + 1")
    assert all(judge(problem, Candidate("def f(n):\n    return n + 1\n")).passed for _ in range(4))


def test_calls_may_depend_on_answers(judge: Judge) -> None:
    """Where the tests hand an answer back, whoever answers otherwise is judged all the same."""
    problem = _problem("x = candidate(1)", "assert candidate(x) == x + 1", "assert candidate(5) == 6")
    right = Candidate("def f(n):\n    return n + 1\n")
    odd = Candidate("count = 0\ndef f(n):\n    global count\n    count += 1\n    return [7, 8, 6, 0][count - 1]\n")
    assert [judge(problem, each).passed for each in (right, right, right, odd, right, odd)] == [True] * 6


_PEEKING = """
import gc, json, os, select
channel = next(one for one in gc.get_objects() if type(one).__name__ == "Channel")
seen = []
def f(text):
    while select.select([3], [], [], 0.05)[0]:
        channel._buffer += os.read(3, 65536)
    size = int.from_bytes(channel._buffer[:4], "big")
    seen.append(size)
    return json.loads(bytes(channel._buffer[4 : 4 + size]))[2][0][1] if size else "?"
"""


def test_a_candidate_that_looks_for_the_next_call_finds_none(judge: Judge) -> None:
    """Neither in its channel's buffer nor in the socket, whatever others have been asked before."""
    back = _problem("x = candidate('koderz')", "assert x == 'zredok'", "assert candidate(x) == 'koderz'")
    branch = _problem("x = candidate('a')", "assert x == 'a'", "assert candidate('b' if x == 'a' else 'c') == 'b'")
    for problem, right in ((back, "def f(text): return text[::-1]"), (branch, "def f(text): return text")):
        assert all(judge(problem, Candidate(right)).passed for _ in range(3))
        verdict = judge(problem, Candidate(_PEEKING))
        assert verdict.assertions_passed == 0, verdict


@pytest.mark.parametrize("isolation", ["process-separated", "in-process"])
def test_what_a_candidate_writes_into_a_failure_can_be_stored_and_shown(judge: Judge, isolation: Isolation) -> None:
    """Half of a surrogate pair, which no file takes, and what would speak to a terminal."""
    asked = "r = candidate(1)", "assert r == 5, f'got {r}'"
    named = "type('\\x1b[2J', (), {})()"
    for body in (r"return '\ud83d'", f"return {named}", r"raise ValueError('\ud800\x1b[2J')"):
        problem = replace(_problem(*asked), isolation=isolation)
        verdict = judge(problem, Candidate(f"def f(n):\n    {body}\n"))
        assert not verdict.passed
        for failure in verdict.failures:
            texts = [text for text in (failure.summary, failure.explanation, failure.exception) if text]
            assert all(line.isprintable() and line.encode() for text in texts for line in text.splitlines())


def test_an_answer_that_never_comes_whole_is_not_waited_for(judge: Judge) -> None:
    """Nor are numbers believed that no count can be."""
    problem = replace(_problem(), isolation="in-process")
    started = "import os, time\nos.write(3, {!r})\ntime.sleep(3600)\n"
    told = b'{"outcome": "passed", "passed": 1e400, "total": -1, "failures": []}'
    for begun in (b"\0", len(told).to_bytes(4, "big") + told):
        assert not judge(problem, Candidate(started.format(begun))).passed


def test_no_answer_makes_a_problem_invalid(judge: Judge) -> None:
    """A value that cannot be sent back, such as one nested too deep, is the candidate's failure."""
    problem = _problem("x = candidate(1)", "assert candidate(x) == 1")
    deep = "def f(n):\n    value = 1\n    for _ in range(100):\n        value = (value,)\n    return value\n"
    assert judge(problem, Candidate(deep)).outcome is Outcome.WRONG


class _Recording(Channel):
    """Stands for a child that answers rightly, and notes what goes each way."""

    def __init__(self) -> None:
        self.ways: list[str] = []

    def send_body(self, body: bytes, descriptors: Sequence[int] = ()) -> None:
        self.ways.append(loads(body)[0])

    def recv_body(self) -> bytes:
        self.ways.append("answer")
        return dumps(["returned", [], 2, []] if "call" in self.ways else ["loaded"])


def test_no_message_towards_a_child_holds_more_than_one_call() -> None:
    """Nor is a second one sent before the first is answered, however often the tests have passed."""
    checker = Checker()
    checker.learn(
        "k", "", _problem("assert candidate(1) == 2", "assert [candidate(n) for n in 'ab'] == [2, 2]").tests, "f"
    )
    for _ in range(4):
        recording = _Recording()
        assert checker.judge("k", recording)["outcome"] == "passed"
        assert recording.ways == ["answer", *["call", "answer"] * 3]


def test_tests_that_take_turns_are_compiled_once_each(monkeypatch: pytest.MonkeyPatch) -> None:
    """As those of 64 experiments at once do: some sets take as long to compile as several verdicts."""
    asked: list[str] = []
    ask = CheckerClient._ask

    def recorded(client: CheckerClient, message: list[str]) -> None:
        asked.append(message[0])
        ask(client, message)

    monkeypatch.setattr(CheckerClient, "_ask", recorded)
    turns = [_problem(f"assert candidate({number}) == {number + 1}") for number in range(64)]
    with open_sandbox() as judge:
        for problem in turns * 2:
            assert judge(problem, Candidate("def f(n):\n    return n + 1\n")).passed
    assert asked == ["learn"] * len(turns)


def test_random_inputs_are_no_trouble(judge: Judge) -> None:
    """Tests that draw their inputs make other calls in each run."""
    problem = _problem("import random", "n = random.random()", "assert candidate(n) == n + 1")
    assert all(judge(problem, Candidate("def f(n):\n    return n + 1\n")).passed for _ in range(5))


def test_threads_share_one_judge(judge: Judge) -> None:
    """Verdicts of several threads do not mix."""
    problem = _problem("for n in range(20):", "    assert candidate(n) == n + 1")

    def outcome(step: int) -> bool:
        return judge(problem, Candidate(f"def f(n):\n    return n + {step}\n")).passed

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(outcome, [1, 2] * 12)) == [True, False] * 12


@pytest.mark.parametrize("tests", ["visible", "plus"])
def test_tests_that_a_problem_lacks_cannot_be_asked_for(judge: Judge, tests: str) -> None:
    """Asking for them is the caller's mistake."""
    with pytest.raises(ValueError, match=f"own/0 has no {tests} tests"):
        judge(_problem(), Candidate(""), tests=tests)  # type: ignore[arg-type]


def test_each_set_of_tests_is_run_for_itself(judge: Judge) -> None:
    """Visible, base and plus tests are told apart."""
    check = "def check(candidate):\n    assert candidate() == {}\n"
    problem = Problem("own/2", "", "f", check.format(1), visible=check.format(2), plus=check.format(3))
    candidate = Candidate("def f():\n    return 3\n")
    assert not judge(problem, candidate).passed
    assert not judge(problem, candidate, tests="visible").passed
    assert judge(problem, candidate, tests="plus").passed


def test_numpy_is_there_where_a_problem_asks_for_it(judge: Judge) -> None:
    """In the tests and in the candidate, and its numbers compare as they would in one process."""
    pytest.importorskip("numpy")
    problem = _problem("import numpy as np", "assert np.allclose(candidate([1, 2]), 1.5)")
    problem = replace(problem, requires=("numpy",))
    verdict = judge(problem, Candidate("import numpy as np\ndef f(x):\n    return np.mean(np.array(x))\n"))
    assert verdict.passed, _why(verdict)


def test_a_candidate_may_use_numpy_unasked(judge: Judge) -> None:
    """Where it is installed; its numbers equal plain ones, its arrays do not equal lists but can be made some."""
    pytest.importorskip("numpy")
    source = "import numpy as np\ndef f(n):\n    return {}\n"
    assert judge(_problem(), Candidate(source.format("np.int64(n) + np.int8(1)"))).passed
    assert judge(_problem("assert candidate(1) is True"), Candidate(source.format("np.bool_(True)"))).passed
    assert not judge(_problem("assert candidate(1) == [1, 2]"), Candidate(source.format("np.array([1, 2])"))).passed
    assert judge(_problem("assert [*candidate(1)] == [1, 2]"), Candidate(source.format("np.array([1, 2])"))).passed
    assert judge(_problem(), Candidate(source.format("np.longdouble(2)"))).outcome is Outcome.WRONG  # no plain one
    for imported in ("import math, numpy as np", "try: import numpy as np\nfinally: pass", "np = __import__('numpy')"):
        assert judge(_problem(), Candidate(f"{imported}\ndef f(n):\n    return np.int64(n) + 1\n")).passed


@pytest.mark.parametrize(
    ("tests", "total"),
    [
        ("def check(add):\n    assert add(1, 2) == 3\n\ncheck(add)\n", 1),
        (
            "def check(candidate):\n    assert candidate(1, 2) == 3\n\n"  # noqa: ISC004 - one program
            "def test_check():\n    check(add)\n\ntest_check()\n",
            1,
        ),
        ("X = add(0, 0)\ndef check(candidate):\n    assert candidate(1, 2) == 3 + X\n", 1),
        ("assert add(0, 1) == 1\ndef check(candidate):\n    assert candidate(1, 2) == 3\n", 2),
        ("def right(a, b):\n    return 3\ndef check(f):\n    assert f(1, 2) == 3\ncheck(right)\n", 2),
        (
            "def check(f):\n    if f(1, 2) != 3: raise KeyError\n    assert f(1, 2)\n"  # noqa: ISC004 - one program
            "try: check(add)\nexcept KeyError: pass\n",
            1,
        ),
    ],
    ids=["HumanEvalPack", "MultiPL-E", "a value", "an assertion", "a check of their own", "a check under a handler"],
)
def test_tests_may_call_the_function_while_they_are_loaded(judge: Judge, tests: str, total: int) -> None:
    """What they check themselves is not checked twice, and what goes wrong there is the candidate's doing."""
    problem = Problem("own/loading", "", "add", tests)
    verdict = judge(problem, Candidate("def add(x, y):\n    return x + y\n"))
    assert (verdict.passed, verdict.assertions_total) == (True, total), _why(verdict)
    for wrong in ("def add(x, y):\n    return 7\n", "def add(x, y):\n    raise KeyError(x)\n", "add = 1", "1 / 0"):
        assert judge(problem, Candidate(wrong)).outcome in (Outcome.WRONG, Outcome.CRASHED)


def test_a_check_that_has_nothing_passed_to_it_calls_the_function_by_name(judge: Judge) -> None:
    """As tests made from examples do."""
    problem = Problem("own/named", "", "add", "def check():\n    assert add(1, 2) == 3\n")
    assert judge(problem, Candidate("def add(x, y):\n    return x + y\n")).passed
    assert not judge(problem, Candidate("def add(x, y):\n    return x - y\n")).passed


def test_tests_that_cannot_be_put_across_are_a_fault(judge: Judge) -> None:
    """That says nothing of the candidate."""
    with pytest.raises(SandboxFault, match="cannot be compiled"):
        judge(_problem("assert ("), Candidate("f = 1"))
    with pytest.raises(SandboxFault, match="requires the module 'no_such', which is not installed"):
        judge(replace(_problem(), tests="import no_such"), Candidate("f = 1"))
    with pytest.raises(SandboxFault, match="define no check"):
        judge(replace(_problem(), tests="x = 1"), Candidate("f = 1"))


def test_random_bytes_as_answers_never_pass() -> None:
    """A child that answers with noise is found out, each time."""
    checker = Checker()
    checker.learn("k", "", _problem("assert candidate(1) == 2", "assert candidate(2) is not None").tests, "f")
    dice = random.Random(3)  # noqa: S311 - the same noise each time
    for _ in range(300):
        here, there = socket.socketpair()
        with here, there:
            noise = dice.randbytes(dice.randrange(1, 80))
            framed = len(noise).to_bytes(4, "big") + noise
            there.sendall(b'\x00\x00\x00\x0a["loaded"]' + dice.choice([noise, framed, framed * 3]))
            there.shutdown(socket.SHUT_WR)
            assert checker.judge("k", Channel(here))["outcome"] != "passed"


_TESTCASE = """
import unittest
from unittest.mock import patch
class TestCases(unittest.TestCase):
    def test_mocked(self):
        with patch('os.getcwd', return_value='x'):
            self.assertEqual(f(), 'x')
    def test_written(self):
        with open('note.txt', 'w') as note:
            note.write('y')
        self.assertTrue(os.path.exists('note.txt'))
"""


def test_tests_that_need_the_module_run_beside_it(judge: Judge, tmp_path: Path) -> None:
    """Mocks work, a scratch folder can be written in, nothing else can, and the verdict says how it came about."""
    problem = Problem("own/3", "", "f", _TESTCASE, preamble="import os\n", isolation="in-process")
    right = judge(problem, Candidate("def f():\n    return os.getcwd()\n"))
    wrong = judge(problem, Candidate("def f():\n    return 'z'\n"))
    exits = judge(problem, Candidate("def f():\n    os._exit(0)\n"))
    writes = judge(problem, Candidate(f"open({str(tmp_path / 'x')!r}, 'w')\ndef f():\n    return os.getcwd()\n"))
    assert (right.outcome, right.isolation, right.assertions_total) == (Outcome.PASSED, "in-process", 2)
    assert (wrong.outcome, wrong.assertions_passed) == (Outcome.WRONG, 1)
    assert "'z' != 'x'" in wrong.failures[0].summary
    assert exits.outcome is Outcome.CRASHED
    assert writes.outcome is Outcome.CRASHED
    assert not list(tmp_path.iterdir())


def test_a_slow_reference_is_asked_but_once_and_its_answers_stay_as_they_are(judge: Judge) -> None:
    """Later candidates meet the answers that the first one met, whatever became of those."""
    tests = (
        "import time\nasked = []\n"
        "def expected(n):\n    asked.append(n)\n    time.sleep(0.02)\n    return [n]\n"
        "def check(candidate):\n"
        "    for n in (1, 2, 1):\n"
        "        wanted = expected(n)\n        assert candidate(n) == wanted\n        wanted.append(0)\n"
        "    assert len(asked) == candidate(len(asked))[0]\n    assert not asked\n"
    )
    problem = Problem("own/0", "", "f", tests)
    # The first time to ask, with nothing compared; from then on it is known.
    assert all(judge(problem, Candidate("def f(n):\n    return [n]\n")).passed for _ in range(2))


@pytest.mark.parametrize(
    ("deed", "why"),
    [
        ("for n in range(2000): open(str(n), 'w').close()", "too many or too large files"),
        ("for _ in range(3000): os.mkdir('d'); os.chdir('d')", "too many or too large files"),
        ("for _ in range(99): os.mkdir('d' * 200); os.chdir('d' * 200)", "too many or too large files"),
        ("for n in range(9): open(str(n), 'wb').write(bytes(15 << 20))", "too many or too large files"),
        (
            "import threading as t; t.stack_size(65536); [t.Thread(target=t.Event().wait).start() for _ in range(400)]",
            "more than 256 threads",
        ),
    ],
)
def test_what_no_lock_bounds_is_watched(plain_judge: Judge, deed: str, why: str) -> None:
    """Files in the scratch folder and threads: who has too many is stopped, and told so."""
    problem = Problem("own/4", "", "f", "def check(f): assert f() is None", isolation="in-process")
    verdict = plain_judge(problem, Candidate(f"import os, time\ndef f():\n    {deed}\n    time.sleep(1)\n"))
    assert (verdict.outcome, verdict.failures[0].summary) == (Outcome.CRASHED, f"the process was stopped: {why}")


@pytest.mark.parametrize(
    "deed",
    [
        "here = os.getcwd(); os.rename(here, here + 'x'); os.symlink({victim!r}, here)",
        "here = os.getcwd(); os.chdir('..'); os.rmdir(here); os.symlink({victim!r}, here)",
        "os.symlink({victim!r}, 'x'); os.chmod('x', 0); os.symlink('.', 'y'); os.mkdir('z', 0)",
        "os.mkdir('../other')",
        "os.link({victim!r} + '/kept', 'x')",
    ],
)
def test_what_is_removed_afterwards_is_the_scratch_folder_alone(plain_judge: Judge, deed: str, tmp_path: Path) -> None:
    """A folder that was exchanged for a link to another one, or that tests put links in, costs nobody a file."""
    victim = tmp_path / "victim"
    victim.mkdir(mode=0o750)
    (victim / "kept").mkdir(mode=0o500)
    problem = Problem("own/5", "", "f", "def check(f): assert f() is None", isolation="in-process")
    for _ in range(2):
        plain_judge(problem, Candidate(f"import os\ndef f():\n    {deed.format(victim=str(victim))}\n"))
    assert (victim / "kept").is_dir()
    assert [stat.S_IMODE(path.stat().st_mode) for path in (victim, victim / "kept")] == [0o750, 0o500]
    left = Path(plain_judge._pool.factory("in-process", ())._server.scratch).iterdir()
    assert all((path.name in ("files", "canary") or path.name.isdigit()) and not path.is_symlink() for path in left)


def test_an_odd_working_folder_and_path_make_no_difference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Modules that lie about by the names of ours or of the library are not imported."""
    for name in ("json", "typing", "socket", "pytest_koderz", "resource", "ctypes"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('the wrong module')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", ["", str(tmp_path), "/no/such/folder", *sys.path])
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("PYTHONHOME", os.devnull)
    with open_sandbox() as judge:
        assert judge(_problem(), Candidate("import json, typing\ndef f(n):\n    return n + 1\n")).passed


def test_the_levels_are_told_and_strict_refuses_gaps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each verdict says which locks held; without one of them a strict judge does not open."""
    with open_sandbox() as judge:
        levels = judge.levels
        verdict = judge(_problem(), Candidate("def f(n):\n    return 2\n"))
    assert (verdict.isolation, verdict.locks) == (levels.isolation, levels.host)
    assert (levels.host == "landlock+seccomp") == (not levels.missing)
    monkeypatch.setattr("pytest_koderz.sandbox.process_pool.ChildFactory.missing", lambda _: ("landlock",))
    with pytest.raises(UsageError, match="lacks landlock"):
        open_sandbox(strict=True)


def test_drawn_inputs_are_the_same_for_each_candidate(judge: Judge) -> None:
    """A prompt with the failure in it is then the same in every run, which resume and replay rest on."""
    tests = "from random import randint\ndef check(candidate):\n    assert candidate(randint(0, 10**12)) == -1\n"
    problem = Problem("own/drawn", "def f(n): ...", "f", tests)
    told = [judge(problem, Candidate(f"def f(n): return n + {extra} - {extra}")).failures for extra in range(3)]
    assert told[0] == told[1] == told[2]
    assert "randint" not in told[0][0].summary


_DRAWN = "def check(f):\n    import random\n    drawn = random.random()\n    raise AssertionError(f'drawn {drawn}')\n"


def test_draws_are_those_of_the_secret_alone() -> None:
    """Wherever a test imports what it draws with, in both modes; nothing that is public tells what it will draw."""
    told = []
    for secret in ("one", "one", "another", None):
        with open_sandbox(draws=secret) as judge:
            for isolation in get_args(Isolation):
                problem = Problem("own/drawn", "", "f", _DRAWN, isolation=isolation)
                told.append(judge(problem, Candidate("import random\ndef f(n): return n\n")).failures[0].summary)
    assert told[:2] == told[2:4]
    assert len(set(told)) == 3
    assert all("drawn 0." in text for text in told)
    assert not any("drawn 0.8444218515250481" in text for text in told)


def test_numpy_draws_by_the_secret_too() -> None:
    """Once it is imported, or will be."""
    numpy = pytest.importorskip("numpy")
    drawn = []
    for seed in (seed_of("one", "tests"), seed_of("one", "tests"), seed_of("one", "others")):
        seed_draws(seed, "import numpy")
        drawn.append(numpy.random.rand())
    assert drawn[0] == drawn[1] != drawn[2]


def test_a_failure_reads_the_same_in_each_run() -> None:
    """What a model is told, and with it what it answers, depends on it: addresses and the order of sets do not."""
    told = []
    for _ in range(2):
        with open_sandbox() as judge:
            words = Candidate("def f(x):\n    return [list({'one', 'two', 'three', 'four', 'five'}), f, object()]")
            raised = Candidate("def f(x):\n    raise ValueError(object())")
            told.append([judge(_problem(), each).failures for each in (words, raised)])
    assert told[0] == told[1]
    assert "<object object at 0x...>" in told[0][1][0].summary


def test_output_that_its_writer_takes_back_is_not_waited_for() -> None:
    """It was seen to be there, and is gone."""
    child = ForkedProcess.__new__(ForkedProcess)
    child.out, written = os.pipe()
    child.err, other = os.pipe()
    child.requests = None
    output = CapturedOutput(child)
    output._read(child.out)
    os.write(written, b"x")
    assert output.texts() == ("x", "")
    for number in (child.out, child.err, written, other):
        os.close(number)


def test_a_name_that_looks_like_a_figure_is_none(judge: Judge) -> None:
    """A process chooses its name, which stands before its memory."""
    named = "import ctypes\nctypes.CDLL(None).prctl(15, b'VmHWM: 1 kB', 0, 0, 0)\n"
    verdict = judge(_problem(), Candidate(named + "def f(n):\n    return n + 1\n"))
    assert verdict.peak_rss_bytes is None or verdict.peak_rss_bytes > 1 << 20


def test_output_can_be_wrapped_anew(judge: Judge) -> None:
    """As many programs do for its encoding; it is a pipe, in which nothing can be sought."""
    wrapped = "import io, sys\nsys.stdout = io.TextIOWrapper(sys.stdout.buffer, encoding='utf-8')\n"
    verdict = judge(_problem(), Candidate(wrapped + "def f(n):\n    print('said')\n    return n + 1\n"))
    assert verdict.failures == ()
    assert verdict.stdout.startswith("said\n")


@pytest.mark.parametrize(
    ("source", "passed"),
    [
        ("def f(n):\n    if n == 1: return 2\n    raise unittest.SkipTest\n", False),
        (
            "class X(unittest.TestCase):\n    def test(self): pass\n\n"  # noqa: ISC004 - one program
            "def load_tests(loader, tests, pattern): return loader.loadTestsFromTestCase(X)\ndef f(n): return 0\n",
            False,
        ),
        ("class X(unittest.TestCase):\n    def test(self): self.fail()\ndef f(n): return n + 1\n", True),
    ],
)
def test_beside_a_candidate_the_problems_own_tests_decide(judge: Judge, source: str, passed: bool) -> None:
    """Whatever the candidate skips or brings along."""
    tests = (
        "import unittest\nclass T(unittest.TestCase):\n    def test_one(self): self.assertEqual(f(1), 2)\n"
        "    def test_ten(self): self.assertEqual(f(10), 11)\n"
        "    @unittest.skip('not here')\n    def test_nothing(self): self.fail()\n"
    )
    problem = Problem("own/6", "", "f", tests, isolation="in-process")
    assert judge(problem, Candidate("import unittest\n" + source)).passed is passed
