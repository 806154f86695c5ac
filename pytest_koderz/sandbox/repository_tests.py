"""A repository's own tests, run against a candidate in its place: what came of them, and the verdict."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from pytest_koderz.core.edits import Unapplied, edited_module
from pytest_koderz.core.errors import SandboxFault
from pytest_koderz.core.place import FunctionPlace, Misplaced, ModuleText, tests_of

from .answer_format import failure_of
from .candidate_run import CandidateRun, TestsFault
from .channel import Channel, Gone, MalformedMessage
from .child_factory import ChildFactory
from .deadline import CapturedOutput, Stopwatch
from .fork_server import ForkedProcess
from .repository_copy import RepositoryCopy, needed_by_pytest
from .repository_trials import TrialsBench
from .resources import ExitStatus, resource_use_of
from .tampering import tampering_in

TAMPERING = "tampering: it "
"""Begins what is said of a candidate that does something else than to answer."""
_LARGEST = 1 << 24
_LONGEST_WORDS = 200
_REST_SECONDS = 5.0
_PLACING_SECONDS = 30.0
_WATCHED_SLACK = 8
"""How many times as long a run may take in which all that is called is looked at."""
_WORDS = frozenset({"passed", "failed", "skipped"})
_NOTHING = {"summary": "the process ended", "assertion": None, "explanation": None, "exception": None, "line": None}


@dataclass(frozen=True, slots=True)
class TestsRun:
    """What came of some tests."""

    __test__ = False

    words: Mapping[str, str]
    """By node id: passed, failed or skipped; of the others nothing was reported."""
    durations: Mapping[str, float]
    """Seconds, by node id."""
    failures: Sequence[Mapping[str, Any]]
    """The first ones, as a verdict has them."""
    tampering: Sequence[str]
    whole: bool
    """pytest came to its end."""
    timed_out: bool
    seconds: float
    exit_status: ExitStatus
    stdout: str = ""
    stderr: str = ""


class Repository:
    """A copy of a repository, and processes that run its tests there. Several threads may ask."""

    def __init__(self, place: FunctionPlace, memory_limit: int) -> None:
        self._copy = RepositoryCopy(place)
        self._memory_limit = memory_limit
        self._trials: ChildFactory | None = None
        self._lock = threading.Lock()
        try:
            if needed := needed_by_pytest(self._copy.packages):
                raise TestsFault(f"pytest itself needs the repository's {needed[0]}", unsendable=False)
            self._factory = ChildFactory(self._copy.settings(memory_limit))
            self._check_locks()
        except SandboxFault:
            self.close()
            raise
        self._modules: dict[str, ModuleText] = {}

    def close(self) -> None:
        with suppress(AttributeError):  # it was never made
            self._factory.close()
        if self._trials:
            self._trials.close()
        self._copy.close()

    @property
    def alive(self) -> bool:
        return self._factory.alive

    def let_go(self) -> None:
        self._factory.let_go()

    def module(self, file: str) -> ModuleText:
        """One of its modules as it is. Raises SandboxFault where it cannot be read."""
        if file not in self._modules:
            try:
                self._modules[file] = ModuleText((self._copy.root / file).read_text(encoding="utf-8-sig"))
            except (OSError, ValueError) as error:
                raise SandboxFault(f"{file} of the repository cannot be read: {error}") from None
        return self._modules[file]

    def bench(self, ids: Sequence[str]) -> TrialsBench:
        """A process that has collected these tests and tries versions of functions on some of them.

        It may fork, so it is for what the harness has made of the repository's own code, and never for a candidate.
        """
        with self._lock:
            if self._trials is None:
                self._trials = ChildFactory({**self._copy.settings(self._memory_limit), "forking": True})
        return TrialsBench(self._trials, self._order("", (), "", ids, 0) | {"first": False})

    def path_of(self, file: str) -> str:
        """Where the tests find it."""
        return str(self._copy.root / file)

    def judge(
        self, place: FunctionPlace, candidate: str, tests: str, seed: int, seconds: float, *, at_once: bool = False
    ) -> CandidateRun:
        """The candidate's run: where all tests pass they are run again, and all that it does is looked at.

        *at_once*: it is looked at the first time, which takes longer where it does not pass.
        """
        module, ids = self.module(place.file), tests_of(tests)
        if place.qualname not in module.functions:
            raise TestsFault(f"{place.file} defines no {place.qualname}", unsendable=False)
        try:
            answer = edited_module(module, place.qualname, candidate, place.file, place.earlier)
            filled = module.filled(place.qualname, answer)
            compile(filled.source, place.file, "exec", dont_inherit=True)
        except (Misplaced, Unapplied, SyntaxError, ValueError) as fault:
            return _refused(str(fault) or type(fault).__name__)
        if words := tampering_in(answer, module.source):
            return _refused(TAMPERING + words)

        def run(*, watched: bool) -> TestsRun:
            limit = seconds * (_WATCHED_SLACK if watched else 1)
            order = self._order(filled.source, filled.written, place.file, ids, seed)
            return self._taken(order | {"first": True, "watched": watched, "answered": place.qualname}, limit)

        first = run(watched=at_once)
        if _passed(first, ids) and not at_once and not _passed(watched := run(watched=True), ids):
            return _candidate_run(watched, ids, first.seconds)
        return _candidate_run(first, ids, first.seconds)

    def run(
        self,
        source: str,
        written: Sequence[tuple[int, int]],
        file: str,
        ids: Sequence[str],
        seed: int,
        seconds: float,
        *,
        first: bool = False,
    ) -> TestsRun:
        """The tests *ids* in this order, with *source* as *file*; an empty name leaves all files as they are.

        *first*: up to the first failure. Raises SandboxFault.
        """
        return self._taken(self._order(source, written, file, ids, seed) | {"first": first}, seconds)

    def _taken(self, order: dict[str, Any], seconds: float) -> TestsRun:
        with self._factory.child() as child:
            return _watched(child, order, seconds)

    def _order(
        self, source: str, written: Sequence[tuple[int, int]], file: str, ids: Sequence[str], seed: int
    ) -> dict[str, Any]:
        root = self._copy.root
        files = list(dict.fromkeys(name.partition("::")[0] for name in ids))
        conftests = [str(path) for path in root.rglob("conftest.py")]
        return {
            "root": str(root),
            "path": str(root / file) if file else "",
            "source": source,
            "written": [list(part) for part in written],
            "ids": list(ids),
            "files": files,
            "tests_files": [*(str(root / name) for name in files), *conftests],
            "options": list(self._copy.place.options),
            "imports": [str(root / folder) for folder in self._copy.place.imports],
            "hypothesis": self._copy.uses_hypothesis,
            "packages": list(self._copy.packages),
            "seed": seed,
            "watched": False,
            "answered": "",
        }

    def _check_locks(self) -> None:
        self.missing = self._factory.missing()
        """Names of the locks that this system lacks."""
        if "private mounts" in self.missing:
            raise SandboxFault("a repository's tests need mounts of their own, which this system does not allow")


def _watched(child: ForkedProcess, order: dict[str, Any], seconds: float) -> TestsRun:
    channel = Channel(child.sock, _LARGEST, objects=True)
    _place(channel, order)
    channel.deadline = None
    output, watch = CapturedOutput(child), Stopwatch(seconds, child.pid)
    in_time = output.until(child.sock, watch)
    usage, taken = resource_use_of(child.pid), watch.seconds
    told: dict[str, Any] = {}
    if in_time:
        channel.deadline = time.monotonic() + _REST_SECONDS
        with suppress(Gone, MalformedMessage):
            told = _answer(channel)
    exit_status = ExitStatus(usage) if usage and told else child.exit_status()
    tests = told.get("tests", [])
    return TestsRun(
        words={name: word for name, word, _ in tests},
        durations={name: spent for name, _, spent in tests},
        failures=told.get("failures", []),
        tampering=told.get("tampering", []),
        whole=told.get("whole", False),
        timed_out=not in_time,
        seconds=taken,
        exit_status=exit_status,
        **dict(zip(("stdout", "stderr"), output.texts(), strict=True)),
    )


def _place(channel: Channel, order: dict[str, Any]) -> None:
    """Raises SandboxFault where the child cannot put the file in its place and be held."""
    try:
        channel.send(order)
        channel.deadline = time.monotonic() + _PLACING_SECONDS
        placed = channel.recv()
    except (Gone, MalformedMessage) as error:
        raise SandboxFault(f"a process of the sandbox could not put the candidate in its place: {error}") from None
    if placed != ["placed"]:
        raise SandboxFault("a process of the sandbox could not put the candidate in its place")


def _answer(channel: Channel) -> dict[str, Any]:
    """What the child tells, once it is asked with what nobody could know. Raises Gone or MalformedMessage."""
    if channel.recv() != ["ended"]:
        raise MalformedMessage("an answer that nobody asked for")
    token = secrets.token_hex()
    channel.send(token)
    told = channel.recv()
    if type(told) is not dict or told.get("token") != token:
        raise MalformedMessage("no answer")
    return {
        "tests": [_test(each) for each in _list(told, "tests")],
        "failures": [_failure(each) for each in _list(told, "failures")[:5]],
        "tampering": [_words(each) for each in _list(told, "tampering")[:20]],
        "whole": told.get("whole") is True,
    }


def _list(told: dict[str, Any], name: str) -> list[Any]:
    value = told.get(name)
    if type(value) is not list:
        raise MalformedMessage(f"no {name}")
    return value


def _test(told: Any) -> tuple[str, str, float]:
    if type(told) is not list or len(told) != 3 or type(told[0]) is not str:
        raise MalformedMessage("no test")
    if type(told[1]) is not str or told[1] not in _WORDS:
        raise MalformedMessage("no outcome")
    if type(told[2]) not in (int, float) or not 0 <= told[2] < 1e6:
        raise MalformedMessage("no seconds")
    return told[0], told[1], float(told[2])


def _failure(told: Any) -> dict[str, Any]:
    if type(told) is dict and type(told.get("summary")) is str and not told["summary"].partition("\n")[0].strip():
        told = {**told, "summary": "it failed"}
    return {**failure_of(told), "line": None}  # of whichever file


def _words(told: Any) -> str:
    if type(told) is not str:
        raise MalformedMessage("no words")
    return " ".join(told[:_LONGEST_WORDS].split())


def _passed(run: TestsRun, ids: Sequence[str]) -> bool:
    """Every one of these tests, no other, and nothing else was done."""
    passed = bool(ids) and all(run.words.get(name) == "passed" for name in ids) and len(run.words) == len(ids)
    return passed and run.whole and not run.timed_out and not run.tampering


def _candidate_run(run: TestsRun, ids: Sequence[str], seconds: float) -> CandidateRun:
    outcome = "passed" if _passed(run, ids) else "wrong"
    failures = [] if outcome == "passed" else _failures(run, ids)
    if failures and not run.tampering and failures[0]["exception"]:
        outcome = "crashed"
    if not run.whole and outcome != "passed":
        outcome = "crashed"
    passed = sum(run.words.get(name) == "passed" for name in ids)
    total = len(ids) if run.whole else None
    answer = {"outcome": outcome, "passed": passed, "total": total, "failures": failures}
    return CandidateRun(answer, run.timed_out, seconds, run.exit_status, run.stdout, run.stderr)


def _failures(run: TestsRun, ids: Sequence[str]) -> list[dict[str, Any]]:
    if run.tampering:
        return [_said(TAMPERING + words) for words in run.tampering[:5]]
    if run.failures:
        of_tests = [dict(each) for each in run.failures if each["assertion"] in ids]
        return of_tests or [dict(each) for each in run.failures]
    if not run.whole:
        return [dict(_NOTHING)]
    others = [f"{name}: {run.words.get(name, 'not run')}" for name in ids if run.words.get(name) != "passed"]
    return [_said(f"not all tests passed: {', '.join(others[:3])}")]


def _said(words: str) -> dict[str, Any]:
    return {**_NOTHING, "summary": words}


def _refused(words: str) -> CandidateRun:
    """What is not run at all."""
    answer = {"outcome": "crashed", "passed": 0, "total": None, "failures": [_said(words)]}
    return CandidateRun(answer, False, 0.0, ExitStatus(), "", "")
