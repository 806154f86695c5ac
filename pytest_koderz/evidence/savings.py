"""What an arm saves against a frontier model alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Literal

from pytest_koderz.core.arm import Arm
from pytest_koderz.core.experiment import Experiment
from pytest_koderz.core.money import Price, Usage, cost_of, total

from .caps import dearest_of
from .intervals import Interval, correlation_of, of_difference
from .problems import Tries, by_problem
from .resampling import bootstrap_ratio

SHARE_FROM = 60
"""Experiments of an arm from which the interval of a share of dollars covers what it should, on either side: of 50,
where nearly all solve at once, too few are the expensive ones."""
ROUNDING = 1e-9
WIDEST_RATIO = 100.0
"""Between the limits of what is paid in place of a dollar. Farther apart they say nothing."""
FEW_CARRY = "a few problems carry the dollars"
"""Why there is no interval, whatever one more problem would change."""


@dataclass(frozen=True, slots=True)
class Savings:
    """Control minus arm, in US dollars for one epoch of `problems` problems; negative where the arm costs more."""

    kind: Literal["measured", "estimate"]
    problems: int
    arm_dollars: Decimal | None
    control_dollars: Decimal | None
    assumption: str = ""
    """What an estimate rests on, in one sentence; to be shown in the same line. Empty for a measured control."""
    interval: Interval | None = None
    """Of the dollars. None: an estimate, whose error is not of the random kind, an unknown price, or `why_none`."""
    share_interval: Interval | None = None
    """None for the same reasons; below SHARE_FROM experiments of the arm neither has one."""
    experiments: int = 0
    """Of the arm, over all epochs."""
    dearest: float | None = None
    """The share of the arm's dollars that its dearest problem carries. None: an estimate, or it paid nothing."""
    one_more: float | None = None
    """`share`, were there one more problem on which the arm came to its cap. None: too few experiments."""
    why_none: str = ""
    """Why there are no intervals, though there are experiments enough. Empty: there are."""

    @property
    def free(self) -> bool:
        """The arm paid nothing: its tokens cost nothing, and its GPU is not counted."""
        return self.arm_dollars == 0

    @property
    def dollars(self) -> Decimal | None:
        """None where any price is unknown or no problem was settled by both."""
        if not self.problems or self.arm_dollars is None or self.control_dollars is None:
            return None
        return self.control_dollars - self.arm_dollars

    @property
    def share(self) -> float | None:
        """Of the control's dollars: 0.25 is a quarter saved. None: the control cost nothing, or a price is unknown."""
        if self.dollars is None or not self.control_dollars:
            return None
        return float(self.dollars / self.control_dollars)


@dataclass(frozen=True, slots=True)
class ControlEstimate:
    """What a frontier model alone would be charged for one problem, by assumption."""

    dollars_per_problem: Decimal | None
    assumption: str


def measured(
    arm: Sequence[Tries], control: Sequence[Tries], local_rate: Decimal | None = None, definitions: Sequence[Arm] = ()
) -> Savings:
    """Savings against a control that ran, over pairs of the same problems in the same order.

    Each problem counts with the mean of its epochs. Intervals are paired bootstraps over problems: of the share by the
    logarithm of what is paid in place of a dollar, of the dollars from those of the two sides (`of_difference`). With a
    *local_rate* the dollars of one's own GPUs are counted on both sides. *definitions* of the arms say how many
    iterations one more problem could take.
    """
    mine, other = [tries.cost(local_rate) for tries in arm], [tries.cost(local_rate) for tries in control]
    tries = sum(one.settled for one in arm)
    savings = Savings("measured", len(mine), total(mine), total(other), experiments=tries)
    if savings.dollars is None:
        return savings
    ours, theirs = ([float(cost) for cost in costs if cost is not None] for costs in (mine, other))
    savings = replace(savings, dearest=max(ours) / sum(ours) if sum(ours) > 0 else None)
    if tries < SHARE_FROM or savings.free or not savings.control_dollars:
        return savings
    caps = dearest_of(arm, definitions, local_rate), dearest_of(control, definitions, local_rate)
    return with_intervals(savings, ours, theirs, caps)


def with_intervals(
    savings: Savings, ours: Sequence[float], theirs: Sequence[float], caps: tuple[float, float]
) -> Savings:
    """With those of the dollars of each problem; *caps* are the dollars of one more problem at the cap of each side.

    None are given that one more problem at the cap would prove wrong, or that say nothing.
    """
    one_more = tuple(1 - paid for paid in _with_one_more(ours, theirs, caps))
    paid = bootstrap_ratio(ours, theirs, positive=True, tries=savings.experiments)
    told = replace(savings, one_more=one_more[0])
    if paid is None or paid.high > WIDEST_RATIO * paid.low:
        return replace(told, why_none=FEW_CARRY)
    share = Interval(1 - paid.high, 1 - paid.low, paid.confidence)
    if not all(share.low - ROUNDING <= saved <= share.high + ROUNDING for saved in one_more):
        return replace(told, why_none="one more problem at the cap would leave it")
    return replace(told, share_interval=share, interval=_of_dollars(ours, theirs, savings.experiments))


def _with_one_more(ours: Sequence[float], theirs: Sequence[float], caps: tuple[float, float]) -> tuple[float, float]:
    """What is paid in place of a dollar, were there one more problem at the arm's cap, or at the control's."""
    mine, other, n = sum(ours), sum(theirs), len(ours)
    return (mine + caps[0]) / (other + other / n), (mine + mine / n) / (other + caps[1])


def _of_dollars(ours: Sequence[float], theirs: Sequence[float], tries: int) -> Interval | None:
    # Over ones, so that they are widened for small samples as the share's interval is.
    limits = [bootstrap_ratio(side, [1.0] * len(side), positive=True, tries=tries) for side in (theirs, ours)]
    if limits[0] is None or limits[1] is None:
        return None
    n = len(ours)
    each = of_difference(sum(theirs) / n, limits[0], sum(ours) / n, limits[1], correlation_of(ours, theirs))
    return Interval(each.low * n, each.high * n, each.confidence)


def estimate_control(model: str, price: Price | None, tokens: Usage) -> ControlEstimate:
    """What *model* alone would be charged for a problem that takes *tokens* in one try."""
    spent = f"assuming {tokens.prompt} tokens in and {tokens.output} out per problem in one try by {model}"
    if price is None:
        return ControlEstimate(None, f"{spent}, whose price is not known")
    return ControlEstimate(
        cost_of(tokens, price), f"{spent} at its list price of {price.as_of.isoformat()} ({price.source})"
    )


def estimated(arm: Sequence[Experiment], control: ControlEstimate, local_rate: Decimal | None = None) -> Savings:
    """Savings against a control that never ran. Nothing is known of how much it would have solved."""
    problems = list(by_problem(arm).values())
    each = control.dollars_per_problem
    whole = None if each is None else each * len(problems)
    spent, tries = total(one.cost(local_rate) for one in problems), sum(one.settled for one in problems)
    return Savings("estimate", len(problems), spent, whole, control.assumption, experiments=tries)
