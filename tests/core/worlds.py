"""The smallest world in which an experiment can take place."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from pytest_koderz.core.arm import Arm, ModelSettings, Role
from pytest_koderz.core.experiment import Experiment
from pytest_koderz.core.loop import solve
from pytest_koderz.core.money import Price
from pytest_koderz.core.ports import Listener, Memory, Model, Sandbox
from pytest_koderz.core.problem import Problem
from pytest_koderz.testing import FrozenClock, NoMemory, RecordingListener, ScriptedModel, ScriptedSandbox

ADD = Problem(
    id="own/add",
    prompt='def add(x, y):\n    """Add two numbers.\n    >>> add(1, 2)\n    3\n    """\n',
    entry_point="add",
    tests="def check(candidate):\n    assert candidate(1, 2) == 3\n",
    visible="def check(candidate):\n    assert candidate(1, 2) == 3\n",
    canonical_solution="def add(x, y):\n    return x + y\n",
)
RIGHT = "```python\ndef add(x, y):\n    return x + y\n```"
WRONG = "```python\ndef add(x, y):\n    return x - y\n```"
PRICE = Price(Decimal(4), Decimal(20), Decimal(5), Decimal("0.2"), date(2026, 11, 22), "a test")
FREE = Price(Decimal(0), Decimal(0), Decimal(0), Decimal(0), date(2026, 11, 22), "a test")
FRONTIER = ModelSettings("frontier", "scripted", "frontier-1", PRICE)
LOCAL = ModelSettings("local", "scripted", "local-1", FREE)
KODERZ = Arm("koderz", local=LOCAL, spec=FRONTIER, checkpoint=FRONTIER, max_iterations=6, checkpoint_interval=2)
LOCAL_ONLY = Arm("local-only", local=LOCAL, max_iterations=3)
START = Experiment("exp_1a2b3c4d", "own/add", "koderz", benchmark_id="bench_1a2b3c4d", seed=7)


def wrong(number: int) -> str:
    """A wrong reply like no other."""
    return f"```python\ndef add(x, y):\n    return x - y - {number}\n```"


def run(  # the world's parts, each replaceable
    arm: Arm = KODERZ,
    *,
    local: Model,
    frontier: Model | None = None,
    sandbox: Sandbox | None = None,
    memory: Memory | None = None,
    tell: Listener | None = None,
    problem: Problem = ADD,
    **changes: Any,
) -> Experiment:
    """One experiment on `add`, whose judge passes what holds `x + y`."""
    frontier = frontier or ScriptedModel(lambda prompt: f"words for {prompt.role}")
    crew: dict[Role, Model] = {
        Role.SPEC: frontier,
        Role.LOCAL: local,
        Role.CHECKPOINT: frontier,
        Role.FALLBACK: frontier,
    }
    return solve(
        replace(START, arm=arm.name),
        problem,
        replace(arm, **changes),
        crew,
        sandbox or ScriptedSandbox("x + y"),
        memory or NoMemory(),
        tell or RecordingListener(),
        FrozenClock(),
    )
