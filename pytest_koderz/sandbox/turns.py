"""On which CPU a child begins."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from functools import partial

from .kernel import Call, Step, telling_cpu


def take_turns() -> Sequence[Step]:
    """What each child of this zygote does so that the next one begins on another CPU than it is at work on.

    Left to itself the kernel often has both take turns on one, and another idle meanwhile. The zygote sleeps by then,
    so that nobody has to move; the child, which begins where that one may be, itself goes wherever there is room.
    """
    cpus = os.sched_getaffinity(0) if sys.platform == "linux" else set()
    if len(cpus) < 2:
        return []
    others = {cpu: tuple(cpus - {cpu}) for cpu in cpus}
    return [partial(_use, 0, tuple(cpus)), partial(_leave, os.getpid(), others, telling_cpu())]


def _leave(zygote: int, others: Mapping[int, Sequence[int]], cpu: Call) -> None:
    _use(zygote, others.get(cpu(), ()))


def _use(process: int, cpus: Sequence[int]) -> None:
    try:  # noqa: SIM105 - this is done in each child, for which less is quicker
        os.sched_setaffinity(process, cpus)
    except OSError:  # the system has taken some of them away meanwhile
        pass
