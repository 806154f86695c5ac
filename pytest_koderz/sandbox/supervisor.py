"""The judge itself: problem and candidate in, verdict out."""

from __future__ import annotations

import os
import re
import secrets
import threading
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from hashlib import sha256
from importlib.util import find_spec
from types import TracebackType
from typing import Any, Literal, Self

from pytest_koderz.core.errors import SandboxFault
from pytest_koderz.core.iteration import Candidate, Failure, Outcome, Verdict
from pytest_koderz.core.place import FunctionPlace
from pytest_koderz.core.problem import Isolation, Problem, TestSet
from pytest_koderz.files.usage_error import UsageError

from .candidate_run import CandidateRun, TestsFault, run_in_process
from .crossing import stays_inside
from .draws import seed_of
from .fork_server import ForkedProcess
from .process_pool import ProcessPool
from .tests_text import modules_of, why_unreadable

Host = Literal["landlock+seccomp", "partial", "none"]
_ADDRESS = re.compile(r" at 0x[0-9A-Fa-f]+>")
"""Of an object without a form of its own."""
_SLACK = 10
"""How many times as long as the canonical solution a candidate may take."""
_CAP = 10
"""How many times the usual limit any candidate may take, at the most."""


@dataclass(frozen=True, slots=True)
class Levels:
    """What holds: the isolation of a verdict, and which locks the kernel adds to it."""

    isolation: Isolation
    host: Host
    missing: tuple[str, ...] = ()
    """Names of the layers that this system lacks."""


def host_of(missing: Iterable[str]) -> Host:
    lacking = set(missing)
    if not lacking:
        return "landlock+seccomp"
    return "none" if {"landlock", "seccomp"} <= lacking else "partial"


class Judge:
    """The sandbox: a callable that judges candidates. Threads may share it; each verdict has processes of its own."""

    def __init__(self, timeout: float, memory_limit: int, *, strict: bool, draws: str | None = None) -> None:
        self.timeout = timeout
        self._draws = secrets.token_hex() if draws is None else draws
        self._limits: dict[str, float] = {}
        self._insiders: dict[str, bool] = {}
        """Whether tests need the candidate's own process, as far as their text alone does not tell."""
        self._free = threading.BoundedSemaphore(max(2, os.cpu_count() or 1))
        self._pool = ProcessPool(memory_limit)
        self._levels: Levels | None = None
        if strict:
            self._refuse_gaps()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End all processes of the judge."""
        self._pool.close()

    @property
    def levels(self) -> Levels:
        """What holds a candidate here. Raises SandboxFault where no process can be started."""
        if self._levels is None:
            missing = self._pool.factory("process-separated", ()).missing()
            self._levels = Levels("process-separated", host_of(missing), missing)
        return self._levels

    def __call__(self, problem: Problem, candidate: Candidate, tests: TestSet = "base") -> Verdict:
        """Run *candidate* against one set of the problem's tests, beside it where what they see could not be sent.

        Raises ValueError where the problem has no such set, and SandboxFault where no verdict can be had.
        """
        source = problem.source_of(tests)
        if source is None:
            raise ValueError(f"{problem.id} has no {tests} tests")
        with self._free:
            if problem.place is not None:
                return self._patiently(replace(problem, isolation="in-process"), source, candidate)
            if stays_inside(problem, source) or self._insiders.get(_key(problem, source)):
                problem = replace(problem, isolation="in-process")
            if problem.isolation == "in-process":
                return self._patiently(problem, source, candidate)
            return self._apart(problem, source, candidate)

    def _apart(self, problem: Problem, tests: str, candidate: Candidate) -> Verdict:
        """The verdict across two processes, unless nobody's could be right there."""
        try:
            verdict = self._patiently(problem, tests, candidate)
        except TestsFault as fault:
            if not self._needs_inside(problem, tests, fault.unsendable):
                raise
        else:
            if verdict.passed and candidate.source == problem.canonical_solution:
                self._insiders.setdefault(_key(problem, tests), False)
            if verdict.passed or not self._needs_inside(problem, tests):
                return verdict
        return self._patiently(replace(problem, isolation="in-process"), tests, candidate)

    def _needs_inside(self, problem: Problem, tests: str, unsendable: bool = False) -> bool:
        """Whether it is *unsendable* what the tests pass, or the canonical solution passes beside them alone."""
        if problem.canonical_solution is None:
            return unsendable
        key = _key(problem, tests)
        if key not in self._insiders:
            self._insiders[key] = self._passes_inside_alone(problem, tests, problem.canonical_solution)
        return self._insiders[key]

    def _passes_inside_alone(self, problem: Problem, tests: str, source: str) -> bool:
        with suppress(TestsFault):
            verdict = self._patiently(problem, tests, Candidate(source))
            if verdict.passed or not (verdict.failures or verdict.outcome is Outcome.TIMED_OUT):
                return False  # where nothing fails, there is no assertion
        return self._patiently(replace(problem, isolation="in-process"), tests, Candidate(source)).passed

    def _patiently(self, problem: Problem, tests: str, candidate: Candidate) -> Verdict:
        """With more time than usual where the canonical solution needs it."""
        verdict = self._within(problem, tests, candidate, self._limit_of(problem, tests))
        if verdict.outcome is Outcome.TIMED_OUT and self._measured(problem, tests):
            verdict = self._within(problem, tests, candidate, self._limit_of(problem, tests))
        return verdict

    def _limit_of(self, problem: Problem, tests: str) -> float:
        return self._limits.get(_key(problem, tests), self.timeout)

    def _measured(self, problem: Problem, tests: str) -> bool:
        """Measure the canonical solution, once; True where it shows that candidates need more time than they had."""
        key = _key(problem, tests)
        if key in self._limits or problem.canonical_solution is None:
            return False
        verdict = self._within(problem, tests, Candidate(problem.canonical_solution), _CAP * self.timeout)
        self._limits[key] = min(max(self.timeout, _SLACK * verdict.seconds), _CAP * self.timeout)
        return self._limits[key] > self.timeout

    def _within(self, problem: Problem, tests: str, candidate: Candidate, seconds: float) -> Verdict:
        try:
            return self._judged(problem, tests, candidate, seconds)
        except TestsFault:
            raise
        except SandboxFault:
            self._pool.renew()
            return self._judged(problem, tests, candidate, seconds)

    def _judged(self, problem: Problem, tests: str, candidate: Candidate, seconds: float) -> Verdict:
        if problem.place is not None:
            return self._in_its_place(problem.place, problem, tests, candidate, seconds)
        factory = self._pool.factory(problem.isolation, _requires(problem, tests, candidate))
        with factory.child() as child:
            run = self._run(child, problem, tests, candidate.source, seconds)
        return _verdict_of(run, seconds, problem.isolation, host_of(child.missing))

    def _in_its_place(
        self, place: FunctionPlace, problem: Problem, tests: str, candidate: Candidate, seconds: float
    ) -> Verdict:
        seed = seed_of(self._draws, _key(problem, tests))
        with self._pool.repository(place) as repository:
            run = repository.judge(place, candidate.source, tests, seed, seconds)
            return _verdict_of(run, seconds, "in-process", host_of(repository.missing))

    def _run(self, child: ForkedProcess, problem: Problem, tests: str, source: str, seconds: float) -> CandidateRun:
        if problem.isolation == "in-process" and (why := why_unreadable(tests)):
            raise TestsFault(f"the tests cannot be compiled: {why}", unsendable=False)
        key = _key(problem, tests)
        seed = seed_of(self._draws, key)
        if problem.isolation == "in-process":
            return run_in_process(child, [problem.preamble, source, tests, problem.entry_point, seed], seconds)
        with self._pool.checker() as checker:
            checker.learn(key, problem.preamble, tests, problem.entry_point)
            load = ["load", problem.preamble, source, problem.entry_point]
            return checker.judge(child, key, load, seed, seconds)

    def _refuse_gaps(self) -> None:
        try:
            missing = self.levels.missing
        except SandboxFault:
            self.close()
            raise
        if missing:
            self.close()
            raise UsageError(
                f"sandbox: strict, but this system lacks {', '.join(missing)}; run where it is there (a newer Linux,"
                " another container), or set `strict: false` under `sandbox:` in koderz.yaml"
            )


