"""Many versions of a repository's functions in one child: it collects the tests once and forks for each version.

A version is the code of its function alone, put into the function that is there already: what ran while the module was
imported, or needs other free variables, cannot be tried so.
"""

from __future__ import annotations

import gc
import os
import random
import shutil
import signal
from collections.abc import Sequence
from contextlib import suppress
from types import CodeType, FunctionType
from typing import Any

import pytest

from .channel import Channel
from .system_calls import die_with_parent
from .witness import Witness

PASSED, REFUSED, UNTRIED = "passed", "refused", "untried"
_CODES = (PASSED, REFUSED, UNTRIED)
_PATIENCE = 10
"""How many times its limit, in seconds of the CPU, a trial may take by the clock; it may sleep or wait for a lock."""

Functions = dict[tuple[str, str], list[FunctionType]]
Version = dict[str, Any]
"""An order, with one of its sources as `source`."""


class Trials:
    """A plugin that takes orders where the tests would run. Each names a file, a function, versions and tests."""

    def __init__(self, channel: Channel, witness: Witness, folder: str, seed: int) -> None:
        self._channel = channel
        self._witness = witness
        self._folder = folder
        self._seed = seed
        self._trying = False

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_makereport(self, call: pytest.CallInfo[None]) -> None:
        """What is raised is no pass, whatever it is; nobody reads more of it, which would take the most time."""
        if self._trying and call.excinfo is not None:
            os._exit(_CODES.index(REFUSED))

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        functions = _functions()
        gc.freeze()  # none of it is garbage, and nothing of it need be copied for a child that looks for some
        kept = set(os.listdir(self._folder))  # noqa: PTH208 - names are wanted
        items = {item.nodeid: item for item in session.items}
        self._channel.send(["collected"])
        while order := self._channel.recv():
            chosen = [items[name] for name in order["limits"] if name in items]
            if len(chosen) < len(order["limits"]):
                self._channel.send([UNTRIED] * len(order["sources"]))
                continue
            found = functions.get((order["path"], order["name"]), [])
            self._channel.send(
                [self._tried({**order, "source": each}, found, chosen, kept) for each in order["sources"]]
            )
        return True

    def _tried(self, version: Version, found: Sequence[FunctionType], chosen: list[pytest.Item], kept: set[str]) -> str:
        pid = os.fork()
        if pid == 0:
            code = _CODES.index(REFUSED)
            try:
                code = self._try(version, found, chosen)
            finally:
                os._exit(code)
        _, status = os.waitpid(pid, 0)
        self._clear(kept)
        return _CODES[status >> 8] if os.WIFEXITED(status) and status >> 8 < len(_CODES) else REFUSED

    def _try(self, version: Version, found: Sequence[FunctionType], chosen: list[pytest.Item]) -> int:
        die_with_parent()
        if not _put(version["source"], version["path"], version["name"], found):
            return _CODES.index(UNTRIED)
        random.seed(self._seed)
        self._trying = True
        for item, following in zip(chosen, [*chosen[1:], None], strict=True):
            _limit(version["limits"][item.nodeid])
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if self._witness.word_of(item.nodeid) != "passed":
                return _CODES.index(REFUSED)
        return _CODES.index(PASSED)

    def _clear(self, kept: set[str]) -> None:
        """Leave nothing of a trial to the next one."""
        for name in set(os.listdir(self._folder)) - kept:  # noqa: PTH208 - names are wanted
            place = f"{self._folder}/{name}"
            shutil.rmtree(place, ignore_errors=True)
            with suppress(OSError):
                os.unlink(place)  # noqa: PTH108 - it was no folder


def _limit(seconds: float) -> None:
    """End this process after so many of the CPU, however it spends them."""
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    signal.setitimer(signal.ITIMER_REAL, _PATIENCE * seconds)


def _functions() -> Functions:
    """All that there are, decorated ones as well, by file and qualified name."""
    found: Functions = {}
    for each in gc.get_objects():
        if type(each) is FunctionType:
            found.setdefault((each.__code__.co_filename, each.__code__.co_qualname), []).append(each)
    return found


def _put(source: str, path: str, name: str, functions: Sequence[FunctionType]) -> bool:
    """Whether the version could be put in the place of all functions that are this one."""
    code = _code_of(compile(source, path, "exec", dont_inherit=True), name)
    if code is None or not functions:
        return False
    if any(each.__code__.co_freevars != code.co_freevars for each in functions):
        return False
    for each in functions:
        each.__code__ = code
    return True


def _code_of(module: CodeType, name: str) -> CodeType | None:
    code = module
    for part in name.split("."):
        inside = [each for each in code.co_consts if isinstance(each, CodeType) and each.co_name == part]
        if len(inside) != 1:
            return None
        (code,) = inside
    return code
