"""The part of the judge that lives in the caller's process: it starts the others, sets them to work and starts them again."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from types import TracebackType
from typing import Any

from pytest_koderz.core.errors import SandboxFault
from pytest_koderz.core.iteration import Candidate, Failure, Outcome, Verdict
from pytest_koderz.core.problem import Problem, TestSet

from .lane import Lane, Process, Trial
from .servers import Server

PRELOAD = (
    "typing collections math re itertools functools string heapq bisect random operator copy datetime json linecache"
).split()


class Judge:
    """The sandbox: a callable that judges candidates. Threads may share it; each verdict takes a lane of its own."""

    def __init__(self, timeout: float, memory_limit: int) -> None:
        self.timeout = timeout
        self._memory_limit = memory_limit
        self._lock = threading.Lock()
        self._lanes: deque[Lane] = deque()
        self._spares: deque[Process] = deque()
        self._free = threading.BoundedSemaphore(max(2, os.cpu_count() or 1))
        self._checkers = Server({"kind": "checker", "preload": [], "paths": _paths_of("_pytest", "pluggy", "iniconfig")})
        self._candidates = Server(
            {"kind": "candidate", "preload": PRELOAD, "paths": [], "memory_limit": memory_limit}
        )

    def __enter__(self) -> Judge:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        for each in (*self._lanes, *self._spares, self._candidates, self._checkers):
            each.close()

    def __call__(self, problem: Problem, candidate: Candidate, tests: TestSet = "base") -> Verdict:
        """Run *candidate* against one set of the problem's tests.

        Raises ValueError where the problem has no such set, and SandboxFault where no verdict can be had.
        """
        source = problem.source_of(tests)
        if source is None:
            raise ValueError(f"{problem.id} has no {tests} tests")
        with self._free:
            try:
                return self._judge(problem, source, candidate)
            except SandboxFault:
                return self._judge(problem, source, candidate)

    def _judge(self, problem: Problem, tests: str, candidate: Candidate) -> Verdict:
        key = sha256("\0".join((problem.preamble, tests, problem.entry_point)).encode(errors="surrogatepass")).hexdigest()
        with self._lane() as lane, self._child() as child:
            lane.learn(key, problem.preamble, tests, problem.entry_point)
            return _verdict(lane.judge(child, key, problem.preamble, candidate.source, self.timeout))

    @contextmanager
    def _lane(self) -> Iterator[Lane]:
        with self._lock:
            lane = self._lanes.pop() if self._lanes else Lane(self._checkers)
        try:
            yield lane
        except BaseException:
            lane.close()
            raise
        if lane.broken:
            lane.close()
        else:
            self._lanes.append(lane)

    @contextmanager
    def _child(self) -> Iterator[Process]:
        with self._lock:
            child = self._spares.popleft() if self._spares else Process(self._candidates, outputs=True)
        try:
            child.greet()
            yield child
        finally:
            child.close()
            with self._lock:
                self._spares.append(Process(self._candidates, outputs=True))


def _paths_of(*modules: str) -> list[str]:
    """The folders that *modules* are imported from."""
    from importlib.util import find_spec

    origins = [spec.origin for module in modules if (spec := find_spec(module)) and spec.origin]
    return list(dict.fromkeys(os.path.dirname(os.path.dirname(origin)) for origin in origins))


def _verdict(trial: Trial) -> Verdict:
    answer: dict[str, Any] = trial.answer or {"outcome": Outcome.TIMED_OUT, "passed": 0, "total": None, "failures": []}
    return Verdict(
        Outcome(answer["outcome"]),
        answer["passed"],
        answer["total"],
        tuple(Failure(**failure) for failure in answer["failures"]),
        trial.seconds,
        trial.usage.cpu_seconds,
        trial.usage.peak_rss_bytes,
        trial.stdout,
        trial.stderr,
    )