def _requires(problem: Problem, tests: str, candidate: Candidate) -> tuple[str, ...]:
    """What must be importable: where numpy is installed, a candidate may use it unasked.

    Raises TestsFault where tests that are run beside the candidate import what is not there.
    """
    required = {*problem.requires, *(modules_of(tests) if problem.isolation == "in-process" else ())}
    for name in required:
        if not find_spec(name):
            raise TestsFault(f"the problem requires the module {name!r}, which is not installed", unsendable=False)
    if "numpy" in candidate.source and _imports_numpy(candidate.source) and find_spec("numpy"):
        required.add("numpy")
    return tuple(required)


def _imports_numpy(source: str) -> bool:
    """Rather too often than not: where a program speaks of it without need, that costs but the start of a server."""
    return any("numpy" in line and "import" in line for line in source.splitlines())


def _key(problem: Problem, tests: str) -> str:
    place = problem.place
    where = () if place is None else (place.root, place.digest, place.commit, place.file, place.qualname)
    parts = problem.preamble, tests, problem.entry_point, *where
    return sha256("\0".join(parts).encode(errors="surrogatepass")).hexdigest()


def _verdict_of(run: CandidateRun, limit: float, isolation: Isolation, locks: str) -> Verdict:
    answer: dict[str, Any] = run.answer or {"passed": 0, "total": None, "failures": []}
    return Verdict(
        Outcome.TIMED_OUT if run.timed_out else Outcome(answer["outcome"]),
        answer["passed"],
        # Only what this run has shown: a total learnt from others would make feedback depend on their order.
        answer["total"],
        tuple(_told(_shown(failure), run, limit) for failure in answer["failures"]),
        run.seconds,
        run.exit_status.usage.cpu_seconds,
        run.exit_status.usage.peak_rss_bytes,
        run.stdout,
        run.stderr,
        isolation,
        locks,
    )


def _shown(failure: dict[str, Any]) -> Failure:
    """*failure* in texts that can be stored anywhere and say nothing to a terminal: a candidate wrote parts of them."""
    texts: dict[str, Any] = {name: _plain(text) for name, text in failure.items() if isinstance(text, str)}
    return Failure(**{**failure, **texts})


def _plain(text: str) -> str:
    """*text* with what cannot be printed in escaped form; lines stay lines. Addresses, which no two runs share, go."""
    text = _ADDRESS.sub(" at 0x...>", text)
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() or each in "\n\t" else ascii(each)[1:-1] for each in text)


def _told(failure: Failure, run: CandidateRun, limit: float) -> Failure:
    """*failure*, where it is the end of the child, in words that say how it came about."""
    if failure.summary != "the process ended":
        return failure
    return replace(failure, summary=f"no answer after {limit:g} s" if run.timed_out else str(run.exit_status))
