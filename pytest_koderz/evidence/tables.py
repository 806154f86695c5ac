"""Who solved what the other did not, problem by problem, as a table with its tests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist

from .bounded_means import ROUNDING, Sample, sample_of, score_of
from .intervals import (
    Interval,
    clustered_noninferiority_p,
    mcnemar_exact,
    noninferiority_p,
    paired_difference,
    score,
)

CONFIDENCE = 0.95
EVEN = 0.5
"""What a difference of 0 is brought to."""


@dataclass(frozen=True, slots=True)
class Solves:
    """Of one arm on one problem."""

    solved: int
    tries: int

    @property
    def share(self) -> float:
        return self.solved / self.tries


@dataclass(frozen=True, slots=True)
class Pairs:
    """Problems that each arm tried once, as a table."""

    only_arm: int
    only_control: int
    size: int
    """Problems."""

    @property
    def difference(self) -> float:
        return (self.only_arm - self.only_control) / self.size

    @property
    def variance(self) -> float:
        """Of the difference on one problem."""
        return (self.only_arm + self.only_control) / self.size - self.difference**2

    @property
    def interval(self) -> Interval:
        return paired_difference(self.only_arm, self.only_control, self.size, CONFIDENCE)

    def score(self, difference: float) -> float:
        """How far what was seen lies above a true *difference*, in its standard errors there."""
        return float(score(self.only_arm, self.only_control, self.size, difference))

    def interval_score(self, difference: float) -> float:
        """The same as the interval has it."""
        return self.score(difference)

    def margin_p(self, margin: float) -> float:
        return noninferiority_p(self.only_arm, self.only_control, self.size, margin)

    @property
    def equality_p(self) -> float:
        return mcnemar_exact(self.only_arm, self.only_control)


@dataclass(frozen=True, slots=True)
class Differences:
    """Problems that an arm tried several times: the difference in the share of solved epochs on each.

    The interval shows how far what was seen varies. That an arm matches takes more: problems that were not met may
    differ more than any that was, as where an arm always fails on one in twenty.
    """

    sample: Sample
    """A problem counts once. Differences are brought from -1..1 to 0..1."""
    only_arm: float
    """Of `size` problems with one try each, as many as vary like these; likewise `only_control`."""
    only_control: float
    size: float

    @property
    def difference(self) -> float:
        return 2 * self.sample.mean - 1

    @property
    def variance(self) -> float:
        return 4 * self.sample.variance

    @property
    def interval(self) -> Interval:
        return paired_difference(self.only_arm, self.only_control, self.size, CONFIDENCE)

    def score(self, difference: float) -> float:
        return score_of(self.sample, (1 + difference) / 2)

    def interval_score(self, difference: float) -> float:
        return float(score(self.only_arm, self.only_control, self.size, difference))

    def margin_p(self, margin: float) -> float:
        return clustered_noninferiority_p(self.sample, margin)

    @property
    def equality_p(self) -> float:
        higher, lower = (
            sum(weight for value, weight in zip(sample.values, sample.weights, strict=True) if value > EVEN + ROUNDING)
            for sample in (self.sample, self.sample.mirrored)
        )
        return mcnemar_exact(round(higher * self.sample.size), round(lower * self.sample.size))


Table = Pairs | Differences


def pairs_of(pairs: Sequence[tuple[Solves, Solves]]) -> Table | None:
    """The table of *pairs*; None where there are none. Epochs that all agree make it one of single tries.

    With several epochs each problem is one cluster. A try of the arm and one of the control on the same problem are
    independent, so `share * (1 - other share)` is that problem's chance of "arm alone". The table of these is shrunk
    or grown by the design effect of Kish, as Obuchowski (1998), Stat. Med. 17:1495-1507, uses it for clustered pairs;
    its size lies between the number of problems and the number of tries.
    """
    if not pairs:
        return None
    differences = [mine.share - other.share for mine, other in pairs]
    if set(differences) <= {-1, 0, 1}:
        return Pairs(differences.count(1), differences.count(-1), len(pairs))
    sample = sample_of(((1 + difference) / 2, 1) for difference in differences)
    alone = sum(mine.share * (1 - other.share) for mine, other in pairs)
    other_alone = sum(other.share * (1 - mine.share) for mine, other in pairs)
    most = sum(min(mine.tries, other.tries) for mine, other in pairs)
    size = _effective_size(sample, (alone + other_alone) / len(pairs), most)
    return Differences(sample, alone * size / len(pairs), other_alone * size / len(pairs), size)


def _effective_size(sample: Sample, discordant: float, most: float) -> float:
    """The number of problems with one try each whose mean difference would vary as much as that of *sample* does."""
    mean, variance = 2 * sample.mean - 1, 4 * sample.variance / sample.size
    if variance < ROUNDING:
        return sample.size
    return min(max((discordant - mean**2) / variance, sample.size), most)


@dataclass(frozen=True, slots=True)
class Strength:
    """One-sided p-values: how likely what was seen, or more, would be if a claim were false."""

    matches: float
    better: float
    worse: float

    def weaker(self, other: Strength) -> Strength:
        """Of each claim the larger one."""
        return Strength(max(self.matches, other.matches), max(self.better, other.better), max(self.worse, other.worse))


NOTHING = Strength(1.0, 1.0, 1.0)
"""Where no problem was settled by both."""


def strength_of(table: Table | None, p_value: float, margin: float) -> Strength:
    """Of each claim the larger p-value of two tests: the score test, which the interval of the difference inverts, and
    an exact one, that of non-inferiority for a match and half of the two-sided *p_value* for a difference. The exact
    tests hold the level where the score test, which is asymptotic, may pass it by a fraction of a point.
    """
    if table is None:
        return NOTHING
    at_margin, at_zero = table.interval_score(-margin), table.interval_score(0.0)
    higher, lower = _above(at_zero), _above(-at_zero)
    exact = table.margin_p(margin) if at_margin > 0 else 1.0
    return Strength(max(_above(at_margin), exact), max(higher, p_value / 2), max(lower, p_value / 2))


def _above(z: float) -> float:
    """The chance of a standard normal value above *z*."""
    return NormalDist().cdf(-z)


def without_floor(strength: Strength) -> Strength:
    """Where no match can be claimed, however equal the two are."""
    return replace(strength, matches=1.0)
