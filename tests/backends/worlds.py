"""The small worlds of these tests: a model's settings, a prompt, a problem."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pytest_koderz.core.arm import ModelSettings, Role
from pytest_koderz.core.ports import Prompt
from pytest_koderz.core.problem import Problem

SECRET = "sk-ant-very-secret-0123456789"


def a_model(backend: str, model: str = "m", **changes: Any) -> ModelSettings:
    return ModelSettings(name="mine", backend=backend, model=model, **changes)


def a_prompt(text: str = "Write add.", **changes: Any) -> Prompt:
    parts: dict[str, Any] = {"system": "Be brief.", "stable": "# Task\ndef add(x, y):", "text": text}
    return Prompt(**(parts | {"problem_id": "HumanEval/53", "role": Role.LOCAL} | changes))


ADD = Problem(
    id="Own/add",
    prompt='from typing import List\n\ndef add(x: int, y: int) -> int:\n    """Add."""\n',
    entry_point="add",
    tests="def check(candidate):\n    assert candidate(2, 3) == 5\n",
    canonical_solution=(
        'from typing import List\n\ndef add(x: int, y: int) -> int:\n    """Add."""\n'
        "    total = x\n    for _ in range(abs(y)):\n        total += 1 if y > 0 else -1\n    return total\n"
    ),
)


@dataclass
class Naps:
    """A sleep that only takes notes."""

    taken: list[float] = field(default_factory=list)

    def __call__(self, seconds: float) -> None:
        self.taken.append(seconds)
