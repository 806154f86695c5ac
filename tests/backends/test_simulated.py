"""The simulated model."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from pytest_koderz.backends.breakage import broken
from pytest_koderz.backends.simulated import Ability, difficulty_of
from pytest_koderz.core.arm import Role
from pytest_koderz.core.money import Price
from pytest_koderz.core.ports import Prompt
from pytest_koderz.core.prompts import ATTEMPTS_HEADING, GUIDANCE_HEADING, SPEC_HEADING
from pytest_koderz.files.usage_error import UsageError

from .worlds import ADD, a_model, a_prompt, open_model


def opened(**options: float) -> Any:
    return open_model(a_model("simulated", options=options), problems={ADD.id: ADD}, environment={})


def ask(seed: int, role: Role = Role.LOCAL, text: str = "Write add.") -> Prompt:
    return a_prompt(text, problem_id=ADD.id, seed=seed, role=role)


def right(text: str) -> bool:
    scope: dict[str, Any] = {}
    exec(text.removeprefix("```python\n").removesuffix("```"), scope)  # noqa: S102 - our own canonical solution
    return all(scope["add"](x, y) == x + y for x, y in [(2, 3), (0, 0), (5, -2), (-1, 1), (2, 1)])


def test_it_is_honest_about_being_one() -> None:
    """Its model id says so, and so does what it writes as the frontier."""
    model = opened()
    assert model.complete(ask(1)).model_id == "m (simulated)"
    assert "SIMULATED" in model.complete(ask(1, Role.SPEC)).text
    assert "SIMULATED" in model.complete(ask(1, Role.CHECKPOINT)).text


def test_strength_one_is_always_right() -> None:
    """The reply is the canonical solution in a fence."""
    model = opened(strength=1)
    assert all(right(model.complete(ask(seed)).text) for seed in range(20))


def test_strength_zero_is_never_the_canonical_solution() -> None:
    """Every reply is broken in some way, and in many ways."""
    replies = {opened(strength=0).complete(ask(seed)).text for seed in range(200)}
    assert not any(str(ADD.canonical_solution).strip() in reply for reply in replies)
    assert len(replies) > 10


def test_the_share_of_right_replies_is_the_stated_one() -> None:
    """Of 2,000 replies, within four standard errors of the formula."""
    model, chance = opened(strength=0.4), Ability(0.4).chance(ask(0))
    solution = str(ADD.canonical_solution).strip()
    share = sum(solution in model.complete(ask(seed)).text for seed in range(2000)) / 2000
    assert abs(share - chance) < 4 * (chance * (1 - chance) / 2000) ** 0.5


def test_spec_feedback_and_guidance_help() -> None:
    """Each heading in the prompt raises the probability by its own logits."""
    ability, plain = Ability(), ask(0)
    with_spec = replace(plain, stable=f"{plain.stable}\n\n{SPEC_HEADING}\nIt adds.")
    with_attempts = replace(with_spec, text=f"{ATTEMPTS_HEADING}\nno\n\n{plain.text}")
    with_guidance = replace(with_attempts, text=f"{GUIDANCE_HEADING}\ndo\n\n{with_attempts.text}")
    chances = [ability.chance(prompt) for prompt in (plain, with_spec, with_attempts, with_guidance)]
    assert chances == sorted(set(chances))
    assert chances[0] == pytest.approx(1 / (1 + 2.718281828459045 ** difficulty_of(ADD.id)))


def test_problems_differ_in_difficulty() -> None:
    """Half of them lie within 1.65 logits of the middle, as stated."""
    difficulties = [difficulty_of(f"HumanEval/{number}") for number in range(1000)]
    assert 0.45 < sum(abs(difficulty) < 1.648 for difficulty in difficulties) / 1000 < 0.55


SCRIPT = """
from tests.backends.test_simulated import ask, opened
import hashlib
texts = [opened().complete(ask(seed)).text for seed in range(50)]
print(hashlib.sha256("".join(texts).encode()).hexdigest())
"""


def test_replies_belong_to_the_experiment_not_to_the_process() -> None:
    """Two processes with different hash seeds give the same fifty replies."""
    digests = {
        subprocess.run(
            [sys.executable, "-c", SCRIPT],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(digests) == 1


def test_another_prompt_is_another_draw() -> None:
    """The same seed with other text does not repeat the reply for ever."""
    model = opened(strength=0)
    assert len({model.complete(ask(1, text=f"Try {number}.")).text for number in range(30)}) > 5


def test_usage_is_characters_by_four_and_gpu_seconds_follow() -> None:
    """2,000 tokens read and 50 written in a second; what is paid for by the token reports none."""
    reply = opened(strength=1).complete(ask(1))
    prompt = ask(1)
    assert reply.usage.input == (len(prompt.system) + len(prompt.user)) // 4
    assert reply.usage.output == len(reply.text) // 4
    assert reply.gpu_seconds == pytest.approx(reply.usage.input / 2000 + reply.usage.output / 50)
    assert opened().complete(ask(1, Role.SPEC)).gpu_seconds is None
    one = Decimal(1)
    price = Price(one, one, one, one, date(2026, 11, 22), "the test")
    billed = open_model(a_model("simulated", price=price), problems={ADD.id: ADD}, environment={})
    assert billed.complete(ask(1)).gpu_seconds is None


def test_a_problem_without_solution_is_never_solved() -> None:
    """Nor is one that it was not told of."""
    problems = {"A": replace(ADD, id="A", canonical_solution=None)}
    model = open_model(a_model("simulated", options={"strength": 1}), problems=problems, environment={})
    assert all("def " not in model.complete(a_prompt(problem_id=name)).text for name in ("A", "B"))


@pytest.mark.parametrize(
    "options", [{"strength": 1.5}, {"strength": "strong"}, {"strenght": 0.5}], ids=["range", "type", "name"]
)
def test_a_wrong_option_is_a_usage_error(options: Mapping[str, Any]) -> None:
    """With the option's name and what would be right."""
    with pytest.raises(UsageError, match=r"models.mine.options.stren"):
        open_model(a_model("simulated", options=options), problems={}, environment={})


def test_broken_candidates_break_in_many_ways() -> None:
    """Prose, syntax errors, lost imports, unknown names and wrong results all come up; most can be parsed."""
    kinds: set[str] = set()
    for seed in range(600):
        source = broken(str(ADD.canonical_solution), "add", Random(seed))  # noqa: S311 - not for secrets
        kinds.add(_kind(source))
    assert kinds == {"prose", "syntax", "import", "name", "result", "endless", "subtle"}


def _kind(source: str | None) -> str:
    if source is None:
        return "prose"
    try:
        ast.parse(source)
    except SyntaxError:
        return "syntax"
    marks = {"_arguments(": "name", "tools = vars(": "import", "return None": "result", "while True": "endless"}
    return next((kind for mark, kind in marks.items() if mark in source), "subtle")
