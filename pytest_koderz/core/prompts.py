"""What the models are asked, as pure functions from values to text."""

from __future__ import annotations

from collections.abc import Sequence

from .arm import Role
from .experiment import Experiment
from .iteration import Iteration, Outcome, StopReason
from .ports import Prompt
from .problem import Problem

PROMPT_VERSION = "1"
"""Changes with every change of a text below: experiments of different versions are not compared."""

PROBLEM_HEADING = "# Task"
SPEC_HEADING = "# Specification"
ATTEMPTS_HEADING = "# Earlier attempts, all of them failed"
ADVICE_HEADING = "# What helped with a like failure on another task"
GUIDANCE_HEADING = "# Guidance of a senior reviewer"

CODE_SYSTEM = (
    "You are a careful Python programmer. Reply with one complete program in a single ```python block: "
    "the needed imports, any helper, and the whole function under the name that the task gives. No tests, no examples."
)
SPEC_SYSTEM = (
    "You write specifications for a programmer who is diligent but inexperienced. State what the function takes and "
    "returns, the rules in order, the edge cases, and an algorithm in plain words. Do not write the code itself."
)
CHECKPOINT_SYSTEM = (
    "You review a programmer's failed attempts at a task. Find what they have in common, name the wrong idea behind "
    "it, and say in a few sentences what to do differently. Do not write the solution, and do not repeat test values."
)

PROMPT_TEXTS = {"spec": SPEC_SYSTEM, "code": CODE_SYSTEM, "checkpoint": CHECKPOINT_SYSTEM}
"""What the roles are told to be, for the record."""

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


def spec_prompt(problem: Problem, seed: int) -> Prompt:
    """Phase 1: the frontier reads the problem for the local model."""
    text = f"Write the specification of `{problem.entry_point}`."
    return Prompt(SPEC_SYSTEM, _task(problem), text, problem.id, Role.SPEC, seed)


def candidate_prompt(
    problem: Problem,
    experiment: Experiment,
    shown: int,
    room: int | None,
    seed: int,
    role: Role = Role.LOCAL,
    *,
    may_ask: bool = False,
) -> Prompt:
    """Phase 2: a model writes, knowing the spec, the last *shown* attempts and the latest guidance or else advice.

    *room* is the number of characters that system and user message may take together; the oldest attempts are left
    out first, then the spec. None: no limit is known.
    """
    closing = f"Write the whole function `{problem.entry_point}`."
    if may_ask:
        closing = f"{closing}\n{ASKING}"
    if any(iteration.repeated for iteration in experiment.iterations[-1:]):
        closing = "Your last reply repeated an earlier one, which fails. Take another approach.\n" + closing
    guidance = _guidance(experiment)
    heat = HOTTER if experiment.iterations and experiment.iterations[-1].repeated else 0.0
    attempts = [_attempt(iteration) for iteration in experiment.iterations[-shown:]] if shown else []
    stable = _task(problem)
    if experiment.spec is not None and experiment.spec.usable:
        specified = f"{stable}\n\n{SPEC_HEADING}\n{experiment.spec.text}"
        fits = room is None or len(CODE_SYSTEM) + len(specified) + len(closing) + sum(map(len, guidance)) < room
        stable = specified if fits else stable
    left = None if room is None else room - len(CODE_SYSTEM) - len(stable) - len(closing) - sum(map(len, guidance))
    text = "\n\n".join([*_attempts(attempts, left), *guidance, closing])
    return Prompt(CODE_SYSTEM, stable, text, problem.id, role, seed, heat)


def checkpoint_prompt(problem: Problem, experiment: Experiment, recalled: Sequence[Iteration], seed: int) -> Prompt:
    """Phase 3: the frontier reviews the attempts that were recalled from memory."""
    parts = _attempts([_attempt(iteration) for iteration in recalled], None)
    if experiment.guidance:
        parts.append(f"# Your guidance so far, which did not suffice\n{experiment.guidance}")
    if experiment.iterations and experiment.iterations[-1].question:
        parts.append(f"# The programmer asks\n{experiment.iterations[-1].question}")
    parts.append("What should the programmer do differently?")
    return Prompt(CHECKPOINT_SYSTEM, _task(problem), "\n\n".join(parts), problem.id, Role.CHECKPOINT, seed)


def question_in(reply: str) -> str:
    """What *reply* asks the reviewer, the last time that it does; empty where it asks nothing."""
    lines = [line.strip().strip("*`# ") for line in reply.splitlines()]
    asked = [line[len(ASK_LINE) :].strip("*` ") for line in lines if line.upper().startswith(ASK_LINE)]
    return asked[-1][:QUESTION_LENGTH] if asked else ""


def _task(problem: Problem) -> str:
    return f"{PROBLEM_HEADING}\n{problem.prompt.strip()}"


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
