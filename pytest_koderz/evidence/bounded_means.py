"""The mean over problems of what lies between two bounds, such as the share of a problem's epochs that are solved."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from math import sqrt
from typing import Any

ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Sample:
    """Values from 0 to 1, one for each problem, and how much each weighs."""

    values: tuple[float, ...]
    """Each one once."""
    weights: tuple[float, ...]
    """Of the values; they add up to 1."""
    size: float
    """Problems; where they weigh differently, the effective number of them (Kish)."""

    @property
    def mean(self) -> float:
        return sum(value * weight for value, weight in zip(self.values, self.weights, strict=True))

    @property
    def variance(self) -> float:
        mean = self.mean
        return sum(weight * (value - mean) ** 2 for value, weight in zip(self.values, self.weights, strict=True))

    @property
    def mirrored(self) -> Sample:
        return Sample(tuple(1 - value for value in self.values), self.weights, self.size)


def sample_of(problems: Iterable[tuple[float, float]]) -> Sample:
    """The sample of `(value, weight)` of each problem, at least one."""
    weighed: Counter[float] = Counter()
    squares = 0.0
    for value, weight in problems:
        weighed[value] += weight  # type: ignore[assignment]  # a Counter may count in fractions
        squares += weight**2
    whole = sum(weighed.values())
    return Sample(tuple(weighed), tuple(weight / whole for weight in weighed.values()), whole**2 / squares)


def score_of(sample: Sample, mean: float) -> float:
    """How far the sample's mean lies above a true *mean*, standard normal in large samples.

    The score statistic, its variance that of the likeliest distribution that has this mean: one on the values seen
    and the bound beyond them, by nonparametric likelihood (Owen 1988, Biometrika 75:237-249). The bound matters:
    thirty problems without a total failure do not show that there are none. Of values 0 and 1 this is Wilson's
    statistic, of -1, 0 and 1 (brought to 0, 1/2 and 1) Tango's.
    """
    import numpy as np

    lift = sample.mean - mean
    if abs(lift) < ROUNDING:
        return 0.0
    if lift < 0:
        return -score_of(sample.mirrored, 1 - mean)
    values, weights = np.array(sample.values), np.array(sample.weights)
    if values.min() > 0 and mean * (weights / values).sum() <= 1:
        # The rest of the likelihood lies on 0, and the variance comes to this.
        variance = mean * lift
    else:
        variance = float(_tilted(values, weights, mean) @ values**2) - mean**2
    return lift / sqrt(variance / sample.size)


def _tilted(values: Any, weights: Any, mean: float) -> Any:
    """The likeliest probabilities of *values* under a *mean* between the lowest and that of *weights*."""
    from scipy.optimize import brentq

    away = (values - mean) / (mean - values.min())
    slant = float(brentq(lambda t: float((weights * away / (1 + t * away)).sum()), 0, 1 - 1e-12))
    return weights / (1 + slant * away)


def limits_of(sample: Sample, z: float) -> tuple[float, float]:
    """The means at which the score is *z* and -*z*."""
    return _low(sample, z), 1 - _low(sample.mirrored, z)


def _low(sample: Sample, z: float) -> float:
    from scipy.optimize import brentq

    seen = sample.mean
    if seen < ROUNDING:
        return 0.0
    return float(brentq(lambda mean: score_of(sample, mean) - z, ROUNDING * seen, seen, xtol=1e-12))
