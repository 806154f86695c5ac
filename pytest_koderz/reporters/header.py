"""The lines at the top of a run: what will take part."""

from __future__ import annotations

from collections.abc import Iterable

from pytest_koderz.core.arm import Arm, CheckpointPolicy
from pytest_koderz.core.money import Price


def arm_lines(arms: Iterable[Arm]) -> list[str]:
    """`koderz: spec claude-opus-5-5 (anthropic), ..., at most 50 iterations, a checkpoint every 5`."""
    return [f"arm {arm.name}: {_players(arm)}, {_limits(arm)}" for arm in arms]


def _players(arm: Arm) -> str:
    return ", ".join(f"{role} {model.model} ({model.backend})" for role, model in arm.models.items())


def _limits(arm: Arm) -> str:
    words = ["one try" if arm.max_iterations == 1 else f"at most {arm.max_iterations} iterations"]
    if arm.checkpoint is not None and arm.max_iterations > 1:
        plateau = arm.checkpoint_policy is CheckpointPolicy.PLATEAU
        words.append(f"a checkpoint {'after' if plateau else 'every'} {arm.checkpoint_interval}")
        words[-1] += " without progress" if plateau else ""
    if arm.recall_guidance:
        words.append("with advice from earlier experiments")
    if arm.grade_on != "base":
        words.append(f"graded on the {arm.grade_on} tests")
    return ", ".join(words)


def price_line(arms: Iterable[Arm]) -> str:
    """Where the prices come from and of which day they are; a model without one is named."""
    models = {model.name: model for arm in arms for model in arm.models.values()}.values()
    known = {_origin(model.price) for model in models if model.price is not None}
    unknown = [model.name for model in models if model.price is None]
    parts = [*sorted(known), *([f"unknown for {', '.join(unknown)}"] if unknown else [])]
    return f"prices: {'; '.join(parts)}"


def _origin(price: Price) -> str:
    if not price.input and not price.output:
        return f"$0 ({price.source})"
    return f"{price.source}, as of {price.as_of}"


def frontier_line(frontier: bool) -> str | None:
    """A warning where no frontier model can take part; None where one may."""
    if frontier:
        return None
    return "no frontier model takes part: this shows how the parts work together, it does not answer the question"
