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
class ResourceUse:
    """None: the system does not tell."""

    cpu_seconds: float | None = None
    peak_rss_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class ExitStatus:
    """How a process ended: the number of a signal, or else the status it exited with. None: not known."""

    usage: ResourceUse = ResourceUse()
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


def exit_status_of(told: list[int | float]) -> ExitStatus:
    """From what a zygote tells of a child: exit code as the os module has it, CPU seconds, peak of memory in bytes."""
    if not told:
        return ExitStatus()
    code, seconds, peak = told
    usage = ResourceUse(float(seconds), int(peak))
    return ExitStatus(usage, signal=-int(code)) if code < 0 else ExitStatus(usage, status=int(code))


def resource_use_of(pid: int) -> ResourceUse | None:
    """Of a living process; None where it is not any more, or the system does not tell."""
    try:
        status = _read(f"/proc/{pid}/status")
        peak = int(status.split(b"\nVmHWM:", 1)[1].split(None, 1)[0]) * 1024  # a name holds no line's end
    except (OSError, IndexError, ValueError):
        return None
    return ResourceUse(cpu_seconds(pid), peak)


def pidfd_of(pid: int) -> int | None:
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
