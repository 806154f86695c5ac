"""The files that an interpreter needs to import its standard library, and no others."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence

_FOREIGN = frozenset({"site-packages", "dist-packages"})
"""Folders within the standard library's that hold other people's packages, and with them the datasets."""
_MULTIARCH = getattr(sys.implementation, "_multiarch", None)
_SYSTEM_LIBRARIES = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib")
_SMALL_THINGS = (
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/usr/share/zoneinfo",
    "/dev/urandom",
    "/dev/random",
    "/dev/zero",
)


def readable(folders: Sequence[str] = ()) -> Iterator[str]:
    """Paths to allow. Of *folders* with other people's packages only what is already imported from there."""
    for folder in dict.fromkeys((os.path.dirname(os.__file__), _platform_library())):  # noqa: PTH120 - pathlib is heavy
        yield from (entry.path for entry in _entries(folder) if entry.name not in _FOREIGN)
    yield from (path for path in sys.path if path.endswith(".zip"))
    for folder in _SYSTEM_LIBRARIES:
        yield from _shared_objects(folder)
    for folder in folders:
        yield from _imported_from(folder)
    yield from _SMALL_THINGS


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


def _entries(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError:
        return []
