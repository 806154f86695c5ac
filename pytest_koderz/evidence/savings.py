"""What an arm saves against a frontier model alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Literal

from pytest_koderz.core.experiment import Experiment
from pytest_koderz.core.money import Price, Usage, cost_of, total

from .intervals import Interval, bootstrap_ratio
from .problems import Tries, by_problem

SHARE_FROM = 50
"""Experiments of an arm from which the interval of a share of dollars covers what it should: of 30, where nearly all
solve at once, too few are the expensive ones."""


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
    """Of the dollars. None: an estimate, whose error is not of the random kind, an unknown price, or one problem."""
    share_interval: Interval | None = None
    """None for the same reasons, and where the arm has fewer than SHARE_FROM experiments."""
    experiments: int = 0
    """Of the arm, over all epochs."""

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


def measured(arm: Sequence[Tries], control: Sequence[Tries], local_rate: Decimal | None = None) -> Savings:
    """Savings against a control that ran, over pairs of the same problems in the same order.

    Each problem counts with the mean of its epochs. Intervals are paired bootstraps over problems. With a *local_rate*
    the dollars of one's own GPUs are counted on both sides.
    """
    mine, other = [tries.cost(local_rate) for tries in arm], [tries.cost(local_rate) for tries in control]
    tries = sum(one.settled for one in arm)
    savings = Savings("measured", len(mine), total(mine), total(other), experiments=tries)
    if savings.dollars is None:
        return savings
    pairs = [(float(a), float(b)) for a, b in zip(mine, other, strict=True) if a is not None and b is not None]
    mean = bootstrap_ratio([b - a for a, b in pairs])
    share = None
    if savings.control_dollars and tries >= SHARE_FROM:
        share = bootstrap_ratio([b - a for a, b in pairs], [b for _, b in pairs], tries=tries)
    whole = None if mean is None else Interval(mean.low * len(pairs), mean.high * len(pairs), mean.confidence)
    return replace(savings, interval=whole, share_interval=share)


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
