"""On which CPU a child begins."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from functools import partial

from .kernel import Call, Step, telling_cpu


def take_turns() -> Sequence[Step]:
    """What each child of this zygote does so that the next one begins on another CPU than it is at work on.

    Left to itself the kernel often has both take turns on one, and another idle meanwhile. The zygote sleeps by then,
    so that nobody has to move; the child, which begins where that one may be, itself goes wherever there is room.
    """
    cpus: AbstractSet[int] = os.sched_getaffinity(0) if sys.platform == "linux" else frozenset()
    return [partial(_use, 0, cpus), partial(_leave, os.getpid(), cpus, telling_cpu())] if len(cpus) > 1 else []


def _leave(zygote: int, cpus: AbstractSet[int], cpu: Call) -> None:
    _use(zygote, cpus - {cpu()})


def _use(process: int, cpus: AbstractSet[int]) -> None:
    try:  # noqa: SIM105 - this is done in each child, for which less is quicker
        os.sched_setaffinity(process, cpus)
    except OSError:  # the system has taken some of them away meanwhile
        pass
