"""Modes, times and locks of files in a scratch folder, which no lock of a child can tie to that folder.

The system calls are closed to the child. What it calls in their stead says what is wanted over a socket of its own, and
the supervisor does that beneath the child's folder and nowhere else, or says why not. Whoever speaks over the socket
in another way gets no more than that, and whoever makes the calls themselves gets an error.
"""

from __future__ import annotations

import errno
import fcntl
import math
import os
import posix
import socket
import stat
import struct
from _thread import allocate_lock
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import time_ns as now
from typing import Any

from .channel import MalformedMessage, dumps, loads
from .system_calls import syscall

REQUESTS = 4
"""The descriptor of a child's socket."""
LONGEST_REQUEST = 8192
"""Bytes: a path has half as many at the most."""
_OPENAT2 = 437
"""The same on every architecture."""
_BENEATH = 0x01 | 0x02 | 0x04 | 0x08
"""RESOLVE_NO_XDEV, _NO_MAGICLINKS, _NO_SYMLINKS, _BENEATH: paths arrive without links."""
_OFD_SETLK, _OFD_SETLKW = 37, 38
_OF_OTHERS = stat.S_ISUID | stat.S_ISGID
_SIGHT = stat.S_IRUSR | stat.S_IXUSR
"""What a folder keeps: nobody could see how much is in it otherwise."""


def perform(holder: int, folder: str, request: bytes) -> int:
    """Do beneath *holder*, a descriptor of what its owner calls *folder*, what *request* asks for.

    0, or the number of the error.
    """
    try:
        verb, path, *numbers = loads(request)
        if any(type(number) is not int for number in numbers):
            return errno.EINVAL
        with _opened(holder, folder, path) as place:
            _SETTERS[verb](place, *numbers)
    except OSError as error:
        return error.errno or errno.EPERM
    except (MalformedMessage, ValueError, TypeError, AttributeError, KeyError, OverflowError):
        return errno.EINVAL
    return 0


@contextmanager
def _opened(holder: int, folder: str, path: str) -> Iterator[str]:
    """A name of the file *path*, which nobody can exchange for another one any more."""
    if path != folder and not path.startswith(f"{folder}/"):
        raise PermissionError(errno.EPERM, "not in the scratch folder")
    within = os.fsencode(path[len(folder) + 1 :] or ".")
    if b"\0" in within:
        raise ValueError("no path")
    how = struct.pack("=QQQ", os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, 0, _BENEATH)
    descriptor = syscall(_OPENAT2, holder, within, how, len(how))
    try:
        yield f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)


def _set_mode(place: str, mode: int) -> None:
    blind = stat.S_ISDIR(os.stat(place).st_mode) and mode & _SIGHT != _SIGHT  # noqa: PTH116 - no path is needed
    if mode & _OF_OTHERS or blind:
        raise PermissionError(errno.EPERM, "no such mode here")
    os.chmod(place, mode)  # noqa: PTH101 - likewise


def _set_times(place: str, accessed: int, modified: int) -> None:
    os.utime(place, ns=(accessed, modified))


_SETTERS: dict[str, Callable[..., None]] = {"mode": _set_mode, "times": _set_times}


class AttributeCalls:
    """The calls as a child makes them, in the place of those that are closed to it; *requests* leads to the supervisor.

    They ask for nothing of the `os` module, which tests may replace in part.
    """

    def __init__(self, requests: socket.socket) -> None:
        self._requests = requests
        self._turn = allocate_lock()

    def install(self) -> None:
        """Have `os` and `fcntl` call them, and tell what they can do as they did before."""
        for name in ("chmod", "utime"):
            own, closed = getattr(self, name), getattr(os, name)
            for able in (os.supports_fd, os.supports_dir_fd, os.supports_follow_symlinks):
                if closed in able:
                    able.add(own)
            setattr(os, name, own)
        fcntl.flock = flock
        setattr(os, "fchmod", self.fchmod)  # noqa: B010 - mypy takes the plain form for a mistake

    def chmod(self, path: Any, mode: int, *, dir_fd: int | None = None, follow_symlinks: bool = True) -> None:
        self._ask(path, dir_fd, follow_symlinks, "mode", int(mode))

    def fchmod(self, fd: int, mode: int) -> None:
        self._ask(fd, None, True, "mode", int(mode))

    def utime(
        self,
        path: Any,
        times: tuple[float, float] | None = None,
        *,
        ns: tuple[int, int] | None = None,
        dir_fd: int | None = None,
        follow_symlinks: bool = True,
    ) -> None:
        if times is not None and ns is not None:
            raise ValueError("utime: you may specify either 'times' or 'ns' but not both")
        given = ns if times is None else tuple(map(_nanoseconds, times))
        accessed, modified = given or [now()] * 2
        self._ask(path, dir_fd, follow_symlinks, "times", int(accessed), int(modified))

    def _ask(self, path: Any, dir_fd: int | None, follow: bool, verb: str, *numbers: int) -> None:
        request = dumps([verb, _true_path(path, dir_fd, follow), *numbers])
        with self._turn:
            self._requests.send(request)
            number = int.from_bytes(self._requests.recv(4), "big")
        if number:
            raise OSError(number, posix.strerror(number), path)


def flock(fd: Any, operation: int) -> None:
    """By locks of the same reach, for which a file must be open for what they are to guard."""
    kinds = {fcntl.LOCK_SH: fcntl.F_RDLCK, fcntl.LOCK_EX: fcntl.F_WRLCK, fcntl.LOCK_UN: fcntl.F_UNLCK}
    kind = kinds.get(operation & ~fcntl.LOCK_NB)
    if kind is None:
        raise OSError(errno.EINVAL, posix.strerror(errno.EINVAL))
    command = _OFD_SETLK if operation & fcntl.LOCK_NB else _OFD_SETLKW
    fcntl.fcntl(fd, command, struct.pack("hhqqi4x", kind, os.SEEK_SET, 0, 0, 0))  # struct flock, of the whole file


def _true_path(path: Any, dir_fd: int | None, follow: bool) -> str:
    """Of a path or a descriptor, without links; a file that is not there is an OSError."""
    if isinstance(path, int):
        return posix.readlink(f"/proc/self/fd/{path}")
    descriptor = posix.open(path, os.O_PATH | os.O_CLOEXEC | (0 if follow else os.O_NOFOLLOW), dir_fd=dir_fd)
    try:
        return posix.readlink(f"/proc/self/fd/{descriptor}")
    finally:
        posix.close(descriptor)


def _nanoseconds(seconds: float) -> int:
    """Rounded down, as the system's own call does."""
    whole = math.floor(seconds)
    return whole * 10**9 + math.floor((seconds - whole) * 1e9)
