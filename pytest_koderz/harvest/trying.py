"""Versions of functions tried many at a time, in processes that have collected all tests before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Self

from pytest_koderz.core.errors import SandboxFault
from pytest_koderz.sandbox.repository_tests import Repository
from pytest_koderz.sandbox.repository_trials import UNTRIED, TrialsBench

_GONE = "gone"
"""What is said of a version whose process failed, which has been told."""
_ORIGINAL = {
    _GONE: "",
    UNTRIED: "its code cannot be exchanged once its module is imported",
    "refused": "the original does not pass in a process that has collected all tests",
}

_MOST_FAULTS = 3
"""Of one repository, after which it is not for this way."""
_LEAST_SECONDS = 0.5
_SLACK = 5
"""How many times as long as the original a version may take for a test."""


class Versions:
    """At most as many processes as threads ask; one that ends is replaced by another one."""

    def __init__(
        self, repository: Repository, seconds: Mapping[str, float], most: int, notify: Callable[[str], None]
    ) -> None:
        """*seconds*: of each test that may be asked for. *notify* is told where these processes do not do, and why."""
        self._repository = repository
        self._seconds = seconds
        self._free: SimpleQueue[TrialsBench] = SimpleQueue()
        self._left = most + _MOST_FAULTS
        self._notify = notify
        self._slower: Counter[str] = Counter()
        """Why functions were tried in processes of their own."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        while not self._free.empty():
            self._free.get().close()
        for why, count in self._slower.items():
            if count > 1:
                self._notify(f"{count} functions were tried in processes of their own: {why}")

    def passing(
        self, file: str, name: str, original: str, sources: Sequence[str], tests: Sequence[str]
    ) -> list[bool | None]:
        """Of each whether it passes; None: that is not to be found out so, as the original would not pass either."""
        limits = {test: _LEAST_SECONDS + _SLACK * self._seconds[test] for test in tests}
        words = self._tried(self._repository.path_of(file), name, [original, *sources], limits)
        if words[0] != "passed":
            self._tell(name, _ORIGINAL[words[0]])
            return [None] * len(sources)
        return [None if word == UNTRIED else word == "passed" for word in words[1:]]

    def _tried(self, path: str, name: str, sources: Sequence[str], limits: Mapping[str, float]) -> list[str]:
        bench = None
        try:
            bench = self._bench()
            words = bench.tried(path, name, sources, limits)
        except SandboxFault as fault:
            if bench:
                bench.close()
            self._tell(name, str(fault))
            return [_GONE] * len(sources)
        self._free.put(bench)
        return words

    def _tell(self, name: str, why: str) -> None:
        """Of each reason the first function as it comes; the others are counted."""
        if not why:
            return
        self._slower[why] += 1
        if self._slower[why] == 1:
            self._notify(f"{name} is tried in processes of its own, which takes longer: {why}")

    def _bench(self) -> TrialsBench:
        try:
            return self._free.get_nowait()
        except Empty:
            if self._left <= 0:
                raise SandboxFault(f"{_MOST_FAULTS} processes that have collected all tests have failed") from None
            self._left -= 1
            return self._repository.bench(sorted(self._seconds))
