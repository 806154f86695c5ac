"""Landlock: which files a process and its children may still open."""

from __future__ import annotations

import os
import stat
import struct
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress

from .system_calls import named, syscall

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
"""The same on every architecture."""
_VERSION = 1
_PATH_BENEATH = 1

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = (1 << bit for bit in range(4))
_TRUNCATE, _IOCTL_DEV = 1 << 14, 1 << 15
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEV
_FILE_RIGHTS_BY_ABI = {1: 13, 2: 14, 3: 15, 4: 15}
"""How many rights on files an ABI knows; 16 from the fifth on."""
_NETWORK = 0b11
"""To bind and to connect TCP ports, from the fourth ABI on."""
_SCOPED = 0b11
"""Abstract Unix sockets and signals reach no process outside, from the sixth ABI on."""

TRUNCATION_ABI = 3
"""The first that keeps files from being truncated."""

READ = _READ_FILE | _READ_DIR


def abi() -> int:
    """The kernel's version of Landlock; 0: it has none, or it is switched off."""
    try:
        return syscall(_CREATE_RULESET, None, 0, _VERSION)
    except OSError:
        return 0


class LandlockRuleset:
    """What stays allowed; all else is denied to whoever holds it, with the whole network and signals besides."""

    def __init__(self) -> None:
        version = abi()
        self._rights = (1 << _FILE_RIGHTS_BY_ABI.get(version, 16)) - 1
        attributes = struct.pack("=Q", self._rights)
        if version >= 4:
            attributes += struct.pack("=Q", _NETWORK)
        if version >= 6:
            attributes += struct.pack("=Q", _SCOPED)
        self._descriptor = syscall(_CREATE_RULESET, attributes, len(attributes), 0)

    def allow_reading(self, paths: Iterable[str]) -> None:
        for path in paths:
            self._allow(path, READ)

    def allow_writing(self, paths: Iterable[str]) -> None:
        for path in paths:
            self._allow(path, self._rights & ~_EXECUTE)

    def hold(self) -> None:
        """Bind this process and those it forks, for good; it can be held again, to part a child from its parent."""
        with named("landlock_restrict_self"):
            syscall(_RESTRICT_SELF, self._descriptor, 0)

    def _allow(self, path: str, rights: int) -> None:
        try:
            descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except OSError:  # what is not there need not be read
            return
        try:
            if not stat.S_ISDIR(os.fstat(descriptor).st_mode):
                rights &= _OF_FILES
            beneath = struct.pack("=Qi", rights & self._rights, descriptor)
            with suppress(OSError), named("landlock_add_rule"):  # some files, such as pipes, take no rule
                syscall(_ADD_RULE, self._descriptor, _PATH_BENEATH, beneath, 0)
        finally:
            os.close(descriptor)


_FOREIGN = frozenset({"site-packages", "dist-packages"})
"""Folders within the standard library's that hold other people's packages, and with them the datasets."""
_MULTIARCH = getattr(sys.implementation, "_multiarch", None)
_SYSTEM_LIBRARIES = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib")
_MIME_TYPES = (
    "/etc/mime.types",
    "/etc/httpd/mime.types",
    "/etc/httpd/conf/mime.types",
    "/etc/apache/mime.types",
    "/etc/apache2/mime.types",
    "/usr/local/etc/mime.types",
    "/usr/local/etc/httpd/conf/mime.types",
    "/usr/local/lib/netscape/mime.types",
)
"""Where `mimetypes` looks; it takes what is there for readable."""
_SMALL_THINGS = (
    "/etc/ld.so.cache",
    "/etc/localtime",
    *_MIME_TYPES,
    "/usr/share/zoneinfo",
    "/dev/urandom",
    "/dev/random",
    "/dev/zero",
)


def readable(folders: Sequence[str] = ()) -> Iterator[str]:
    """Paths to allow. Of *folders* with other people's packages only what is already imported from there."""
    yield from _of_the_interpreter()
    for folder in folders:
        yield from _imported_from(folder)


def readable_for_tests(folders: Sequence[str]) -> Iterator[str]:
    """Paths to allow to whom *folders* are for importing: packages, and of all else in them no more than modules."""
    yield from _of_the_interpreter()
    for folder in folders:
        if folder.rpartition("/")[2] in _FOREIGN:
            yield folder
        else:
            yield from _importable(folder)


def _of_the_interpreter() -> Iterator[str]:
    for folder in dict.fromkeys((os.path.dirname(os.__file__), _platform_library())):  # noqa: PTH120 - pathlib is heavy
        yield from (entry.path for entry in _entries(folder) if entry.name not in _FOREIGN)
    yield from (path for path in sys.path if path.endswith(".zip"))
    for folder in _SYSTEM_LIBRARIES:
        yield from _shared_objects(folder)
    yield from _SMALL_THINGS


def libraries() -> tuple[str, ...]:
    """Folders of which so much may be read that they can be shown whole."""
    return os.path.dirname(os.__file__), _platform_library(), *_SYSTEM_LIBRARIES  # noqa: PTH120 - pathlib is heavy


def _platform_library() -> str:
    """Where compiled modules lie. Not by `sysconfig`, of whose tables a candidate's process need know nothing."""
    return f"{sys.base_exec_prefix}/{sys.platlibdir}/python{sys.version_info.major}.{sys.version_info.minor}"


def _shared_objects(folder: str) -> Iterator[str]:
    """Shared objects of *folder*, and its subfolder of this architecture whole: that one holds no packages."""
    for entry in _entries(folder):
        if ".so" in entry.name or entry.name == _MULTIARCH:
            yield entry.path


def _imported_from(folder: str) -> Iterator[str]:
    """Packages with the folders that a wheel puts their shared objects in, such as `numpy.libs`."""
    names = {name.partition(".")[0] for name in sys.modules}
    for entry in _entries(folder):
        if entry.name.removesuffix(".py").removesuffix(".libs") in names:
            yield entry.path


def _importable(folder: str) -> Iterator[str]:
    """Modules and packages: what else a folder holds, such as a project's, may be nobody's business."""
    for entry in _entries(folder):
        package = f"{entry.path}/__init__.py"
        if entry.name.endswith((".py", ".so")) or os.path.isfile(package):  # noqa: PTH113 - pathlib is heavy
            yield entry.path


def _entries(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError:
        return []


def beside(folder: str, paths: Iterable[str]) -> set[str]:
    """The largest folders that hold *paths*, and not *folder*."""
    above = {*_ancestors(folder), folder}
    outside = (path for path in map(os.path.realpath, paths) if not f"{path}/".startswith(f"{folder}/"))
    return {next(each for each in (*_ancestors(path), path) if each not in above) for path in outside}


def _ancestors(path: str) -> Iterator[str]:
    """From the root on down."""
    parts = path.split("/")
    yield "/"
    yield from ("/".join(parts[:number]) for number in range(2, len(parts)))
