"""A seeded model of a chosen strength, for load tests and planning: it knows the answer and decides whether to give it.

A problem's difficulty is a number of logits that follows from its id alone: with u spread evenly over (0, 1),

    difficulty = 1.5 ln(u / (1 - u))

so half of all problems lie between -1.65 and 1.65, and a few are all but hopeless or certain. A reply in the local
or the fallback role holds a right candidate with the probability p of

    ln(p / (1 - p)) = ln(strength / (1 - strength)) - difficulty
                      + spec       where the prompt holds a specification
                      + repair     where it shows earlier attempts
                      + guidance   where it holds a reviewer's guidance

with `strength`, `spec`, `repair` and `guidance` from the model's options (0.5, 0.3, 0.4 and 0.8). A strength of 0 or 1
means never or always. Every reply is drawn anew, with a seed from the prompt's own seed and text: it belongs to the
experiment, not to the process or the day. A candidate that is not right is the canonical solution with one kind of
thing broken; as with all mutants, what was broken may not matter to the tests (on HumanEval, in about 2 of 100).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from random import Random

from pytest_koderz.core.arm import ModelSettings, Role
from pytest_koderz.core.money import Usage, cost_of
from pytest_koderz.core.place import emptied_function
from pytest_koderz.core.ports import Prompt, Reply
from pytest_koderz.core.problem import Problem
from pytest_koderz.core.prompts import ATTEMPTS_HEADING, GUIDANCE_HEADING, SPEC_HEADING

from .backend import OWN_MACHINE, Backend, Surroundings, always, nothing_required, ready
from .breakage import broken
from .options import Option

SPREAD = 1.5
"""Logits of difficulty per logit of chance."""

READ_PER_SECOND = 2000
WRITTEN_PER_SECOND = 50
"""Tokens of the simulated GPU, about those of a 7B model on a consumer card."""


@dataclass(frozen=True, slots=True)
class Ability:
    """What the local role can do; all but strength in logits."""

    strength: float = 0.5
    """The probability of a right candidate on a problem of middle difficulty, from 0 to 1."""
    spec: float = 0.3
    repair: float = 0.4
    guidance: float = 0.8

    def chance(self, prompt: Prompt) -> float:
        """The probability that the reply to *prompt* is right."""
        if self.strength in (0.0, 1.0):
            return self.strength
        text = prompt.user
        logits = _logit(self.strength) - difficulty_of(prompt.problem_id)
        logits += self.spec * (SPEC_HEADING in text)
        logits += self.repair * (ATTEMPTS_HEADING in text)
        logits += self.guidance * (GUIDANCE_HEADING in text)
        return 1 / (1 + math.exp(-logits))


def open_model(settings: ModelSettings, surroundings: Surroundings) -> SimulatedModel:
    """A simulated model that knows the canonical solutions of the collected problems."""
    ability = Ability(**{name: float(str(value)) for name, value in settings.options.items()})
    return SimulatedModel(settings, surroundings.problems, ability)


class SimulatedModel:
    """A Model that takes no time. A problem without a canonical solution is never solved."""

    def __init__(self, settings: ModelSettings, problems: Mapping[str, Problem], ability: Ability) -> None:
        self.settings = settings
        self._problems = problems
        self._ability = ability

    def complete(self, prompt: Prompt) -> Reply:
        """Answer *prompt*: tokens are counted as characters / 4. GPU-seconds follow from them where the model stands
        for one on a machine of one's own: a service that asks money for tokens reports none.
        """
        problem = self._problems.get(prompt.problem_id)
        if prompt.role in (Role.LOCAL, Role.FALLBACK):
            text = self._candidate(prompt, problem)
        else:
            text = _SPEC if prompt.role is Role.SPEC else _GUIDANCE
            text = text.format(name=problem.entry_point if problem else "the function")
        usage = Usage(input=(len(prompt.system) + len(prompt.user)) // 4, output=len(text) // 4)
        own = prompt.role is Role.LOCAL and not cost_of(usage, self.settings.price)
        gpu_seconds = _gpu_seconds(usage) if own else None
        return Reply(text, usage, f"{self.settings.model} (simulated)", gpu_seconds=gpu_seconds)

    def close(self) -> None:
        """There is nothing to close."""

    def _candidate(self, prompt: Prompt, problem: Problem | None) -> str:
        if problem is None or problem.canonical_solution is None:
            return "I do not know how to solve this."
        draw = Random(f"{self.settings.model} {prompt.seed} {prompt.digest}")  # noqa: S311 - not for secrets
        if draw.random() < self._ability.chance(prompt):
            return _fenced(problem.canonical_solution)
        source = _wrong(problem, problem.canonical_solution, draw)
        return "Let us think about the edge cases first." if source is None else _fenced(source)


def _wrong(problem: Problem, solution: str, draw: Random) -> str | None:
    """A repository's tests may let much pass; that an empty function fails them has been seen."""
    if problem.place is not None:
        return emptied_function(solution, problem.entry_point)
    return broken(solution, problem.entry_point, draw)


def difficulty_of(problem_id: str) -> float:
    """Logits, from the problem's id alone; 0 is middling."""
    number = int(sha256(problem_id.encode()).hexdigest()[:12], 16)
    return SPREAD * _logit((number + 0.5) / 16**12)


def _logit(probability: float) -> float:
    return math.log(probability / (1 - probability))


def _gpu_seconds(usage: Usage) -> float:
    return round(usage.input / READ_PER_SECOND + usage.output / WRITTEN_PER_SECOND, 6)


def _fenced(source: str) -> str:
    return f"```python\n{source.strip()}\n```"


_SPEC = """SIMULATED specification.
`{name}` takes the arguments that the task names and returns what the examples show.
1. Handle the empty input and a single element first.
2. Walk over the input once and keep what the result needs.
3. Return a value of the type that the examples show, without printing."""

_GUIDANCE = """SIMULATED guidance.
The attempts share one wrong idea about the boundaries. Write `{name}` anew: check the first and the last element,
compare with the operator that the task's words name, and return the value rather than printing it."""


BACKEND = Backend(
    name="simulated",
    service=None,
    options={
        "strength": Option(float, least=0, most=1),
        "spec": Option(float),
        "repair": Option(float),
        "guidance": Option(float),
    },
    cost=OWN_MACHINE,
    frontier=True,
    simulated=always,
    requirements=nothing_required,
    findings=ready("needs nothing"),
    open=open_model,
)
