"""The processes of the judge: fork servers, children, checkers; started when they are first needed."""

from __future__ import annotations

import sys
import threading
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pytest_koderz.core.errors import SandboxFault
from pytest_koderz.core.place import FunctionPlace
from pytest_koderz.core.problem import Isolation

from .candidate_run import CheckerClient
from .child_factory import ChildFactory
from .fork_server import ForkServer
from .repository_tests import Repository

_PRELOAD = ["collections", "functools", "itertools", "json", "linecache", "math", "operator", "re", "typing"]
"""What a child has loaded anyway, and candidates import most."""
_CHECKERS_SHARE = 2
"""How many times as much memory as a candidate its checker may use: a small answer can be the seed of a large value."""
_MOST_REPOSITORIES = 6
"""Whose copies and processes are kept: a history has a repository for each commit."""
LARGEST_FILE: dict[Isolation, int] = {"process-separated": 1 << 20, "in-process": 16 << 20}
"""Bytes, in a scratch folder: a function alone writes little, the tests of a whole program may write more."""


class ProcessPool:
    """All processes of one judge. Several threads may ask."""

    def __init__(self, memory_limit: int) -> None:
        self._memory_limit = memory_limit
        self._lock = threading.Lock()
        self._idle_checkers: deque[CheckerClient] = deque()
        self._factories: dict[tuple[Isolation, tuple[str, ...]], ChildFactory] = {}
        self._repositories: dict[FunctionPlace, Repository] = {}
        """The last one that was asked for is the last."""
        self._asked: Counter[FunctionPlace] = Counter()
        self._checkers = self._checker_server()
        try:
            self.factory("process-separated", ())
        except SandboxFault:
            self.close()
            raise

    def factory(self, isolation: Isolation, requires: tuple[str, ...]) -> ChildFactory:
        with self._lock:
            kind = isolation, tuple(sorted(requires))
            if kind not in self._factories:
                self._factories[kind] = ChildFactory(_settings_of(*kind, self._memory_limit))
            return self._factories[kind]

    @contextmanager
    def repository(self, place: FunctionPlace) -> Iterator[Repository]:
        """Where the tests of the place's repository are run; its copy is kept for a next time. Raises SandboxFault."""
        known = replace(place, file="", qualname="", earlier="")
        with self._lock:
            repository = self._repositories.pop(known, None) or Repository(place, self._memory_limit)
            self._repositories[known] = repository
            self._asked[known] += 1
        try:
            yield repository
        finally:
            with self._lock:
                self._asked[known] -= 1
                self._close_old_repositories()

    def _close_old_repositories(self) -> None:
        idle = [place for place in self._repositories if not self._asked[place]]
        for place in idle[: max(0, len(self._repositories) - _MOST_REPOSITORIES)]:
            self._repositories.pop(place).close()

    @contextmanager
    def checker(self) -> Iterator[CheckerClient]:
        """A checker for one candidate; a broken one is given up afterwards."""
        try:
            checker = self._idle_checkers.pop()
        except IndexError:
            checker = CheckerClient(self._checkers)
        kept = False
        try:
            yield checker
            kept = not checker.broken
        finally:
            if kept:
                self._idle_checkers.append(checker)
            else:
                _close(checker)

    def renew(self) -> None:
        """Start again what has ended, and let go of all that stood ready."""
        with self._lock:
            self._close_idle_checkers()
            for kind, factory in list(self._factories.items()):
                factory.let_go()
                if not factory.alive:
                    self._factories.pop(kind).close()
            for place, repository in list(self._repositories.items()):
                repository.let_go()
                if not repository.alive:
                    self._repositories.pop(place).close()
            if not self._checkers.alive:
                self._checkers.close()
                self._checkers = self._checker_server()

    def close(self) -> None:
        with self._lock:
            self._close_idle_checkers()
            for factory in self._factories.values():
                factory.close()
            self._factories.clear()
            for repository in self._repositories.values():
                repository.close()
            self._repositories.clear()
            self._checkers.close()

    def _close_idle_checkers(self) -> None:
        while self._idle_checkers:
            _close(self._idle_checkers.pop())

    def _checker_server(self) -> ForkServer:
        # The tests are trusted, and find what the caller would; pytest's own packages come first.
        folders = dict.fromkeys([*_folders_of(("_pytest", "pluggy")), *filter(_is_folder, sys.path)])
        settings = {"kind": "checker", "preload": [], "paths": list(folders), "file_limit": LARGEST_FILE["in-process"]}
        return ForkServer({**settings, "memory_limit": _CHECKERS_SHARE * self._memory_limit})


def _settings_of(isolation: Isolation, requires: tuple[str, ...], memory_limit: int) -> dict[str, Any]:
    return {
        "kind": isolation,
        "preload": [*_PRELOAD, *requires, *(["unittest.mock"] if isolation == "in-process" else [])],
        "paths": _folders_of(requires),
        "memory_limit": memory_limit,
        "file_limit": LARGEST_FILE[isolation],
    }


def _close(checker: CheckerClient) -> None:
    """One that cannot be ended ends with its server; whoever is judged meanwhile is told of it."""
    with suppress(SandboxFault):
        checker.close()


def _is_folder(path: str) -> bool:
    return Path(path).is_absolute() and Path(path).is_dir()


def _folders_of(modules: tuple[str, ...]) -> list[str]:
    """The folders that *modules* are imported from."""
    origins = [spec.origin for module in modules if (spec := find_spec(module)) and spec.origin]
    return list(dict.fromkeys(_holder(Path(origin)) for origin in origins))


def _holder(origin: Path) -> str:
    return str(origin.parent.parent if origin.name == "__init__.py" else origin.parent)
