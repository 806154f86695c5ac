"""How much of the gap between the local model alone and the control an arm makes up for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt

from pytest_koderz.core.arm import Arm
from pytest_koderz.core.experiment import Experiment

from .intervals import Interval
from .problems import by_problem

GAP_FROM = 60
"""Problems. Of fewer, a gap that looks sure is often one that looks too large."""


@dataclass(frozen=True, slots=True)
class RecoveredGap:
    """(arm - local) / (control - local), of the shares of solved on the problems that all three settled."""

    local: str
    """The arm that leaves out everything but the local model."""
    problems: int
    share: float | None
    """None: the control solved no more than the local model alone."""
    interval: Interval | None
    """None too where the control is not surely better than the local model, so that there may be no gap; and below
    GAP_FROM problems.
    """


def recovered_of(
    arm: str, own: Mapping[str, Sequence[Experiment]], definitions: Sequence[Arm], control: str
) -> RecoveredGap | None:
    """None where no arm ran that has *arm*'s local model alone."""
    local = _alone(arm, [one for one in definitions if one.name in own and one.name != control])
    if local is None or control not in own:
        return None
    mine, bottom, top = (by_problem(own[name]) for name in (arm, local, control))
    shared = [key for key in mine if key in bottom and key in top]
    gains = [mine[key].share - bottom[key].share for key in shared]
    gaps = [top[key].share - bottom[key].share for key in shared]
    share = sum(gains) / sum(gaps) if sum(gaps) > 0 else None
    told = share is not None and len(shared) >= GAP_FROM
    return RecoveredGap(local, len(shared), share, fieller(gains, gaps) if told else None)


def _alone(name: str, definitions: Sequence[Arm]) -> str | None:
    """The one with the same limits goes before others."""
    arm = next((one for one in definitions if one.name == name), None)
    if arm is None or arm.is_local_alone:
        return None
    found = [one for one in definitions if one.is_local_alone and one.local == arm.local]
    found.sort(key=lambda one: (one.accept_on, one.max_iterations) != (arm.accept_on, arm.max_iterations))
    return found[0].name if found else None


def fieller(numerators: Sequence[float], denominators: Sequence[float], confidence: float = 0.95) -> Interval | None:
    """The interval of a ratio of two means, pair by pair: Fieller (1954), J. R. Stat. Soc. B 16:175-185.

    All ratios r for which the mean of `numerator - r * denominator` is not told from 0 by Student's test. None where
    they are not between two limits: the denominators' mean may be 0.
    """
    import numpy as np
    from scipy.special import stdtrit

    n = len(numerators)
    if n < 3:
        return None
    top, bottom = float(np.mean(numerators)), float(np.mean(denominators))
    (a, between), (_, b) = np.cov(numerators, denominators) / n
    reach = float(stdtrit(n - 1, (1 + confidence) / 2)) ** 2
    square, middle, constant = bottom**2 - reach * b, top * bottom - reach * between, top**2 - reach * a
    if square <= 0:
        return None
    half = sqrt(max(float(middle**2 - square * constant), 0.0))
    return Interval(float(middle - half) / square, float(middle + half) / square, confidence)
