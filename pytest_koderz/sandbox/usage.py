"""What a process has used, read from outside of it."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from pathlib import Path

_CPU_CLOCK = 2
"""CPUCLOCK_SCHED of a whole process, in the lowest bits of a clock id."""


@dataclass(frozen=True, slots=True)
class Usage:
    """None: the process had ended before it could be read, or the system does not tell."""

    cpu_seconds: float | None = None
    peak_rss_bytes: int | None = None


def usage_of(pid: int) -> Usage:
    return Usage(_cpu_seconds(pid), _peak_rss(pid)) if sys.platform == "linux" else Usage()


def _cpu_seconds(pid: int) -> float | None:
    try:
        return time.clock_gettime((~pid << 3) | _CPU_CLOCK)
    except OSError:
        return None


def _peak_rss(pid: int) -> int | None:
    try:
        status = Path(f"/proc/{pid}/status").read_bytes()
        return int(status.split(b"VmHWM:", 1)[1].split(None, 1)[0]) * 1024
    except (OSError, IndexError, ValueError):
        return None


def waited_seconds(pid: int) -> float:
    """How long the process was ready to run and had no CPU; 0 where the system does not tell."""
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_bytes().split()[1]) / 1e9
    except (OSError, IndexError, ValueError):
        return 0.0
