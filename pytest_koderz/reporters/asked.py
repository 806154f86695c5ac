"""What the models of an experiment were asked, made again from its record."""

from __future__ import annotations

from dataclasses import replace

from pytest_koderz.core.arm import Arm, Role
from pytest_koderz.core.beam import line_to
from pytest_koderz.core.experiment import Experiment, Guidance
from pytest_koderz.core.iteration import Iteration
from pytest_koderz.core.ports import Prompt
from pytest_koderz.core.problem import Problem
from pytest_koderz.core.prompts import checkpoint_prompt, fallback_prompt, next_prompt, room_of, spec_prompt


def can_be_told(experiment: Experiment, arm: Arm) -> bool:
    """Whether its prompts were made of the texts that *arm* has, and this version beside them."""
    return experiment.prompt_version == arm.prompt_set.version


def asked_for_spec(problem: Problem, arm: Arm) -> Prompt:
    return spec_prompt(problem, 0, arm.prompt_set)


def asked_for_candidate(experiment: Experiment, iteration: Iteration, problem: Problem, arm: Arm) -> Prompt:
    """What the candidates of *iteration* were asked with: the best one, where they went on from several."""
    if iteration.fallback and arm.fallback is not None:
        return fallback_prompt(problem, arm, room_of(arm.fallback), 0)
    room = room_of(arm.asked(Role.LOCAL, iteration.writer))
    before = _after(experiment, iteration.number - 1)
    parent = iteration.origins[iteration.best].parent if iteration.origins else None
    if parent is not None:
        before = replace(before, iterations=line_to(before.iterations, parent))
    return next_prompt(problem, before, arm, room, 0)


def asked_for_guidance(experiment: Experiment, guidance: Guidance, problem: Problem, arm: Arm) -> Prompt:
    """With the attempts as the loop recorded them, also where they were recalled from the memory."""
    earlier = tuple(each for each in experiment.checkpoints if each.number < guidance.number)
    before = replace(_after(experiment, guidance.after_iteration), checkpoints=earlier)
    shown = guidance.recalled or arm.checkpoint_interval
    return checkpoint_prompt(problem, before, before.iterations[-shown:], 0, arm.prompt_set)


def _after(experiment: Experiment, tried: int) -> Experiment:
    """As it stood after so many iterations, with the spec, advice and guidance that had come by then."""
    spec = experiment.spec
    return replace(
        experiment,
        spec=spec if spec is not None and spec.after_iteration <= tried else None,
        iterations=experiment.iterations[:tried],
        checkpoints=tuple(each for each in experiment.checkpoints if each.after_iteration <= tried),
        advice=tuple(each for each in experiment.advice if each.after_iteration <= tried),
    )
