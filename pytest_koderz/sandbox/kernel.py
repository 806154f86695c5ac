"""The system calls that the locks need and Python does not offer."""

from __future__ import annotations

import ctypes
import os
import signal
from collections.abc import Callable
from functools import partial
from typing import Any

_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_CAPBSET_DROP = 24
_PR_SET_NO_NEW_PRIVS = 38
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_CLEAR_ALL = 4
_CAPABILITY_VERSION_3 = 0x20080522

_libc = ctypes.CDLL(None, use_errno=True)
Call = Callable[[], int]
"""What the kernel returns. Raises OSError."""
Step = Callable[[], object]
"""One of those that a child takes before anything else."""


def syscall(number: int, *args: object) -> int:
    """What the kernel returns. Raises OSError."""
    return later(number, *args)()


def later(number: int, *args: object) -> Call:
    """A system call for a child: made ready before the fork, since each object it has to make costs it pages."""
    return _later(_libc["syscall"], number, *args)


def _later(function: Any, *args: object) -> Call:
    function.restype = _checked
    return partial(function, *(ctypes.c_long.from_param(arg) if isinstance(arg, int) else arg for arg in args))


def _prctl(option: int, value: int = 0) -> int:
    return _later(_libc["prctl"], option, value, 0, 0, 0)()


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return int(result)


def set_no_new_privs() -> None:
    """No program executed from now on can gain what this process lacks; the kernel wants it before a filter."""
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)


def dying_with_parent() -> Call:
    """For a child: to be killed when its parent ends."""
    return _later(_libc["prctl"], _PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def hide_from_equals() -> None:
    """Close /proc/PID/fd, mem and the like to whoever has no privileges, of this process and those it forks.

    Landlock keeps no pipe from being opened there, and does not part processes of one domain.
    """
    _prctl(_PR_SET_DUMPABLE, 0)


def drop_capabilities() -> None:
    """Leave of root nothing but its number."""
    _prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL)
    if os.geteuid() == 0:
        _drop_bounding_set()
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    none = (ctypes.c_uint32 * 6)()
    _checked(_libc.capset(header, none))


def _drop_bounding_set() -> None:
    for capability in range(64):
        try:
            _prctl(_PR_CAPBSET_DROP, capability)
        except PermissionError:  # root by name alone: the set is empty where it matters
            return
        except OSError:  # past the last one
            return
