"""Several looks at one benchmark, and the level that each of them may spend."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import ceil, pi, sqrt
from typing import Any

NEAR = 0.002
"""Looks whose information lies closer to the last one's spend their increment on their own, which is never too much."""
FINEST = 2000
"""Points at most of the grid on which a look's distribution is held."""
BELOW = 8.0
"""Standard deviations below 0 that the grid reaches."""


@dataclass(frozen=True, slots=True)
class Look:
    """A summary that was read: over how many problems, and how many were planned then."""

    problems: int
    planned: int

    @property
    def share(self) -> float:
        """Of the information that there will be."""
        return min(1.0, self.problems / self.planned) if self.planned else 1.0


def with_current(before: Sequence[Look], problems: int, planned: int | None) -> tuple[Look, ...]:
    """The looks up to that over *problems*; one over no more problems than an earlier one is none of its own.

    *planned* None: nobody knows how many there will be, and this is taken for the last look.
    """
    earlier: list[Look] = []
    for look in before:
        if (earlier[-1].problems if earlier else 0) < look.problems < problems:
            earlier.append(look)
    return (*earlier, Look(problems, max(planned or problems, problems)))


@lru_cache(maxsize=64)
def level_at(looks: tuple[Look, ...], alpha: float) -> float:
    """The one-sided level of a test at the last of *looks*, where all of them together may err with *alpha*.

    Alpha spending: Lan and DeMets (1983), Biometrika 70:659-663, with their function that is like the boundaries of
    O'Brien and Fleming (1979), Biometrics 35:549-556: 2 - 2 Phi(z_(alpha/2) / sqrt(t)) is spent when a share t of the
    information is there. Each look's boundary follows from the distribution of what went on from those before it, by
    numerical integration: Armitage, McPherson and Rowe (1969), J. R. Stat. Soc. A 132:235-244.
    """
    # The normal distribution of scipy.stats, which takes a second to import, is made of these two.
    from scipy.special import ndtr, ndtri

    spent, levels, passed = 0.0, [0.0], None
    whole = looks[-1].problems
    for look in looks:
        now = max(spent, float(2 * ndtr(ndtri(alpha / 2) / sqrt(look.share)))) if look.problems else spent
        levels.append(0.0)
        if now > spent:
            levels[-1], passed = _step(passed, look.problems / whole, now - spent)
        spent = now
    return levels[-1]


@dataclass(frozen=True, slots=True)
class _Passed:
    """The distribution of the score among benchmarks that no look has ended: density by point."""

    time: float
    """Information, as a share of the last look's."""
    points: Any
    weights: Any
    """Density times the distance of the points."""


def _step(before: _Passed | None, time: float, increment: float) -> tuple[float, _Passed]:
    """The level at which a look errs with *increment* where those before have not, and what goes on from it."""
    from scipy.optimize import brentq
    from scipy.special import ndtr, ndtri

    if before is None:
        limit = -float(ndtri(increment)) * sqrt(time)
        return increment, _cut(time, limit, lambda points: _density(points / sqrt(time)) / sqrt(time), sqrt(time))
    step = time - before.time
    if step < NEAR:
        return increment, before
    spread = sqrt(step)

    def beyond(limit: float) -> float:
        return float((before.weights * ndtr((before.points - limit) / spread)).sum())

    limit = float(brentq(lambda x: beyond(x) - increment, -BELOW, 2 * BELOW)) if beyond(-BELOW) > increment else -BELOW

    def density(points: Any) -> Any:
        return _density((points[:, None] - before.points) / spread) @ before.weights / spread

    return float(ndtr(-limit / sqrt(time))), _cut(time, limit, density, spread)


def _density(points: Any) -> Any:
    """Of the standard normal distribution."""
    import numpy as np

    return np.exp(-(points**2) / 2) / sqrt(2 * pi)


def _cut(time: float, limit: float, density: Any, spread: float) -> _Passed:
    """By the midpoints of a grid that is finer than what the next look can tell apart."""
    import numpy as np

    low = -BELOW * sqrt(time)
    number = min(FINEST, max(400, ceil((limit - low) / (min(spread, sqrt(NEAR)) / 3))))
    width = (limit - low) / number
    points = low + width * (np.arange(number) + 0.5)
    return _Passed(time, points, density(points) * width)
