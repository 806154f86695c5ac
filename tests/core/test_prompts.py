"""What the models are asked; each prompt stands in tests/golden, so that a change shows in a diff."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pytest_koderz.core.experiment import Experiment, Guidance, Spec
from pytest_koderz.core.iteration import (
    Candidate,
    Failure,
    FeedbackPolicy,
    Iteration,
    Outcome,
    StopReason,
    Verdict,
    feedback_of,
)
from pytest_koderz.core.ports import Prompt
from pytest_koderz.core.prompts import candidate_prompt, checkpoint_prompt, spec_prompt
from pytest_koderz.core.templates import SHIPPED_VERSION
from tests.golden import check_golden

from .worlds import ADD, START

GOLDEN = Path(__file__).parents[1] / "golden"


def _attempt(number: int, source: str | None, verdict: Verdict, **more: Any) -> Iteration:
    candidate = None if source is None else Candidate(source)
    feedback = feedback_of(verdict, FeedbackPolicy.ASSERTION)
    return replace(Iteration(number, (candidate,), (verdict,), feedback), **more)


def _world() -> Experiment:
    """A spec, a wrong attempt, one without code, a crash that was cut, a repetition, and guidance."""
    failure = Failure("AssertionError", "assert candidate(1, 2) == 3", "assert -1 == 3\n +  where -1 = add(1, 2)")
    crash = Failure(
        "NameError: name 'z' is not defined (line 2)", exception="NameError: name 'z' is not defined", line=2
    )
    wrong = Verdict(Outcome.WRONG, 2, 5, (failure,))
    attempts = (
        _attempt(1, "def add(x, y):\n    return x - y\n", wrong),
        _attempt(2, None, Verdict(Outcome.NO_CODE)),
        _attempt(
            3,
            "def add(x, y):\n    return z",
            Verdict(Outcome.CRASHED, failures=(crash,)),
            stop_reason=StopReason.MAX_TOKENS,
        ),
        _attempt(4, "def add(x, y):\n    return x - y\n", wrong, repeated=True),
    )
    guidance = Guidance(1, 4, "Add the numbers; do not subtract.", "frontier-1")
    spec = Spec("Takes two numbers, returns their sum.", "frontier-1")
    return replace(START, spec=spec, iterations=attempts, checkpoints=(guidance,))


def _as_text(prompt: Prompt) -> str:
    return (
        f"--- system\n{prompt.system}\n--- stable\n{prompt.stable}\n--- text\n{prompt.text}\n--- heat {prompt.heat}\n"
    )


PROMPTS = {
    "spec": lambda: spec_prompt(ADD, 1),
    "candidate_first": lambda: candidate_prompt(ADD, START, 5, None, 1),
    "candidate_later": lambda: candidate_prompt(ADD, _world(), 5, None, 1),
    "candidate_tight": lambda: candidate_prompt(ADD, _world(), 5, 1200, 1),
    "checkpoint": lambda: checkpoint_prompt(ADD, _world(), _world().iterations, 1),
}


@pytest.mark.parametrize("name", PROMPTS)
def test_a_prompt_is_what_its_golden_file_says(name: str) -> None:
    """UPDATE_GOLDEN=1 writes the files anew; then SHIPPED_VERSION must change too."""
    path = GOLDEN / f"prompt_{name}.v{SHIPPED_VERSION}.txt"
    check_golden(path, _as_text(PROMPTS[name]()))


@pytest.mark.parametrize("room", [400, 700, 1000, 1500, 3000])
def test_a_prompt_fits_the_room_or_is_as_short_as_it_can_be(room: int) -> None:
    """Attempts are left out, the oldest first, then the spec; the task and the guidance stay."""
    prompt = candidate_prompt(ADD, _world(), 5, room, 1)
    least = candidate_prompt(ADD, _world(), 0, 1, 1)
    size = len(prompt.system) + len(prompt.user)
    assert size <= max(room, len(least.system) + len(least.user))
    assert ADD.prompt.strip() in prompt.user
    assert "do not subtract" in prompt.user


def test_prompts_that_differ_in_anything_a_model_can_see_differ_in_digest() -> None:
    """Seed and heat included."""
    prompt = spec_prompt(ADD, 1)
    changed = [
        replace(prompt, seed=2),
        replace(prompt, heat=0.1),
        replace(prompt, text="x"),
        replace(prompt, system="x"),
    ]
    assert len({prompt.digest, *(each.digest for each in changed)}) == 5
