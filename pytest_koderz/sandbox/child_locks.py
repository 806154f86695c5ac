"""What holds a process that runs code of others, layer by layer, and which layers this system lacks."""

from __future__ import annotations

import json
import os
import resource
import socket
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import chain
from typing import Any

from . import landlock, lock_probe, private_mounts, scratch, seccomp
from .file_attributes import REQUESTS, AttributeCalls
from .landlock import libraries, readable, readable_for_tests
from .system_calls import CallRefused, drop_capabilities, named, narrow_capabilities, set_no_new_privs

_CPU_SECONDS = 600
"""A last resort, in case nobody is left to keep the time."""
_MOST_FILES = 64
_FOLDER = b"f"
"""Goes with the descriptor of a folder."""
_LIBRARIES = frozenset(libraries())
LAYERS = "private mounts", "no_new_privs", "landlock", "rlimits", "capabilities", "seccomp"
Step = tuple[str, Callable[[], None]]
"""The layer that it is part of, and what is done."""


class ChildLocks:
    """The layers as *settings* ask for them."""

    def __init__(self, settings: dict[str, Any], channel: int) -> None:
        self._lacking: set[str] = set()
        self._settings = settings
        self._for_tests = settings["kind"] == "checker"
        self._scratches: str = settings["scratch"]
        self._channel = channel
        self._ruleset: landlock.LandlockRuleset | None = None
        self._filter: seccomp.SystemCallFilter | None = None
        self.furnished: Callable[[], None] = lambda: None
        """What a child does once it has its folder, and before anything holds it but its mounts."""
        self._beside: list[str] = []
        """Folders that hold all that may be read, and no scratch folder."""

    @property
    def missing(self) -> tuple[str, ...]:
        """Names of the layers that this system lacks."""
        return tuple(name for name in LAYERS if name in self._lacking)

    @property
    def folder(self) -> str:
        """The one that this process may write in, once it is held."""
        return scratch.furnished(self._scratches) if self._mounts else scratch.folder_of(self._scratches, os.getpid())

    @property
    def canary(self) -> str:
        """A file that it may not write; where the mounts are its own, there is none that it could."""
        return f"{self._scratches}/canary"

    @property
    def memory_limit(self) -> int:
        return int(self._settings["memory_limit"])

    @property
    def forking(self) -> bool:
        """Whether it may start processes of its own: what it runs is no candidate."""
        return bool(self._settings.get("forking"))

    @property
    def _mounts(self) -> bool:
        return "private mounts" not in self._lacking

    def enter(self) -> None:
        """Have mounts of the zygote's own, before anything else holds it."""
        if _done_apart(self._private_mounts):
            private_mounts.enter()
        else:
            self._lacking.add("private mounts")
            os.close(os.open(self.canary, os.O_WRONLY | os.O_CREAT, stat.S_IRUSR | stat.S_IWUSR))

    def _private_mounts(self) -> None:
        private_mounts.enter()
        self.withdraw()
        private_mounts.furnish(self.folder)
        if not private_mounts.hold(self.folder):
            raise OSError("the mounts are as they were")

    def withdraw(self) -> None:
        """Leave behind what no child may read, and whatever this process has not imported by now."""
        if self._mounts:
            others = (each for each in self._readable() if os.path.dirname(each) not in _LIBRARIES)  # noqa: PTH120 - heavy
            covered = self._settings.get("covered", ())
            private_mounts.withdraw(["/dev/null", *_LIBRARIES, *others], self.folder, covered)

    def _readable(self) -> Iterator[str]:
        if self._settings["kind"] == "repository":
            return chain(readable(), self._settings["paths"], self._settings["shown"])
        return (readable_for_tests if self._for_tests else readable)(self._settings["paths"])

    def prepare(self) -> None:
        """Hold in the zygote what its children inherit and does not keep it from forking; find out what holds them.

        Raises CallRefused where the system has a lock and does not let us close it.
        """
        found = None
        while found != self._lacking:
            found = set(self._lacking)
            self._arrange()
            self._lacking |= self._found_by_probe()

    def _arrange(self) -> None:
        """As it can be without the layers that are lacking."""
        self._try("no_new_privs", set_no_new_privs)
        self._try("landlock", self._landlock)
        self._try("rlimits", lambda: limit(self.memory_limit, self._file_limit()))
        self._try("capabilities", lambda: narrow_capabilities(mounting=self._mounts))
        self._try("seccomp", self._seccomp)
        if self._ruleset and not self._filter and landlock.abi() < landlock.TRUNCATION_ABI:
            self._lacking.add("landlock")  # files that may be read could be emptied

    def _try(self, name: str, apply: Callable[[], None]) -> None:
        try:
            if name not in self._lacking:
                apply()
        except (OSError, ValueError, NotImplementedError, AttributeError):  # not every system has all calls
            self._lacking.add(name)

    def _landlock(self) -> None:
        if landlock.abi() == 0:
            raise NotImplementedError
        rules = landlock.LandlockRuleset()
        paths = list(self._readable())
        rules.allow_reading(paths)
        rules.allow_writing(["/dev/null", self._scratches])
        self._beside = sorted(landlock.beside(self._scratches, paths))
        self._ruleset = rules

    def _file_limit(self) -> int:
        """In bytes. A function alone has no need to write, so it may not where nothing else bounds that to a folder."""
        needless = self._settings["kind"] == "process-separated" and "landlock" in self._lacking
        return 0 if needless else int(self._settings["file_limit"])

    def _seccomp(self) -> None:
        if not seccomp.supported():
            raise NotImplementedError
        writing = "landlock" not in self._lacking
        self._filter = seccomp.SystemCallFilter(
            self._channel, writing=writing, receiving=self._for_tests, forking=self.forking
        )

    def _found_by_probe(self) -> set[str]:
        """The layers that do not hold a child, as one has tried: what a call returns is no proof of a lock."""
        here, there = socket.socketpair()
        with here, there:
            pid = os.fork()
            if pid == 0:
                with _ending():
                    os.dup2(there.fileno(), REQUESTS)  # which stays open
                    os.write(REQUESTS, json.dumps(lock_probe.tell(self)).encode())
            there.close()
            with here.makefile("rb") as answer:
                told = answer.read().removeprefix(_FOLDER)
        os.waitpid(pid, 0)
        fault, lacking = json.loads(told or b'["the locks end whoever they hold", []]')
        if fault:
            raise CallRefused(fault)
        return set(lacking)

    def hold(self) -> None:
        """Be held, in a child of the prepared zygote, before it runs what nobody has looked at."""
        for layer, step in self.steps():
            if layer not in self._lacking:
                step()

    def steps(self) -> Iterator[Step]:
        """What is done to hold a child, in this order."""
        if not self._for_tests:  # a checker serves many candidates, each in its time
            yield "rlimits", lambda: _bound(resource.RLIMIT_CPU, _CPU_SECONDS)
        yield "", self._furnish
        if not self._for_tests and sys.platform == "linux":  # others have nobody to work for them there
            yield "", self._hand_over
        yield "", self.furnished
        yield "capabilities", drop_capabilities
        if self._ruleset:
            yield "landlock", self._ruleset.hold
            if not self._mounts:
                yield "landlock", self._part_from_others
        yield "", lambda: os.closerange(REQUESTS + 1, os.sysconf("SC_OPEN_MAX"))
        if self._filter:
            yield "seccomp", self._filter.hold
            if not self._for_tests:
                yield "seccomp", _call_the_supervisor

    def _furnish(self) -> None:
        """Make a folder of its own."""
        if self._mounts:
            private_mounts.furnish(self.folder)
            return
        for each in (scratch.place_of(self._scratches, os.getpid()), self.folder):
            os.mkdir(each, stat.S_IRWXU)  # noqa: PTH102 - pathlib would have to be imported

    def _hand_over(self) -> None:
        """Let the supervisor work in the folder, which is nowhere to be seen for it."""
        folder = os.open(self.folder, os.O_PATH | os.O_DIRECTORY)
        with socket.socket(fileno=os.dup(REQUESTS)) as requests:
            socket.send_fds(requests, [_FOLDER], [folder])

    def _part_from_others(self) -> None:
        """Close the folders of others at work beside this one."""
        rules = landlock.LandlockRuleset()
        rules.allow_reading([*self._beside, scratch.place_of(self._scratches, os.getpid())])
        rules.allow_writing(["/dev/null", self.folder])
        rules.hold()


def _call_the_supervisor() -> None:
    """For what is closed to this process."""
    AttributeCalls(socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET, 0, REQUESTS)).install()


def _done_apart(task: Callable[[], None]) -> bool:
    """Whether *task* can be done. It cannot be undone, so a process of its own tries it."""
    pid = os.fork()
    if pid == 0:
        with _ending():
            task()
    return os.waitpid(pid, 0)[1] == 0


@contextmanager
def _ending() -> Iterator[None]:
    """End this process; by its status it tells whether all went well."""
    try:
        yield
    except BaseException:  # noqa: BLE001 - it is a copy of another process, whose handlers are not its own
        os._exit(1)
    os._exit(0)


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
    try:
        with named("prlimit64"):
            _, hard = resource.getrlimit(kind)
            bound = most if hard == resource.RLIM_INFINITY else min(most, hard)
            resource.setrlimit(kind, (bound, bound))
    except ValueError as error:  # which is how `resource` takes EPERM
        raise CallRefused(f"prlimit64: {error}") from None
