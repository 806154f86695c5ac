"""What the models would be sent."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pytest_koderz.core.arm import Arm, CheckpointPolicy
from pytest_koderz.core.experiment import Experiment, Guidance, Spec
from pytest_koderz.core.iteration import Candidate, FeedbackPolicy, Iteration, Outcome, Verdict
from pytest_koderz.core.ports import Prompt
from pytest_koderz.core.problem import Problem
from pytest_koderz.core.prompts import checkpoint_prompt, fallback_prompt, next_prompt, spec_prompt
from pytest_koderz.session.items import ExperimentItem

from .printing import print_selected


def print_prompts(config: pytest.Config, session: pytest.Session) -> int:  # noqa: ARG001 - as pytest calls it
    """--koderz-prompt: the prompts of each arm for the problems that are picked; what models say is made up."""
    return print_selected(session, lambda items, _columns: _lines(items))


def _lines(items: list[ExperimentItem]) -> Iterator[str]:
    for item in {(item.problem.id, item.arm.name): item for item in items}.values():  # whatever epochs there are
        for title, prompt in prompts_of(item.arm, item.problem):
            names = ", ".join(model.name for model in item.arm.players(prompt.role))
            yield f"==== {item.problem.id}[{item.arm.name}]: {title}, to {names}"
            yield from ("---- system", *prompt.system.splitlines(), "---- user", *prompt.user.splitlines(), "")


def prompts_of(arm: Arm, problem: Problem) -> Iterator[tuple[str, Prompt]]:
    """One of each kind that the arm sends, in the order of the loop."""
    prompts = arm.prompt_set
    record = Experiment("", problem.id, arm.name)
    if arm.spec is not None:
        yield "spec", spec_prompt(problem, 0, prompts)
        record = record.with_spec(Spec("(what the spec says)", ""))
    yield "first candidate", next_prompt(problem, record, arm, None, 0)
    record = record.with_iteration(_failed(problem, arm.feedback))
    if arm.max_iterations > 1:
        title = f"candidate after a failure, in iterations 2 to {arm.max_iterations}"
        yield title, next_prompt(problem, record, arm, None, 0)
    if arm.may_review(0) and arm.max_iterations > _first_review(arm):
        title = f"checkpoint, {_WHEN[arm.checkpoint_policy].format(arm.checkpoint_interval)}"
        yield title, checkpoint_prompt(problem, record, record.iterations, 0, prompts)
        guided = record.with_checkpoint(Guidance(1, 1, "(what the reviewer says)", ""))
        yield "candidate after a checkpoint", next_prompt(problem, guided, arm, None, 0)
    if arm.fallback is not None:
        yield "fallback", fallback_prompt(problem, arm, None, 0)


_WHEN = {
    CheckpointPolicy.INTERVAL: "every {} iterations",
    CheckpointPolicy.PLATEAU: "after {} iterations without progress",
    CheckpointPolicy.ASKED: "when the model that writes asks for it",
}


def _first_review(arm: Arm) -> int:
    """After how many iterations there can be one."""
    return 1 if arm.checkpoint_policy is CheckpointPolicy.ASKED else arm.checkpoint_interval


def _failed(problem: Problem, policy: FeedbackPolicy) -> Iteration:
    candidate = Candidate(f"def {problem.entry_point}(...):\n    ...  # what was tried")
    told = "" if policy is FeedbackPolicy.NONE else f"(what the policy `{policy}` tells of it)"
    return Iteration(1, (candidate,), (Verdict(Outcome.WRONG),), feedback=told)
