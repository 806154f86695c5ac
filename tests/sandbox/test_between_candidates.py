"""One candidate leaves nothing that the next one, or its verdict, would meet."""

from __future__ import annotations

import ast
import keyword
import os
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

import pytest

from pytest_koderz.core.iteration import Candidate, Outcome
from pytest_koderz.core.problem import Isolation, Problem
from pytest_koderz.sandbox import open_sandbox
from pytest_koderz.sandbox.channel import Channel, dumps
from pytest_koderz.sandbox.checker import Checker
from pytest_koderz.sandbox.private_mounts import links_to
from pytest_koderz.sandbox.supervisor import Judge

from .worlds import linux

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


@pytest.mark.slow
@pytest.mark.parametrize(
    "problem",
    [
        pytest.param(_problem("for n in range(45): assert len(candidate(n)) == 8_000_000"), marks=pytest.mark.slow),
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
        assert not judge(problem, Candidate(deep)).passed
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


class _Told(Channel):
    """Stands for a child that answers 2, and notes when it is asked and answers."""

    def __init__(self, events: list[str]) -> None:
        self._events = events

    def send_body(self, body: bytes, descriptors: Sequence[int] = ()) -> None:
        self._events.append("asked")

    def recv_body(self) -> bytes:
        self._events.append("answered")
        return dumps(["returned", [], 2, []] if "asked" in self._events else ["loaded"])


_ASSERTIONS = {
    "plain": "assert candidate(n) == Wanted(n)",
    "turned": "assert Wanted(n) == candidate(n)",
    "negated": "assert not candidate(n) != Wanted(n)",
    "by a function": "assert agrees(candidate(n), *[Wanted(n)])",
    "by one's own variable": "answer = candidate(n)\n        assert answer == Wanted(n)",
}


@pytest.mark.parametrize("assertion", _ASSERTIONS.values(), ids=_ASSERTIONS)
def test_no_answer_is_compared_before_all_are_given(assertion: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor is a failure explained: the time until the next call would tell of the verdict."""
    events: list[str] = []
    monkeypatch.setattr("builtins.events_of_a_test", events, raising=False)
    wanted = (
        "class Wanted:\n    def __init__(self, n): self.n = n\n"
        "    def __eq__(self, other):\n        events_of_a_test.append('compared')\n        return self.n == other\n"
        "    def __repr__(self):\n        events_of_a_test.append('explained')\n        return str(self.n)\n"
        "def agrees(answer, wanted): return answer == wanted\n"
    )
    checker = Checker()
    checker.learn("k", "", f"{wanted}def check(candidate):\n    for n in (1, 2, 3):\n        {assertion}\n", "f")
    told = checker.judge("k", _Told(events))
    assert (told["outcome"], told["passed"], told["total"]) == ("wrong", 1, 3)
    assert events[:7] == ["answered", *["asked", "answered"] * 3]
    assert set(events[7:]) == {"compared", "explained"}


def test_tests_whose_next_call_comes_of_an_answer_ask_for_what_they_have_not_asked(judge: Judge) -> None:
    """Where an assertion itself goes on with what it was given, the answers at hand do not suffice."""
    problem = _problem(
        "waiting = [3, 2, 1]",
        "assert waiting.pop() == candidate(waiting.pop()) - 1",
        "assert all(candidate(n) for n in waiting)",
        "got = [candidate(n) for n in (1, 1, 2)]",
        "assert got == [1, 1, 2] and candidate(got[2]) == 2",
    )
    verdict = judge(problem, Candidate("def f(n): return n"))
    assert (verdict.passed, verdict.assertions_total) == (True, 3)


def test_a_stateful_answer_is_asked_once(judge: Judge) -> None:
    """A call that was made is not made again to be compared, and each gets its own answer in turn."""
    problem = _problem("assert candidate(5) == 1", "assert candidate(5) == 2", "assert candidate(4) == 3")
    source = "count = 0\ndef f(n):\n    global count\n    count += 1\n    print(count)\n    return count\n"
    verdict = judge(problem, Candidate(source))
    assert (verdict.passed, verdict.stdout) == (True, "1\n2\n3\n")


def test_more_answers_than_are_kept_are_asked_for_as_they_are_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is asked twice."""
    monkeypatch.setattr("pytest_koderz.sandbox.proxy._MOST_KEPT", 1)
    events: list[str] = []
    checker = Checker()
    checker.learn("k", "", "def check(candidate):\n    for n in range(5):\n        assert candidate(n) == 2\n", "f")
    assert checker.judge("k", _Told(events))["outcome"] == "passed"
    assert events.count("asked") == 5


@linux
def test_a_file_that_is_read_looks_as_if_it_was_not(judge: Judge) -> None:
    """No candidate tells a later one anything by the time of an access."""
    path = Path(ast.__file__)
    before = path.stat()
    try:
        os.utime(path, ns=(before.st_mtime_ns - 10**15, before.st_mtime_ns))
    except OSError:
        pytest.skip("the library's files are not ours")
    then = path.stat().st_atime_ns
    source = f"def f(n):\n    return n + len(open({str(path)!r}).read())\n"
    for isolation in get_args(Isolation):
        problem = Problem("own/read", "", "f", "def check(f): assert f(0) > 999", isolation=isolation)
        assert judge(problem, Candidate(source)).passed
    if judge.levels.missing:
        pytest.skip(f"the system lacks {judge.levels.missing}")
    assert path.stat().st_atime_ns == then


_SEEN = """
import os
def f(*paths):
    return [path for path in paths if os.path.lexists(path)]
"""


@linux
@pytest.mark.parametrize("isolation", get_args(Isolation))
def test_of_what_may_not_be_read_not_even_the_size_is_seen(judge: Judge, isolation: Isolation, tmp_path: Path) -> None:
    """It is not there, nor is any process but one's own; the library, the small devices and oneself are."""
    if judge.levels.missing:
        pytest.skip(f"the system lacks {judge.levels.missing}")
    (secret := tmp_path / "journal.jsonl").write_text("n")
    hidden = [str(secret), str(tmp_path), "/etc/passwd", "/proc/1", f"/proc/{os.getpid()}", "/proc/stat", "/sys/kernel"]
    seen = [ast.__file__, "/dev/null", "/dev/stdin", "/proc/self/fd/1", "/tmp", "/usr/lib"]  # noqa: S108 - looked for
    problem = Problem("own/seen", "", "f", f"def check(f): assert f(*{hidden + seen}) == {seen}", isolation=isolation)
    verdict = judge(problem, Candidate(_SEEN))
    assert verdict.passed, verdict.failures


@linux
def test_links_on_the_way_to_what_may_be_read_are_found(tmp_path: Path) -> None:
    """By their true places, relative and absolute ones, and links that lead through others."""
    (tmp_path / "usr/lib/py3").mkdir(parents=True)
    for link, target in {"lib": "usr/lib", "usr/lib/py": "py3", "opt": f"{tmp_path}/lib"}.items():
        (tmp_path / link).symlink_to(target)
    root = str(tmp_path.resolve())
    assert dict(links_to(f"{root}/opt/py/ast.py")) == {
        f"{root}/opt": f"{tmp_path}/lib",
        f"{root}/lib": "usr/lib",
        f"{root}/usr/lib/py": "py3",
    }
    assert not dict(links_to(f"{root}/usr/lib/py3"))


_OTHERS_CLOCKS = """
import ctypes, os, time
def f(n):
    for pid in (os.getppid(), os.getpid(), 1):
        for clock in (time.clock_gettime, time.clock_getres):
            try: clock((~pid << 3) | 2)
            except OSError: pass
            else: return "read"
    return [clock() > 0 for clock in (time.time, time.monotonic, time.process_time, time.thread_time)]
"""


@linux
def test_no_clock_of_another_process_is_read(judge: Judge) -> None:
    """One's own are."""
    assert judge(_problem("assert candidate(1) == [True] * 4"), Candidate(_OTHERS_CLOCKS)).passed


_DEEDS = {
    "reads what is not to be imported": "open('/etc/passwd')",
    "looks about": "os.listdir('/')",
    "writes": "open({victim!r}, 'w')",
    "speaks to others": "socket.socket(socket.AF_INET)",
    "starts something": "os.fork()",
    "signals": "os.kill(os.getppid(), 0)",
}


@linux
@pytest.mark.parametrize("deed", _DEEDS.values(), ids=_DEEDS)
def test_what_tests_do_reaches_no_further_than_what_candidates_do(judge: Judge, deed: str, tmp_path: Path) -> None:
    """A data set's own tests are other people's code."""
    victim = tmp_path / "victim"
    problem = _problem(
        f"try: {deed.format(victim=str(victim))}",
        "except OSError as error: assert error.errno in (1, 2, 13, 30), error",
        "else: assert False",
        "open('a', 'w').close()",
        "assert candidate(1) == 1",
        before="import os, socket\n",
    )
    verdict = judge(problem, Candidate("def f(n): return n"))
    assert verdict.passed, verdict.failures
    assert not victim.exists()


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
