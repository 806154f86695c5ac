"""The lines at the top of a run: what will take part."""

from __future__ import annotations

from collections.abc import Iterable

from pytest_koderz.core.arm import Arm, CheckpointPolicy, SpecPolicy
from pytest_koderz.core.money import Price


def arm_lines(arms: Iterable[Arm]) -> list[str]:
    """`koderz: spec claude-opus-5-5 (anthropic), ..., at most 50 iterations, a checkpoint every 5`."""
    return [f"arm {arm.name}: {_players(arm)}, {_limits(arm)}" for arm in arms]


def _players(arm: Arm) -> str:
    return ", ".join(f"{role} {model.model} ({model.backend})" for role, model in arm.cast)


def _limits(arm: Arm) -> str:
    words = ["one try" if arm.max_iterations == 1 else f"at most {arm.max_iterations} iterations"]
    if arm.candidates > 1:
        best = f", the {arm.beam} best of which go on" if arm.beam > 1 else ""
        words.append(f"{arm.candidates} candidates at once{best}")
    if arm.spec is not None and arm.spec_policy is SpecPolicy.LAZY:
        words.append("the spec after the first failure")
    if arm.checkpoint is not None and arm.max_iterations > 1:
        words.append(_checkpoints(arm))
    if arm.accept_on != "base":
        words.append(_ACCEPTANCE[arm.accept_on])
    if arm.recall_guidance:
        words.append("with advice from earlier experiments")
    if arm.grade_on != "base":
        words.append(f"graded on the {arm.grade_on} tests")
    return ", ".join(words)


_ACCEPTANCE = {"visible": "the task's examples end it", "none": "its first code ends it"}


def _checkpoints(arm: Arm) -> str:
    when = {
        CheckpointPolicy.INTERVAL: f"every {arm.checkpoint_interval}",
        CheckpointPolicy.PLATEAU: f"after {arm.checkpoint_interval} without progress",
        CheckpointPolicy.ASKED: "when it is asked for",
    }[arm.checkpoint_policy]
    most = "" if arm.max_reviews is None else f", at most {arm.max_reviews}"
    asked_itself = arm.checkpoint_policy is CheckpointPolicy.ASKED and arm.checkpoint == arm.local
    return f"a checkpoint {when}{most}{' (warning: the model asks itself)' if asked_itself else ''}"


def price_line(arms: Iterable[Arm]) -> str:
    """Where the prices come from and of which day they are; a model without one is named."""
    models = {model.name: model for arm in arms for _, model in arm.cast}.values()
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
