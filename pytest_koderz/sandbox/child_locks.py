"""What holds a candidate's process, layer by layer, and which layers this system lacks."""

from __future__ import annotations

import os
import resource
import socket
import stat
import sys
from collections.abc import Callable
from typing import Any

from . import landlock, scratch, seccomp
from .file_attributes import REQUESTS, AttributeCalls
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
        (self._scratches,) = settings["scratch"]
        self._beside: list[str] = []
        """Folders that hold all that may be read, and no scratch folder."""
        self._channel = channel

    def prepare(self) -> None:
        """Hold in the zygote what its children inherit and does not keep it from forking; find out what they can."""
        self._try("no_new_privs", set_no_new_privs)
        self._try("landlock", self._landlock)
        self._try("rlimits", lambda: limit(self._settings["memory_limit"], self._file_limit()))
        self._try("capabilities", drop_capabilities)
        self._try("seccomp", self._seccomp)
        if self._ruleset and not self._filter and landlock.abi() < landlock.TRUNCATION_ABI:
            self.missing.append("landlock")  # files that may be read could be emptied

    def hold(self) -> None:
        """Be held, in a child of the prepared zygote, before it runs what nobody has looked at."""
        _bound(resource.RLIMIT_CPU, _CPU_SECONDS)
        if self._ruleset:
            self._ruleset.hold()
        self._confine()
        os.closerange(REQUESTS + 1, os.sysconf("SC_OPEN_MAX"))
        if self._filter:
            self._filter.hold()
            AttributeCalls(socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET, 0, REQUESTS)).install()

    def _confine(self) -> None:
        """Make a folder of its own, and close those of others at work beside it."""
        place, folder = (of(self._scratches, os.getpid()) for of in (scratch.place_of, scratch.folder_of))
        for each in (place, folder):
            os.mkdir(each, stat.S_IRWXU)  # noqa: PTH102 - pathlib would have to be imported
        if self._ruleset:
            rules = landlock.LandlockRuleset()
            rules.allow_reading([*self._beside, place])
            rules.allow_writing(["/dev/null", folder])
            rules.hold()

    def _file_limit(self) -> int:
        """In bytes. A function alone has no need to write, so it may not where nothing else bounds that to a folder."""
        needless = self._settings["kind"] == "process-separated" and "landlock" in self.missing
        return 0 if needless else int(self._settings["file_limit"])

    def _try(self, name: str, apply: Callable[[], None]) -> None:
        try:
            apply()
        except (OSError, ValueError, NotImplementedError):
            self.missing.append(name)

    def _landlock(self) -> None:
        if landlock.abi() == 0:
            raise NotImplementedError
        rules = landlock.LandlockRuleset()
        paths = list(readable(self._settings["paths"]))
        rules.allow_reading(paths)
        rules.allow_writing(["/dev/null", self._scratches])
        self._beside = sorted(landlock.beside(self._scratches, paths))
        _try_apart(rules.hold)
        self._ruleset = rules

    def _seccomp(self) -> None:
        if not seccomp.supported():
            raise NotImplementedError
        rules = seccomp.SystemCallFilter(self._channel, writing=self._ruleset is not None)
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
    """By *most*, or by what this process is bound by already: nobody may go beyond that."""
    _, hard = resource.getrlimit(kind)
    bound = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(kind, (bound, bound))
