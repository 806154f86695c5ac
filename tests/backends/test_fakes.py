"""The small fakes at the core's edges."""

from __future__ import annotations

import pytest

from pytest_koderz.core.arm import Arm, Role
from pytest_koderz.core.errors import ModelUnavailable
from pytest_koderz.core.experiment import Experiment, Status
from pytest_koderz.core.loop import solve
from pytest_koderz.testing import FrozenClock, NoMemory, RecordingListener, ScriptedModel, ScriptedSandbox

from .worlds import ADD, a_model, a_prompt

WRONG = "```python\ndef add(x, y):\n    return x\n```"
RIGHT = "```python\ndef add(x, y):\n    return x + y\n```"


def test_the_fakes_carry_an_experiment() -> None:
    """A wrong and a right reply, judged by a text, told to a listener in order."""
    model, listener = ScriptedModel([WRONG, RIGHT]), RecordingListener()
    arm = Arm("local-only", local=a_model("scripted"))
    start = Experiment("exp_00000001", ADD.id, arm.name)
    ended = solve(start, ADD, arm, {Role.LOCAL: model}, ScriptedSandbox("x + y"), NoMemory(), listener, FrozenClock())
    assert ended.status is Status.SOLVED
    assert listener.names == ["before_call", "called", "iterated"] * 2
    assert len(model.prompts) == ended.ledger.calls == 2


def test_a_scripted_failure_is_raised() -> None:
    """An exception among the replies."""
    with pytest.raises(ModelUnavailable, match="gone"):
        ScriptedModel([ModelUnavailable("gone")]).complete(a_prompt())


def test_a_script_may_be_a_function() -> None:
    """Of the prompt."""
    assert ScriptedModel(lambda prompt: prompt.text.upper()).complete(a_prompt("abc")).text == "ABC"


def test_a_frozen_clock_moves_by_sleeping() -> None:
    """And remembers for how long."""
    clock = FrozenClock(5.0)
    clock.sleep(2.5)
    assert (clock(), clock.slept) == (7.5, [2.5])
