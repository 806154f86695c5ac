"""On which CPU a child begins."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from functools import partial

from .kernel import Step, current_cpu


class Turns:
    """The CPUs of a zygote: each child begins on another one than the child before, which may still be at work there.

    Left to itself the kernel often has both take turns on one CPU, and another idle meanwhile.
    """

    def __init__(self) -> None:
        self._cpus: AbstractSet[int] = os.sched_getaffinity(0) if sys.platform == "linux" else frozenset()

    def take(self) -> None:
        """In the zygote, after a fork: let the next one happen elsewhere."""
        if len(self._cpus) > 1:
            _use(self._cpus - {current_cpu()})

    @property
    def steps(self) -> Sequence[Step]:
        """What a child does to go wherever there is room."""
        return [partial(_use, self._cpus)] if len(self._cpus) > 1 else []


def _use(cpus: AbstractSet[int]) -> None:
    try:  # noqa: SIM105 - this is done in each child, for which less is quicker
        os.sched_setaffinity(0, cpus)
    except OSError:  # the system has taken some of them away meanwhile
        pass
