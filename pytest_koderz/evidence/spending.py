"""Where the money went, and what it bought."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from pytest_koderz.core.arm import Role
from pytest_koderz.core.experiment import Experiment
from pytest_koderz.core.money import total

from .arms import ArmFigures, dollars_of_role
from .problems import Tries, by_arm, by_problem, settled_of, solved_at

SECONDS_PER_HOUR = 3600


@dataclass(frozen=True, slots=True)
class Step:
    """One phase of the loop, over all settled experiments of an arm that came to it."""

    phase: Literal["spec", "iteration", "checkpoint"]
    number: int
    """Of the iteration; for a checkpoint, of the iteration it followed; 0 for the spec."""
    reached: int
    """Experiments that came to it."""
    solved: int
    """After it, in all."""
    step_dollars: Decimal | None
    dollars: Decimal | None
    """Spent up to and with it, in all."""


@dataclass(frozen=True, slots=True)
class Marginal:
    """What one part of the loop added."""

    part: Literal["spec", "iterations", "checkpoints"]
    extra_solved: float
    """Problems; negative where the arm without the part solved more."""
    extra_dollars: Decimal | None
    problems: int
    basis: Literal["ablation", "within the arm"]

    @property
    def dollars_per_extra(self) -> Decimal | None:
        """US dollars per extra solve. None: nothing extra was solved, or a price is unknown."""
        if self.extra_dollars is None or self.extra_solved <= 0:
            return None
        return self.extra_dollars / Decimal(str(self.extra_solved))


@dataclass(frozen=True, slots=True)
class Standing:
    """An arm's place among the others, over the problems that all of them settled."""

    arm: str
    problems: int
    solved: float
    dollars: Decimal | None
    dominated_by: tuple[str, ...]
    """Arms that solved as many or more for as little or less, and did better in one of the two."""


def steps_of(experiments: Sequence[Experiment]) -> tuple[Step, ...]:
    """Solved and dollars after the spec, each iteration and each checkpoint of one arm, in the order of the loop."""
    settled = settled_of(experiments)
    steps: list[Step] = []
    if any(experiment.spec is not None for experiment in settled):
        steps.append(_step(settled, "spec", 0, steps))
    for number in range(1, max((len(experiment.iterations) for experiment in settled), default=0) + 1):
        steps.append(_step(settled, "iteration", number, steps))
        if any(guidance.after_iteration == number for e in settled for guidance in e.checkpoints):
            steps.append(_step(settled, "checkpoint", number, steps))
    return tuple(steps)


def _step(
    settled: Sequence[Experiment],
    phase: Literal["spec", "iteration", "checkpoint"],
    number: int,
    before: Sequence[Step],
) -> Step:
    costs = [cost for experiment in settled for cost in _costs(experiment, phase, number)]
    dollars = total(costs)
    at = [solved_at(experiment) for experiment in settled]
    solved = sum(iteration is not None and iteration <= number for iteration in at)
    return Step(phase, number, len(costs), solved, dollars, total([*(step.step_dollars for step in before), dollars]))


def _costs(experiment: Experiment, phase: str, number: int) -> list[Decimal | None]:
    """What *experiment* paid in one step; empty where it did not come to it."""
    if phase == "spec":
        return [experiment.spec.cost] if experiment.spec is not None else []
    if phase == "iteration":
        return [iteration.cost for iteration in experiment.iterations if iteration.number == number]
    return [guidance.cost for guidance in experiment.checkpoints if guidance.after_iteration == number]


def marginal_iterations(experiments: Sequence[Experiment]) -> Marginal:
    """What iterations after the first added: their dollars, checkpoints left out, over the solves that came with them.

    All those solves are credited to the iterations, though guidance may have had its part.
    """
    settled = settled_of(experiments)
    later = [iteration.cost for experiment in settled for iteration in experiment.iterations if iteration.number > 1]
    extra = sum((solved_at(experiment) or 0) > 1 for experiment in settled)
    return Marginal("iterations", extra, total(later), len(by_problem(settled)), "within the arm")


def marginal_checkpoints(experiments: Sequence[Experiment]) -> Marginal:
    """What checkpoints added at best: their dollars over all solves that came after a first guidance.

    Some of these solves would have come without it; an ablation tells how many (`marginal_by_ablation`).
    """
    settled = settled_of(experiments)
    extra = sum(bool(experiment.checkpoints) and experiment.solved for experiment in settled)
    dollars = dollars_of_role(settled, Role.CHECKPOINT)
    return Marginal("checkpoints", extra, dollars, len(by_problem(settled)), "within the arm")


def marginal_by_ablation(
    part: Literal["spec", "iterations", "checkpoints"],
    arm: Sequence[Experiment],
    without: Sequence[Experiment],
) -> Marginal:
    """What *part* added, by an arm that left it out: dollars and solves of *arm* less those of *without*.

    Over the problems that both settled; a problem counts with the mean of its epochs.
    """
    ours, theirs = by_problem(arm), by_problem(without)
    shared = [key for key in ours if key in theirs]
    solved = sum(ours[key].share - theirs[key].share for key in shared)
    cost, other = total(ours[key].cost for key in shared), total(theirs[key].cost for key in shared)
    extra = None if cost is None or other is None else cost - other
    return Marginal(part, solved, extra, len(shared), "ablation")


def standings(experiments: Sequence[Experiment]) -> tuple[Standing, ...]:
    """Each arm's place by dollars and solved; the Pareto front is those with an empty `dominated_by`.

    Arms that settled nothing are left out. Of an arm with an unknown price nothing is said: it neither dominates nor
    is dominated.
    """
    tried = {arm: problems for arm, group in by_arm(experiments).items() if (problems := by_problem(group))}
    shared = set.intersection(*(set(problems) for problems in tried.values())) if tried else set()
    places = {arm: _place([problems[key] for key in problems if key in shared]) for arm, problems in tried.items()}
    return tuple(
        Standing(arm, len(shared), *place, tuple(rival for rival in places if _dominates(places[rival], place)))
        for arm, place in places.items()
    )


def _place(tries: Sequence[Tries]) -> tuple[float, Decimal | None]:
    return sum(each.share for each in tries), total(each.cost for each in tries)


def _dominates(rival: tuple[float, Decimal | None], place: tuple[float, Decimal | None]) -> bool:
    if rival[1] is None or place[1] is None:
        return False
    return rival[0] >= place[0] and rival[1] <= place[1] and rival != place


def gpu_dollars(figures: ArmFigures, local_rate: Decimal | None) -> Decimal | None:
    """US dollars of the GPU-seconds at *local_rate* dollars per GPU-hour; None where either is unknown."""
    if local_rate is None or figures.gpu_seconds is None:
        return None
    return Decimal(str(figures.gpu_seconds)) * local_rate / SECONDS_PER_HOUR
