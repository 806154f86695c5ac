"""Versions of functions tried many at a time, in processes that have collected all tests before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Self

from pytest_koderz.core.errors import SandboxFault
from pytest_koderz.sandbox.repository_tests import Repository
from pytest_koderz.sandbox.repository_trials import UNTRIED, TrialsBench

_MOST_FAULTS = 3
"""Of one repository, after which it is not for this way."""
_LEAST_SECONDS = 0.5
_SLACK = 5
"""How many times as long as the original a version may take."""


class Versions:
    """At most as many processes as threads ask; one that ends is replaced by another one."""

    def __init__(self, repository: Repository, seconds: Mapping[str, float], most: int) -> None:
        """*seconds*: of each test that may be asked for."""
        self._repository = repository
        self._seconds = seconds
        self._free: SimpleQueue[TrialsBench] = SimpleQueue()
        self._left = most + _MOST_FAULTS

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        while not self._free.empty():
            self._free.get().close()

    def passing(
        self, file: str, name: str, original: str, sources: Sequence[str], tests: Sequence[str]
    ) -> list[bool | None]:
        """Of each whether it passes; None: that is not to be found out so, as the original would not pass either."""
        limit = _LEAST_SECONDS + _SLACK * sum(self._seconds[test] for test in tests)
        words = self._tried(self._repository.path_of(file), name, [original, *sources], tests, limit)
        if words[0] != "passed":
            return [None] * len(sources)
        return [None if word == UNTRIED else word == "passed" for word in words[1:]]

    def _tried(self, path: str, name: str, sources: Sequence[str], tests: Sequence[str], limit: float) -> list[str]:
        bench = None
        try:
            bench = self._bench()
            words = bench.tried(path, name, sources, tests, limit)
        except SandboxFault:
            if bench:
                bench.close()
            return [UNTRIED] * len(sources)
        self._free.put(bench)
        return words

    def _bench(self) -> TrialsBench:
        try:
            return self._free.get_nowait()
        except Empty:
            if self._left <= 0:
                raise SandboxFault("its tests are not for this way") from None
            self._left -= 1
            return self._repository.bench(sorted(self._seconds))
