"""How long one waits for a solved problem."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pytest_koderz.core.experiment import Experiment

from .intervals import Interval
from .problems import Tries
from .resampling import bootstrap_ratio


@dataclass(frozen=True, slots=True)
class Spread:
    """Of one quantity, over the problems that are compared."""

    per_solved: float | None
    """The unsolved included, as with dollars. None: nothing is solved."""
    median: float | None
    """Over the solved experiments, as is `p95`."""
    p95: float | None


@dataclass(frozen=True, slots=True)
class Pace:
    """Of one arm."""

    seconds: Spread
    """Wall-clock; experiments that run side by side wait for each other's servers."""
    calls: Spread
    """One after the other: a spec, each iteration and each checkpoint is one."""


@dataclass(frozen=True, slots=True)
class Latency:
    """An arm beside the control, on the problems that both settled."""

    arm: Pace
    control: Pace
    times_slower: float | None
    """Seconds per problem over the control's. None: the control took none."""
    times_slower_interval: Interval | None


def latency_of(arm: Sequence[Tries], control: Sequence[Tries]) -> Latency | None:
    """Of pairs of the same problems in the same order; None where there are none, or no time was taken."""
    mine, other = ([_mean(tries, _seconds) for tries in side] for side in (arm, control))
    if not sum(mine) or not sum(other):
        return None
    slower = bootstrap_ratio(mine, other, positive=True, tries=sum(one.settled for one in arm))
    return Latency(_pace(arm), _pace(control), sum(mine) / sum(other), slower)


def _pace(side: Sequence[Tries]) -> Pace:
    return Pace(_spread(side, _seconds), _spread(side, _calls))


def _spread(side: Sequence[Tries], amount: Callable[[Experiment], float]) -> Spread:
    import numpy as np

    solved = [amount(one) for tries in side for one in tries.experiments if one.solved]
    if not solved:
        return Spread(None, None, None)
    shares = sum(tries.share for tries in side)
    median, p95 = (float(np.quantile(solved, share)) for share in (0.5, 0.95))
    return Spread(sum(_mean(tries, amount) for tries in side) / shares, median, p95)


def _mean(tries: Tries, amount: Callable[[Experiment], float]) -> float:
    return sum(map(amount, tries.experiments)) / tries.settled


def _seconds(experiment: Experiment) -> float:
    return experiment.seconds


def _calls(experiment: Experiment) -> float:
    written = experiment.spec is not None and experiment.spec.recalled_from is None
    return written + len(experiment.iterations) + len(experiment.checkpoints)
