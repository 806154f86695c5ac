"""One arm against the control, on the problems that both settled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from math import ceil, sqrt
from statistics import NormalDist

from pytest_koderz.core.experiment import Experiment

from .bounded_means import ROUNDING, Sample, sample_of, score_of
from .intervals import (
    Interval,
    clustered_noninferiority_p,
    mcnemar_exact,
    noninferiority_p,
    paired_difference,
    score,
)
from .problems import Tries, by_problem
from .savings import Savings, measured

CONFIDENCE = 0.95
LEVEL = (1 - CONFIDENCE) / 2
"""Of a one-sided test."""
POWER = 0.8
MOST = 1_000_000
"""Problems that are in anyone's reach."""
EVEN = 0.5
"""What a difference of 0 is brought to."""


class Claim(StrEnum):
    """What may be said of an arm against the control."""

    MATCHES = "matches"
    BETTER = "better"
    WORSE = "worse"
    INCONCLUSIVE = "inconclusive"


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

    def margin_p(self, margin: float) -> float:
        return noninferiority_p(self.only_arm, self.only_control, self.size, margin)

    @property
    def equality_p(self) -> float:
        return mcnemar_exact(self.only_arm, self.only_control)

    def scaled(self, size: int) -> Pairs:
        """The same shares over another number of problems."""
        return Pairs(round(self.only_arm * size / self.size), round(self.only_control * size / self.size), size)


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

    def margin_p(self, margin: float) -> float:
        return clustered_noninferiority_p(self.sample, margin)

    @property
    def equality_p(self) -> float:
        higher, lower = (
            sum(weight for value, weight in zip(sample.values, sample.weights, strict=True) if value > EVEN + ROUNDING)
            for sample in (self.sample, self.sample.mirrored)
        )
        return mcnemar_exact(round(higher * self.sample.size), round(lower * self.sample.size))

    def scaled(self, size: int) -> Differences:
        times = size / self.sample.size
        sample = replace(self.sample, size=size)
        return Differences(sample, self.only_arm * times, self.only_control * times, self.size * times)


@dataclass(frozen=True, slots=True)
class Comparison:
    """An arm against the control. The difference and savings are arm minus control and control minus arm."""

    arm: str
    control: str
    margin: float
    """How much lower a share of solved still counts as a match; set before the run."""
    problems: int
    """Settled by both; nothing else is compared."""
    left_out: int
    """Problems that at least one of the two did not settle."""
    solved: float
    """Problems that the arm solved; with several epochs the mean of each problem's epochs is added up."""
    control_solved: float
    only_arm: int
    """Problems that the arm solved and the control did not, or more often than the control."""
    only_control: int
    difference: float | None
    """Of the shares of solved. None: no problem was settled by both."""
    difference_interval: Interval | None
    p_value: float
    """Exact McNemar test that the arms are equal; with several epochs the sign test over problems."""
    margin_p_value: float
    """Exact one-sided test that the arm is lower by the margin or more; a match needs 0.025 or less."""
    savings: Savings
    savings_with_gpu: Savings | None
    """With the dollars of one's own GPUs. None: no rate is given."""
    claim: Claim
    problems_needed: int | None
    """For a conclusion with 80 % power, should the shares stay as they are. None: there is one, or none in reach."""


def compare(
    arm: Sequence[Experiment],
    control: Sequence[Experiment],
    margin: float = 0.05,
    local_rate: Decimal | None = None,
) -> Comparison:
    """Hold *arm* against *control*, problem by problem.

    The claim, with the interval of the difference at 95 %, in this order:

    - worse: the interval lies below 0, and so says the exact McNemar test (two-sided, 5 %).
    - better: the interval lies above 0, and so says the exact McNemar test.
    - matches: the interval lies above -margin, and so says the exact non-inferiority test (one-sided, 2.5 %).
    - inconclusive: anything else. A difference that is not significant is no match.

    The exact tests hold the level where the interval, which is asymptotic, may pass it by a fraction of a point.
    Experiments of different prompt versions are not compared. *local_rate* is in US dollars per GPU-hour.
    """
    theirs, ours = by_problem(control), by_problem(arm)
    shared = [key for key in ours if key in theirs and _versions(ours[key]) == _versions(theirs[key])]
    pairs = [(ours[key], theirs[key]) for key in shared]
    seen = {experiment.problem_id for experiment in (*arm, *control)}
    won, lost = _discordant(pairs)
    table = pairs_of(pairs)
    p_value = mcnemar_exact(*_discordant([_even(*pair) for pair in pairs]))
    claim = claim_of(table, p_value, margin)
    return Comparison(
        arm=_name(arm),
        control=_name(control),
        margin=margin,
        problems=len(pairs),
        left_out=len(seen) - len(pairs),
        solved=sum(mine.share for mine, _ in pairs),
        control_solved=sum(other.share for _, other in pairs),
        only_arm=won,
        only_control=lost,
        difference=table.difference if table else None,
        difference_interval=table.interval if table else None,
        p_value=p_value,
        margin_p_value=table.margin_p(margin) if table else 1.0,
        savings=measured(*_sides(pairs)),
        savings_with_gpu=None if local_rate is None else measured(*_sides(pairs), local_rate),
        claim=claim,
        problems_needed=problems_needed(table, len(pairs), margin) if claim is Claim.INCONCLUSIVE and table else None,
    )


