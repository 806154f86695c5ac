"""What an arm spends on a problem on which it comes to the cap on its iterations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from pytest_koderz.core.arm import Arm
from pytest_koderz.core.experiment import Experiment

from .problems import SECONDS_PER_HOUR, Tries, own_gpu_seconds


@dataclass(frozen=True, slots=True)
class Cap:
    """How long the loop may go on."""

    iterations: int
    checkpoints: int
    falls_back: bool


def cap_of(arm: Arm) -> Cap:
    """A checkpoint comes after each interval of failed iterations, but not after the last one."""
    checkpoints = 0 if arm.checkpoint is None else (arm.max_iterations - 1) // arm.checkpoint_interval
    return Cap(arm.max_iterations, checkpoints, arm.fallback is not None)


def dearest_of(tries: Sequence[Tries], definitions: Sequence[Arm], local_rate: Decimal | None = None) -> float:
    """US dollars of one more problem at the cap: all steps at what such steps cost on average, and the dearest problem
    that was seen at least. An arm without definition is taken to go as far as it was seen to go.
    """
    experiments = [one for each in tries for one in each.experiments]
    seen = max((float(cost) for each in tries if (cost := each.cost(local_rate)) is not None), default=0.0)
    if not experiments:
        return seen
    known = next((arm for arm in definitions if arm.name == experiments[0].arm), None)
    return max(seen, _at(_seen(experiments) if known is None else cap_of(known), experiments, local_rate))


def _seen(experiments: Sequence[Experiment]) -> Cap:
    return Cap(max(len(one.iterations) for one in experiments), max(len(one.checkpoints) for one in experiments), False)


def _at(cap: Cap, experiments: Sequence[Experiment], local_rate: Decimal | None) -> float:
    """A step that nobody came to is priced like the dearest kind of step that was seen."""
    spec = _mean(experiments, lambda one: [one.spec.cost] if one.spec is not None else [])
    iteration = _mean(experiments, lambda one: [step.cost for step in one.iterations if not step.fallback])
    checkpoint = _mean(experiments, lambda one: [guidance.cost for guidance in one.checkpoints])
    fallback = _mean(experiments, lambda one: [step.cost for step in one.iterations if step.fallback])
    unseen = max(spec or 0.0, iteration or 0.0, checkpoint or 0.0, fallback or 0.0)
    rest = cap.checkpoints * (unseen if checkpoint is None else checkpoint)
    rest += cap.falls_back * (unseen if fallback is None else fallback)
    return (spec or 0.0) + cap.iterations * ((iteration or 0.0) + _gpu_of_iteration(experiments, local_rate)) + rest


def _mean(experiments: Sequence[Experiment], costs: Callable[[Experiment], list[Decimal | None]]) -> float | None:
    """Of the steps' known costs. None: there is no such step."""
    known = [float(cost) for one in experiments for cost in costs(one) if cost is not None]
    return sum(known) / len(known) if known else None


def _gpu_of_iteration(experiments: Sequence[Experiment], local_rate: Decimal | None) -> float:
    """US dollars of one's own GPUs for an iteration, on average."""
    if local_rate is None:
        return 0.0
    seconds = sum(own_gpu_seconds(one) or 0.0 for one in experiments)
    return seconds / SECONDS_PER_HOUR * float(local_rate) / max(sum(len(one.iterations) for one in experiments), 1)
