"""What holds a candidate's process, layer by layer, and which layers this system lacks."""

from __future__ import annotations

import os
import resource
import stat
import sys
from collections.abc import Callable
from typing import Any

from . import landlock, scratch, seccomp
from .landlock import readable
from .system_calls import drop_capabilities, set_no_new_privs

_CPU_SECONDS = 600
"""A last resort, in case nobody is left to keep the time."""
_MOST_FILES = 64


class ChildLocks:
    """The layers as *settings* ask for them."""

    def __init__(self, settings: dict[str, Any], channel: int) -> None:
        self.missing: list[str] = []
        """Names of the layers that this system lacks."""
        self._ruleset: landlock.LandlockRuleset | None = None
        self._filter: seccomp.SystemCallFilter | None = None
        self._settings = settings
        self._channel = channel

    def prepare(self) -> None:
        """Hold in the zygote what its children inherit and does not keep it from forking; find out what they can."""
        self._try("rlimits", lambda: limit(self._settings["memory_limit"], self._settings["file_limit"]))
        self._try("no_new_privs", set_no_new_privs)
        self._try("landlock", self._landlock)
        self._try("capabilities", drop_capabilities)
        self._try("seccomp", self._seccomp)

    def hold(self) -> None:
        """Be held, in a child of the prepared zygote, before it runs what nobody has looked at."""
        resource.setrlimit(resource.RLIMIT_CPU, (_CPU_SECONDS, _CPU_SECONDS))
        if self._ruleset:
            self._ruleset.hold()
        for folder in self._settings["scratch"]:
            self._confine(folder)
        os.closerange(self._channel + 1, os.sysconf("SC_OPEN_MAX"))
        if self._filter:
            self._filter.hold()

    def _confine(self, scratches: str) -> None:
        """Make a folder of its own, and let no other one be written in: not those of others at work beside it."""
        folder = scratch.folder_of(scratches, os.getpid())
        os.mkdir(folder, stat.S_IRWXU)  # noqa: PTH102 - pathlib would have to be imported
        if self._ruleset:
            rules = landlock.LandlockRuleset(writing_only=True)
            rules.allow_writing(["/dev/null", folder])
            rules.hold()

    def _try(self, name: str, apply: Callable[[], None]) -> None:
        try:
            apply()
        except (OSError, ValueError, NotImplementedError):
            self.missing.append(name)

    def _landlock(self) -> None:
        if landlock.abi() == 0:
            raise NotImplementedError
        rules = landlock.LandlockRuleset()
        rules.allow_reading(readable(self._settings["paths"]))
        rules.allow_writing(["/dev/null", *self._settings["scratch"]])
        _try_apart(rules.hold)
        self._ruleset = rules
        if landlock.abi() < landlock.LEAST_ABI:
            raise NotImplementedError

    def _seccomp(self) -> None:
        if not seccomp.supported():
            raise NotImplementedError
        writing = bool(self._settings["scratch"]) and "landlock" not in self.missing
        rules = seccomp.SystemCallFilter(self._channel, scratch=writing, read_only="landlock" in self.missing)
        _try_apart(rules.hold)
        self._filter = rules


def _try_apart(hold: Callable[[], None]) -> None:
    """Raise OSError where *hold* fails. What it does cannot be undone, so a process of its own tries it."""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            hold()
            status = 0
        finally:
            os._exit(status)
    _, status = os.waitpid(pid, 0)
    if status:
        raise OSError("a lock does not hold")


def limit(memory: int, file_size: int) -> None:
    """Bound address space and the size of files, in bytes, the number of open files, and core dumps."""
    limit_memory(memory)
    _bound(resource.RLIMIT_FSIZE, file_size)
    _bound(resource.RLIMIT_NOFILE, _MOST_FILES)
    _bound(resource.RLIMIT_CORE, 0)


def limit_memory(memory: int) -> None:
    """Bound address space, in bytes."""
    if sys.platform != "darwin":  # macOS counts libraries that all processes share
        _bound(resource.RLIMIT_AS, memory)


def _bound(kind: int, most: int) -> None:
    _, hard = resource.getrlimit(kind)
    bound = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(kind, (bound, bound))
