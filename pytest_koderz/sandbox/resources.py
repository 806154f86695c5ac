"""What a process has used and how it ended, seen from outside of it."""

from __future__ import annotations

import errno
import os
import signal
import time
from dataclasses import dataclass

_CPU_CLOCK = 2
"""CPUCLOCK_SCHED of a whole process, in the lowest bits of a clock id."""


@dataclass(frozen=True, slots=True)
class Usage:
    """None: the system does not tell."""

    cpu_seconds: float | None = None
    peak_rss_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Fate:
    """How a process ended: the number of a signal, or else the status it exited with. None: not known."""

    usage: Usage = Usage()
    signal: int | None = None
    status: int | None = None
    excess: str | None = None
    """What it had too much of, if it was killed for that."""

    def __str__(self) -> str:
        if self.excess:
            return f"the process was stopped: {self.excess}"
        if self.signal:
            return f"the process was killed by {_signal_name(self.signal)}"
        return "the process ended" if self.status is None else f"the process exited with status {self.status}"


def fate_of(told: list[int | float]) -> Fate:
    """From what a zygote tells of a child: exit code as the os module has it, CPU seconds, peak of memory in bytes."""
    if not told:
        return Fate()
    code, seconds, peak = told
    usage = Usage(float(seconds), int(peak))
    return Fate(usage, signal=-int(code)) if code < 0 else Fate(usage, status=int(code))


def usage_of(pid: int) -> Usage | None:
    """Of a living process; None where it is not any more, or the system does not tell."""
    try:
        status = _read(f"/proc/{pid}/status")
        peak = int(status.split(b"\nVmHWM:", 1)[1].split(None, 1)[0]) * 1024  # a name holds no line's end
    except (OSError, IndexError, ValueError):
        return None
    return Usage(cpu_seconds(pid), peak)


def handle_of(pid: int) -> int | None:
    """A descriptor that never names another process; None where the system has none, or a container forbids it."""
    try:
        return os.pidfd_open(pid)
    except AttributeError:
        return None
    except OSError as error:
        if error.errno in (errno.ENOSYS, errno.EPERM):
            return None
        raise


def cpu_seconds(pid: int) -> float:
    """Of all threads of a process; 0 where there is none such any more."""
    try:
        return time.clock_gettime((~pid << 3) | _CPU_CLOCK)
    except OSError:
        return 0.0


def threads_of(pid: int) -> int:
    """How many threads a process has; 0 where it is not any more, or the system does not tell."""
    try:
        return os.stat(f"/proc/{pid}/task").st_nlink - 2  # noqa: PTH116 - no path is needed
    except OSError:
        return 0


def waited_seconds(pid: int) -> float:
    """How long the process was ready to run and had no CPU; 0 where the system does not tell."""
    try:
        return int(_read(f"/proc/{pid}/schedstat").split()[1]) / 1e9
    except (OSError, IndexError, ValueError):
        return 0.0


def _read(path: str) -> bytes:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return os.read(descriptor, 4096)
    finally:
        os.close(descriptor)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
