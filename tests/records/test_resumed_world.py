"""The world of an experiment that goes on from replies that are recorded otherwise than they were."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_koderz.core.arm import Role
from pytest_koderz.core.experiment import Guidance, Spec
from pytest_koderz.core.iteration import Candidate, Iteration, Outcome, Verdict
from pytest_koderz.core.loop import solve
from pytest_koderz.core.money import Spending, Usage
from pytest_koderz.core.ports import Crew, Prompt, Reply, Taken
from pytest_koderz.core.problem import Problem, TestSet
from pytest_koderz.files.secret_values import REDACTED
from pytest_koderz.records.events import (
    About,
    Asked,
    Began,
    Called,
    Checkpointed,
    Event,
    Happening,
    Iterated,
    SpecWritten,
)
from pytest_koderz.records.recorded import Past, made_of
from pytest_koderz.records.resumed_world import ResumedWorld
from pytest_koderz.testing import NoMemory, RecordingListener, ScriptedModel, ScriptedSandbox
from tests.core.worlds import ADD, LOCAL_ONLY, START

RIGHT = Candidate("def add(x, y):\n    return x + y\n")


def call(role: Role, number: int) -> Called:
    asked = Prompt("", "", f"Write add. {number}", ADD.id, role)
    reply = Reply("what is left", Usage(), "m")
    return Called(role, Asked(asked.digest), reply, Spending(role, "m", 1, Usage(), None, 0.0))


def run_of(*happened: Happening) -> list[Event]:
    return [Event(str(number), what, About("exp_1", ADD.id, "koderz")) for number, what in enumerate(happened)]


def iteration(number: int, *candidates: Candidate | None) -> Iterated:
    return Iterated(Iteration(number, candidates, tuple(Verdict(Outcome.WRONG) for _ in candidates)))


def test_what_was_made_of_a_reply_stands_beside_it() -> None:
    """Whatever became of its text: in the order of the answers, also of several for one iteration."""
    calls = [call(Role.SPEC, 0), *(call(Role.LOCAL, number) for number in range(3)), call(Role.CHECKPOINT, 3)]
    first, second, spec, advice = Candidate("1"), Candidate("2"), Spec("Add.", "m"), Guidance(1, 2, "Try.", "m")
    went = (calls[0], SpecWritten(spec), calls[1], calls[2], calls[1], iteration(1, first, None), calls[3])
    made = made_of(run_of(Began("", {}), *went, iteration(2, second), calls[4], Checkpointed(advice)))
    assert list(made.values()) == ["Add.", Taken(first), Taken(None), Taken(second), "Try."]
    assert list(made) == [(str(each.role), each.prompt.digest) for each in calls]


def test_what_cannot_be_told_apart_is_left_to_the_text() -> None:
    """Where lines are missing, or the answer led to nothing yet."""
    calls = [call(Role.LOCAL, number) for number in range(2)]
    assert made_of(run_of(calls[0], calls[1], iteration(1, RIGHT))) == {}
    assert made_of(run_of(SpecWritten(Spec("Recalled.", "m", recalled_from="exp_2")), calls[0])) == {}


@pytest.mark.parametrize("left", ["", "def add(x, y):\n    retu", f"def add(x, y):\n    return x + {REDACTED}\n"])
def test_a_reply_that_is_no_longer_whole_keeps_its_verdict_and_costs_nothing(left: str) -> None:
    """What was judged was the whole; nobody is asked, and nothing is judged again."""
    arm, listener = replace(LOCAL_ONLY, max_iterations=1), RecordingListener()
    model = ScriptedModel([f"```python\n{RIGHT.source}```"])
    crew: Crew = {Role.LOCAL: model}
    whole = solve(START, ADD, arm, crew, ScriptedSandbox("x + y"), NoMemory(), listener, lambda: 0.0)
    ((_, reply),) = [each for each in listener.heard if each[0] == "called"]
    assert isinstance(reply, Reply)
    cut = replace(reply, text=left, taken=Taken(whole.iterations[0].candidate))
    past = Past(replies={("local", model.prompts[0].digest): cut}, iterations=whole.iterations)
    world = ResumedWorld(past, NoMemory(), RecordingListener(), lambda _: None)
    crew = world.crew({Role.LOCAL: ScriptedModel(_never)})
    again = solve(START, ADD, arm, crew, world.judge(_unable), world, world, lambda: 0.0)
    assert again == whole
    assert whole.solved


def _never(prompt: Prompt) -> str:
    raise AssertionError(prompt)


def _unable(problem: Problem, candidate: Candidate, tests: TestSet = "base") -> Verdict:
    raise AssertionError(problem, candidate, tests)


def test_a_reply_of_which_nothing_is_recorded_is_read_now() -> None:
    """As where the run was killed before it was judged."""
    past = Past(replies={("local", "d"): Reply("x", Usage(), "m")})
    world = ResumedWorld(past, NoMemory(), RecordingListener(), lambda _: None)
    assert not world.judge(ScriptedSandbox("x + y"))(ADD, Candidate("return x - y")).passed
