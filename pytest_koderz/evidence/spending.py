"""Where the money went, and what it bought."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Literal

from pytest_koderz.core.arm import Arm, Role
from pytest_koderz.core.experiment import Experiment
from pytest_koderz.core.money import total

from .arms import dollars_of_role
from .intervals import Interval, wilson_clustered
from .problems import by_problem, fell_back, settled_of, solved_at
from .tables import pairs_of

Phase = Literal["spec", "iteration", "checkpoint", "fallback"]
Part = Literal["spec", "iterations", "checkpoints", "fallback"]


@dataclass(frozen=True, slots=True)
class Step:
    """One phase of the loop, over all settled experiments of an arm that came to it."""

    phase: Phase
    number: int
    """Of the iteration, the fallback's included; for a spec or checkpoint, of the iteration it followed, 0: of none."""
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

    part: Part
    extra_solved: float
    """Experiments, of an ablation problems; negative where the arm without the part solved more."""
    extra_dollars: Decimal | None
    problems: int
    basis: Literal["ablation", "within the arm"]
    without: str = ""
    """The arm that left the part out, of an ablation."""
    interval: Interval | None = None
    """Of `extra_solved`. None: there were no experiments."""
    alone: tuple[int, int] | None = None
    """Problems that the arm solved more often, and that the one without the part did. None: within the arm."""

    @property
    def dollars_per_extra(self) -> Decimal | None:
        """US dollars per extra solve. None: nothing extra was solved, or a price is unknown."""
        if self.extra_dollars is None or self.extra_solved <= 0:
            return None
        return self.extra_dollars / Decimal(str(self.extra_solved))


def steps_of(experiments: Sequence[Experiment]) -> tuple[Step, ...]:
    """Solved and dollars after the spec, each iteration and each checkpoint of one arm, in the order of the loop."""
    settled = settled_of(experiments)
    steps: list[Step] = []
    for number in range(max((len(experiment.iterations) for experiment in settled), default=0) + 1):
        for phase in ("iteration", "fallback", "spec", "checkpoint"):
            if any(_costs(experiment, phase, number) for experiment in settled):
                steps.append(_step(settled, phase, number, steps))
    return tuple(steps)


def _step(settled: Sequence[Experiment], phase: Phase, number: int, before: Sequence[Step]) -> Step:
    costs = [cost for experiment in settled for cost in _costs(experiment, phase, number)]
    dollars = total(costs)
    at = [solved_at(experiment) for experiment in settled]
    solved = sum(iteration is not None and iteration <= number for iteration in at)
    return Step(phase, number, len(costs), solved, dollars, total([*(step.step_dollars for step in before), dollars]))


def _costs(experiment: Experiment, phase: Phase, number: int) -> list[Decimal | None]:
    """What *experiment* paid in one step; empty where it did not come to it."""
    if phase == "spec":
        spec = experiment.spec
        return [spec.cost] if spec is not None and spec.after_iteration == number else []
    if phase == "checkpoint":
        return [guidance.cost for guidance in experiment.checkpoints if guidance.after_iteration == number]
    rounds = [iteration for iteration in experiment.iterations if iteration.number == number]
    return [iteration.cost for iteration in rounds if iteration.fallback is (phase == "fallback")]


def marginals_of(
    arm: Sequence[Experiment], others: Mapping[str, Sequence[Experiment]], definitions: Sequence[Arm]
) -> tuple[Marginal, ...]:
    """What each part of one arm's loop added: by the arm that leaves it out where one ran, else within the arm.

    *definitions* say which arm leaves out what; without them nothing is known of that. What a spec adds cannot be
    told within the arm. A part that no experiment came to is left out.
    """
    settled = settled_of(arm)
    ablations = _ablations(settled[0].arm, definitions) if settled else {}
    found: list[Marginal] = []
    for part, within in _PARTS.items():
        without = ablations.get(part)
        if without is not None and settled_of(others.get(without, ())):
            found.append(marginal_by_ablation(part, arm, others[without]))
        elif within is not None and _came_to(settled, part):
            found.append(within(settled))
    return tuple(found)


