"""What the models are asked, as pure functions from values to text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from .arm import Arm, ModelSettings, Role
from .experiment import Experiment
from .iteration import Iteration, Outcome, StopReason
from .ports import Prompt
from .problem import Problem
from .templates import FIELDS, SHIPPED, PromptSet, Template

PROBLEM_HEADING = "# Task"
SPEC_HEADING = "# Specification"
ATTEMPTS_HEADING = "# Earlier attempts, all of them failed"
ADVICE_HEADING = "# What helped with a like failure on another task"
GUIDANCE_HEADING = "# Guidance of a senior reviewer"

ASK_LINE = "ASK REVIEWER:"
"""What a line begins with by which a model asks its reviewer, where the arm lets it."""
ASKING = (
    f"If you are stuck you may ask a senior reviewer: after the code add a line `{ASK_LINE} ` and your question. "
    "The answer costs money, and comes with your next try."
)

CHARACTERS_PER_TOKEN = 3
"""A low estimate for code, so that a prompt planned with it fits the context window."""

QUESTION_LENGTH = 1000
"""Characters of a question that the reviewer is shown."""

HOTTER = 0.4
"""Added to the temperature after a repeated candidate."""


REPEATED = "Your last reply repeated an earlier one, which fails. Take another approach."


def room_of(settings: ModelSettings) -> int | None:
    """Characters that a prompt for the model may take. None: no limit is known."""
    if settings.context_tokens is None:
        return None
    return max(settings.context_tokens - settings.max_tokens, 0) * CHARACTERS_PER_TOKEN


def spec_prompt(problem: Problem, seed: int, prompts: PromptSet = SHIPPED) -> Prompt:
    """Phase 1: the frontier reads the problem for the local model."""
    return _filled(prompts.spec, problem, Role.SPEC, seed, {})


def candidate_prompt(
    problem: Problem,
    experiment: Experiment,
    shown: int,
    room: int | None,
    seed: int,
    role: Role = Role.LOCAL,
    *,
    may_ask: bool = False,
    prompts: PromptSet = SHIPPED,
) -> Prompt:
    """Phase 2: a model writes, knowing the spec, the last *shown* attempts and the latest guidance or else advice.

    *room* is the number of characters that system and user message may take together; the oldest attempts are left
    out first, then the spec. None: no limit is known.
    """
    template = prompts.fallback if role is Role.FALLBACK else prompts.candidate
    repeated = any(iteration.repeated for iteration in experiment.iterations[-1:])
    values = {
        "guidance": "\n\n".join(_guidance(experiment)),
        "repeated": REPEATED if repeated else "",
        "asking": ASKING if may_ask else "",
        "spec": _specification(experiment),
    }
    if room is not None and _length(template, problem, values) >= room:
        values["spec"] = ""
    left = None if room is None else room - _length(template, problem, values)
    attempts = [_attempt(iteration) for iteration in experiment.iterations[-shown:]] if shown else []
    values["attempts"] = "\n\n".join(_attempts(attempts, left))
    return replace(_filled(template, problem, role, seed, values), heat=HOTTER if repeated else 0.0)


def next_prompt(
    problem: Problem, experiment: Experiment, arm: Arm, room: int | None, seed: int, turn: int = 0
) -> Prompt:
    """What the local model of *arm* is asked after all that *experiment* has been through, for the candidate of a turn,
    counted from 0.
    """
    may_ask = arm.may_ask(len(experiment.checkpoints))
    prompt = candidate_prompt(
        problem, experiment, arm.attempts_shown, room, seed, may_ask=may_ask, prompts=arm.prompt_set
    )
    share = turn / (arm.candidates - 1) if turn else 0.0
    return replace(prompt, heat=min(prompt.heat + round(arm.spread * share, 3), 1.0)) if arm.spread else prompt


def fallback_prompt(problem: Problem, arm: Arm, room: int | None, seed: int) -> Prompt:
    """What the fallback model of *arm* is asked: it is shown the problem and nothing of what was tried."""
    untried = Experiment("", problem.id, arm.name)
    return candidate_prompt(problem, untried, 0, room, seed, Role.FALLBACK, prompts=arm.prompt_set)


def checkpoint_prompt(
    problem: Problem, experiment: Experiment, recalled: Sequence[Iteration], seed: int, prompts: PromptSet = SHIPPED
) -> Prompt:
    """Phase 3: the frontier reviews the attempts that were recalled from memory."""
    question = experiment.iterations[-1].question if experiment.iterations else ""
    values = {
        "attempts": "\n\n".join(_attempts([_attempt(iteration) for iteration in recalled], None)),
        "guidance": _section("# Your guidance so far, which did not suffice", experiment.guidance or ""),
        "question": _section("# The programmer asks", question),
    }
    return _filled(prompts.checkpoint, problem, Role.CHECKPOINT, seed, values)


def _filled(template: Template, problem: Problem, role: Role, seed: int, values: Mapping[str, str]) -> Prompt:
    stable, rest = template.rendered(_fields(problem, values))
    return Prompt(template.system, stable, "\n\n".join(rest), problem.id, role, seed)


def _fields(problem: Problem, values: Mapping[str, str]) -> Mapping[str, str]:
    empty = dict.fromkeys((name for names in FIELDS.values() for name in names), "")
    return {
        **empty,
        "task": _section(PROBLEM_HEADING, problem.prompt.strip()),
        "entry_point": problem.entry_point,
        **values,
    }


def _length(template: Template, problem: Problem, values: Mapping[str, str]) -> int:
    """Characters of all that is sent, but for the attempts and the lines between the paragraphs."""
    stable, rest = template.rendered(_fields(problem, {**values, "attempts": ""}))
    return len(template.system) + len(stable) + sum(map(len, rest))


def _section(heading: str, text: str) -> str:
    return f"{heading}\n{text}" if text else ""


def _specification(experiment: Experiment) -> str:
    spec = experiment.spec
    return _section(SPEC_HEADING, spec.text) if spec is not None and spec.usable else ""


def question_in(reply: str) -> str:
    """What *reply* asks the reviewer, the last time that it does; empty where it asks nothing."""
    lines = [line.strip().strip("*`# ") for line in reply.splitlines()]
    asked = [line[len(ASK_LINE) :].strip("*` ") for line in lines if line.upper().startswith(ASK_LINE)]
    return asked[-1][:QUESTION_LENGTH] if asked else ""


def _guidance(experiment: Experiment) -> list[str]:
    """The latest guidance; before the first, what helped other experiments."""
    if experiment.guidance:
        return [f"{GUIDANCE_HEADING}\n{experiment.guidance}"]
    return [f"{ADVICE_HEADING}\n{advice.text}" for advice in experiment.advice]


def _attempts(attempts: list[str], left: int | None) -> list[str]:
    """The section of attempts, the latest that fit into *left* characters; none where there are none."""
    kept: list[str] = []
    for attempt in reversed(attempts):
        if left is not None:
            left -= len(attempt) + 2
            if left < len(ATTEMPTS_HEADING):
                break
        kept.insert(0, attempt)
    return ["\n\n".join([ATTEMPTS_HEADING, *kept])] if kept else []


def _attempt(iteration: Iteration) -> str:
    """One attempt as a model is shown it. A repeated candidate is named, not shown again."""
    lines = [f"## Attempt {iteration.number}"]
    if iteration.repeated:
        return "\n".join([*lines, "The same code as an earlier attempt."])
    if iteration.candidate is None:
        lines.append("(no code)")
    else:
        lines.append(f"```python\n{iteration.candidate.source.strip()}\n```")
    if iteration.feedback:
        lines.append(iteration.feedback)
    if iteration.stop_reason is not StopReason.END and iteration.verdict.outcome is not Outcome.PASSED:
        lines.append(_STOPPED[iteration.stop_reason])
    return "\n".join(lines)


_STOPPED = {
    StopReason.MAX_TOKENS: "The reply was cut at the token limit: be shorter.",
    StopReason.CONTEXT: "The reply was cut since the context window was full: be shorter.",
    StopReason.REFUSAL: "The reply was a refusal.",
}
