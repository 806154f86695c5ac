"""Whether this process interrupts others when it wakes up."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress


@contextmanager
def patience(worthwhile: bool) -> Iterator[None]:
    """Let whoever wakes this process go on first, where that is *worthwhile*: he has more to say, and need not wait for
    us. Where both take turns it would cost a slice of time each turn on a busy machine.
    """
    if not worthwhile or not _is_usual():
        yield
        return
    _become(os.SCHED_BATCH)
    try:
        yield
    finally:
        _become(os.SCHED_OTHER)


def _is_usual() -> bool:
    """False where the user has chosen another policy, or the system has none."""
    return sys.platform == "linux" and os.sched_getscheduler(0) == os.SCHED_OTHER


def _become(policy: int) -> None:
    with suppress(OSError):
        os.sched_setscheduler(0, policy, os.sched_param(0))