def claim_of(table: Pairs | Differences | None, p_value: float, margin: float) -> Claim:
    """The claim as `compare` defines it; None is a table without problems."""
    if table is None:
        return Claim.INCONCLUSIVE
    interval, differs = table.interval, p_value <= 1 - CONFIDENCE
    if interval.high < 0 and differs:
        return Claim.WORSE
    if interval.low > 0 and differs:
        return Claim.BETTER
    if interval.low > -margin and table.margin_p(margin) <= LEVEL:
        return Claim.MATCHES
    return Claim.INCONCLUSIVE


def pairs_of(pairs: Sequence[tuple[Tries, Tries]]) -> Pairs | Differences | None:
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
    most = sum(min(mine.settled, other.settled) for mine, other in pairs)
    size = _effective_size(sample, (alone + other_alone) / len(pairs), most)
    return Differences(sample, alone * size / len(pairs), other_alone * size / len(pairs), size)


def _effective_size(sample: Sample, discordant: float, most: float) -> float:
    """The number of problems with one try each whose mean difference would vary as much as that of *sample* does."""
    mean, variance = 2 * sample.mean - 1, 4 * sample.variance / sample.size
    if variance < ROUNDING:
        return sample.size
    return min(max((discordant - mean**2) / variance, sample.size), most)


def problems_needed(table: Pairs | Differences, problems: int, margin: float) -> int | None:
    """How many problems a conclusion would take with 80 % power, should those of *table* be like all others.

    The nearer of the two limits that can be reached is aimed at: -margin (a match) or 0 (worse). n = (z_level s_0 +
    z_power s_1)^2 / distance^2, s_0 and s_1 being the standard deviations of one problem's difference where it is at
    the limit and where it is as seen: Connor (1987), Biometrics 43:207-211, and Nam (1997), Biometrics 53:1422-1430;
    more where `claim_of` would still be inconclusive about the table so enlarged.
    """
    goal = -margin if table.difference > -margin / 2 else 0.0
    distance = abs(table.difference - goal)
    if distance < ROUNDING:  # A margin of 0, and no difference seen.
        return None
    normal = NormalDist()
    at_limit = distance * sqrt(problems) / abs(table.score(goal))
    reach = normal.inv_cdf((1 + CONFIDENCE) / 2) * at_limit + normal.inv_cdf(POWER) * sqrt(table.variance)
    return _conclusive_from(table, ceil(max((reach / distance) ** 2, problems + 1)), margin)


def _conclusive_from(table: Pairs | Differences, size: int, margin: float) -> int | None:
    """The number of problems, *size* or more, from which *table* enlarged would be conclusive; None: beyond MOST.

    An arm that loses much on few problems and wins little on as many is never worse by the sign test.
    """
    short = size - 1
    while size <= MOST and _inconclusive(table.scaled(size), margin):
        short, size = size, ceil(size * 1.3)
    if size > MOST:
        return None
    while size - short > 1:
        middle = (short + size) // 2
        short, size = (middle, size) if _inconclusive(table.scaled(middle), margin) else (short, middle)
    return size


def _inconclusive(table: Pairs | Differences, margin: float) -> bool:
    return claim_of(table, table.equality_p, margin) is Claim.INCONCLUSIVE


def _sides(pairs: Sequence[tuple[Tries, Tries]]) -> tuple[list[Tries], list[Tries]]:
    return [mine for mine, _ in pairs], [other for _, other in pairs]


def _discordant(pairs: Sequence[tuple[Tries, Tries]]) -> tuple[int, int]:
    won = sum(mine.share > other.share for mine, other in pairs)
    return won, sum(mine.share < other.share for mine, other in pairs)


def _even(mine: Tries, other: Tries) -> tuple[Tries, Tries]:
    """As many epochs of each: of equal arms the one with more epochs has all solved less often, and none less often."""
    epochs = min(mine.settled, other.settled)
    return mine.first(epochs), other.first(epochs)


def _versions(tries: Tries) -> set[str]:
    """Of what prompts are made of; an arm may have texts of its own, which is then what is compared."""
    return {experiment.prompt_version.partition("-")[0] for experiment in tries.experiments}


def _name(experiments: Sequence[Experiment]) -> str:
    return experiments[0].arm if experiments else ""
