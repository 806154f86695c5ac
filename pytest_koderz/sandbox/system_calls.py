"""The system calls that the locks need and Python does not offer."""

from __future__ import annotations

import ctypes
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_CAPBSET_DROP = 24
_PR_SET_NO_NEW_PRIVS = 38
_PR_GET_NO_NEW_PRIVS = 39
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_CLEAR_ALL = 4
_CAPABILITY_VERSION_3 = 0x20080522
_DETACH = 2
_MOUNTING = 1 << 21
"""CAP_SYS_ADMIN."""

_libc = ctypes.CDLL(None, use_errno=True)
_capabilities: Any = [getattr(_libc, name, None) for name in ("capset", "capget")]
"""Looked up once, not in each child."""


class CallRefused(Exception):
    """The system has a call and does not let us make it: what rests on it cannot be had, nor done without."""


@contextmanager
def named(call: str) -> Iterator[None]:
    """Raise CallRefused, with the name of *call*, where it is not permitted."""
    try:
        yield
    except PermissionError as error:
        raise CallRefused(f"{call}: {error.strerror}") from None


def syscall(number: int, *args: int | bytes | None) -> int:
    """What the kernel returns. Raises OSError."""
    return _checked(_libc.syscall(ctypes.c_long(number), *map(_argument, args)))


def _prctl(option: int, value: int = 0) -> None:
    _checked(_libc.prctl(option, *map(_argument, (value, 0, 0, 0))))


def _argument(value: int | bytes | None) -> ctypes.c_long | bytes | None:
    return ctypes.c_long(value) if isinstance(value, int) else value


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def set_no_new_privs() -> None:
    """No program executed from now on can gain what this process lacks; the kernel wants it before a filter."""
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)


def holds_no_new_privs() -> bool:
    return bool(_libc.prctl(_PR_GET_NO_NEW_PRIVS, *map(_argument, (0, 0, 0, 0))) == 1)


def unshare(flags: int) -> None:
    _checked(_libc.unshare(ctypes.c_int(flags)))


def mount(source: str | None, target: str, kind: str | None, flags: int, options: str = "") -> None:
    texts = [None if text is None else text.encode() for text in (source, target, kind, options)]
    _checked(_libc.mount(*texts[:3], ctypes.c_ulong(flags), texts[3]))


def unmount(target: str) -> None:
    """Out of sight at once; what still works there keeps it until it ends."""
    _checked(_libc.umount2(target.encode(), ctypes.c_int(_DETACH)))


def die_with_parent() -> None:
    """Have this process killed when its parent ends, even where that is killed without a word."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def hide_from_equals() -> None:
    """Close /proc/PID/fd, mem and the like to whoever has no privileges, of this process and those it forks.

    Landlock keeps no pipe from being opened there, and does not part processes of one domain.
    """
    _prctl(_PR_SET_DUMPABLE, 0)


def narrow_capabilities(*, mounting: bool) -> None:
    """Leave of root nothing but its number and, if *mounting*, what it takes to mount something."""
    _prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL)
    if os.geteuid() == 0:
        _drop_bounding_set()
    _set_capabilities(_MOUNTING if mounting else 0)


def drop_capabilities() -> None:
    """Keep none. Raises OSError where that is not so afterwards."""
    _set_capabilities(0)
    kept = (ctypes.c_uint32 * 6)(*[1] * 6)
    _checked(_capabilities[1](_capability_header(), kept))
    if any(kept[:2] + kept[3:5]):
        raise OSError("capabilities are kept")


def _set_capabilities(lower: int) -> None:
    sets = (ctypes.c_uint32 * 6)(lower, lower)  # effective, permitted, inheritable; then the same of the upper half
    _checked(_capabilities[0](_capability_header(), sets))


def _capability_header() -> ctypes.Array[ctypes.c_uint32]:
    return (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)


def _drop_bounding_set() -> None:
    for capability in range(64):
        try:
            _prctl(_PR_CAPBSET_DROP, capability)
        except PermissionError:  # root by name alone: the set is empty where it matters
            return
        except OSError:  # past the last one
            return