def _came_to(settled: Sequence[Experiment], part: Part) -> bool:
    return any(
        {
            "spec": experiment.spec is not None,
            "iterations": len(experiment.iterations) - fell_back(experiment) > 1,
            "checkpoints": bool(experiment.checkpoints),
            "fallback": fell_back(experiment),
        }[part]
        for experiment in settled
    )


def _ablations(name: str, definitions: Sequence[Arm]) -> Mapping[Part, str]:
    """By part the arm that differs from *name* in nothing but that it leaves the part out."""
    arm = next((one for one in definitions if one.name == name), None)
    if arm is None:
        return {}
    lesser: dict[Part, Arm] = {
        "spec": replace(arm, spec=None),
        "iterations": replace(arm, max_iterations=1),
        "checkpoints": replace(arm, checkpoint=None),
        "fallback": replace(arm, fallback=None),
    }
    return {
        part: other.name
        for part, without in lesser.items()
        for other in definitions
        if without != arm and replace(other, name=name) == without
    }


def marginal_iterations(experiments: Sequence[Experiment]) -> Marginal:
    """What iterations after the first added: their dollars, checkpoints left out, over the solves that came with them.

    All those solves are credited to the iterations, though guidance may have had its part. A fallback is none of them.
    """
    settled = settled_of(experiments)
    rounds = [iteration for experiment in settled for iteration in experiment.iterations]
    later = [iteration.cost for iteration in rounds if iteration.number > 1 and not iteration.fallback]
    return _within("iterations", settled, lambda one: (solved_at(one) or 0) > 1 and not fell_back(one), total(later))


def marginal_checkpoints(experiments: Sequence[Experiment]) -> Marginal:
    """What checkpoints added at best: their dollars over all solves that came after a first guidance.

    Some of these solves would have come without it; an ablation tells how many (`marginal_by_ablation`).
    """
    settled = settled_of(experiments)
    dollars = dollars_of_role(settled, Role.CHECKPOINT)
    return _within(
        "checkpoints", settled, lambda one: one.solved and bool(one.checkpoints) and not fell_back(one), dollars
    )


def marginal_fallback(experiments: Sequence[Experiment]) -> Marginal:
    """What the fallback added: nothing that it solved would have been solved without it."""
    settled = settled_of(experiments)
    dollars = dollars_of_role(settled, Role.FALLBACK)
    return _within("fallback", settled, lambda one: fell_back(one) and one.solved, dollars)


def _within(
    part: Part, settled: Sequence[Experiment], credited: Callable[[Experiment], bool], dollars: Decimal | None
) -> Marginal:
    """With the limits of the share of all experiments that it solved: Wilson's, clustered by problem."""
    problems = by_problem(settled).values()
    share = wilson_clustered([(sum(map(credited, tries.experiments)), tries.settled) for tries in problems])
    limits = None if share is None else Interval(share.low * len(settled), share.high * len(settled))
    extra = sum(map(credited, settled))
    return Marginal(part, extra, dollars, len(problems), "within the arm", interval=limits)


_PARTS: Mapping[Part, Callable[[Sequence[Experiment]], Marginal] | None] = {
    "spec": None,
    "iterations": marginal_iterations,
    "checkpoints": marginal_checkpoints,
    "fallback": marginal_fallback,
}
"""And what is said of each within the arm."""


def marginal_by_ablation(part: Part, arm: Sequence[Experiment], without: Sequence[Experiment]) -> Marginal:
    """What *part* added, by an arm that left it out: dollars and solves of *arm* less those of *without*.

    Over the problems that both settled; a problem counts with the mean of its epochs. The interval is that of the
    difference of two arms (`intervals.paired_difference`), in problems.
    """
    ours, theirs = by_problem(arm), by_problem(without)
    shared = [key for key in ours if key in theirs]
    differences = [ours[key].share - theirs[key].share for key in shared]
    cost, other = total(ours[key].cost() for key in shared), total(theirs[key].cost() for key in shared)
    extra = None if cost is None or other is None else cost - other
    table, n = pairs_of([(ours[key].solves, theirs[key].solves) for key in shared]), len(shared)
    limits = None if table is None else Interval(table.interval.low * n, table.interval.high * n)
    alone = sum(each > 0 for each in differences), sum(each < 0 for each in differences)
    name = without[0].arm if without else ""
    return Marginal(part, sum(differences), extra, n, "ablation", name, limits, alone)
