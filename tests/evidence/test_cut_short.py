"""What a recorded run answers is what real runs come to, experiment by experiment."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random

import pytest

from pytest_koderz.core.arm import Arm, Role, SpecPolicy
from pytest_koderz.core.experiment import Advice, Experiment, seed_of
from pytest_koderz.core.iteration import Candidate, Outcome, Verdict
from pytest_koderz.core.loop import solve
from pytest_koderz.core.money import DeviceUse, Spending, Usage
from pytest_koderz.core.ports import Prompt, Reply
from pytest_koderz.core.problem import Problem, TestSet
from pytest_koderz.evidence.cut_short import cut_at, handed_over, shared_calls, ways_of, why_no_cascade, why_not
from pytest_koderz.testing import FrozenClock, NoMemory, RecordingListener, ScriptedModel, ScriptedSandbox
from tests.core.worlds import ADD, FRONTIER, KODERZ, LOCAL, RIGHT, START, wrong

PROBLEMS = [replace(ADD, id=f"own/{number}") for number in range(25)]
FREE_CONTROL = Arm("frontier-only", local=FRONTIER, max_iterations=1)
LONG = replace(KODERZ, max_iterations=10)


def _model(chance: float) -> ScriptedModel:
    """What it answers hangs on the prompt and its seed alone, as it should with a seeded model."""

    def reply(prompt: Prompt) -> Reply:
        draw = Random(f"{prompt.problem_id} {prompt.digest}")  # noqa: S311 - not for secrets
        text = RIGHT if draw.random() < chance else wrong(draw.randrange(1000))
        return Reply(text, Usage(len(prompt.user), len(text)), "scripted", seconds=1.0, gpu_seconds=0.5)

    return ScriptedModel(reply)


def _judge(problem: Problem, candidate: Candidate, tests: TestSet) -> Verdict:
    """The examples pass some wrong programs too."""
    seen = "x + y" in candidate.source or (tests == "visible" and Random(candidate.source).random() < 0.2)  # noqa: S311 - not for secrets
    return Verdict(Outcome.PASSED if seen else Outcome.WRONG, int(seen), 1)


class _Cashier(RecordingListener):
    """Keeps what each call cost, as a journal does."""

    def __init__(self) -> None:
        super().__init__()
        self.paid: list[Spending] = []

    def called(self, experiment: Experiment, role: Role, prompt: Prompt, reply: Reply, spending: Spending) -> None:
        super().called(experiment, role, prompt, reply, spending)
        self.paid.append(spending)


def _ran(problem: Problem, arm: Arm, fallback: ScriptedModel | None = None) -> tuple[Experiment, list[Spending]]:
    """One experiment, and what its calls cost."""
    tell, frontier = _Cashier(), _model(0.7)
    crew = dict.fromkeys(Role, frontier) | {Role.FALLBACK: fallback or frontier}
    crew[Role.LOCAL] = frontier if arm.local == FRONTIER else _model(0.15)
    seed = seed_of(problem.id, arm.name, 1)
    start = replace(START, problem_id=problem.id, arm=arm.name, id=f"exp_{arm.name}_{problem.id}", seed=seed)
    ended = solve(start, problem, arm, crew, ScriptedSandbox(judge=_judge), NoMemory(), tell, FrozenClock())
    return replace(ended, seconds=0.0), tell.paid


def _comparable(experiment: Experiment) -> Experiment:
    """What was not accepted is graded by a real run alone, which changes nothing."""
    graded = experiment.graded if experiment.accepted else None
    return replace(experiment, seconds=0.0, graded=graded)


def _tried(experiment: Experiment) -> list[bool]:
    """Whether each reply passed, the fallback's left out."""
    return [each.passed for each in experiment.iterations if not each.fallback]


ARMS = {
    "koderz": LONG,
    "lazy": replace(LONG, spec_policy=SpecPolicy.LAZY),
    "blind": replace(LONG, accept_on="visible"),
    "two at once": replace(LONG, candidates=2, spec=None),
    "a cascade": replace(LONG, fallback=FRONTIER),
}


@pytest.mark.parametrize("name", ARMS)
def test_a_shorter_run_is_answered_exactly(name: str) -> None:
    """Its replies, verdicts, checkpoints and dollars by role are those of a real run with that cap."""
    arm = ARMS[name]
    for problem in PROBLEMS:
        whole, calls = _ran(problem, arm)
        for cap in (1, 3, 5):
            real, _ = _ran(problem, replace(arm, max_iterations=cap, fallback=None))
            assert _comparable(cut_at(whole, cap, calls)) == _comparable(real)


@pytest.mark.parametrize("name", ["koderz", "blind"])
def test_a_cascade_is_answered_with_the_controls_answers(name: str) -> None:
    """Of a real cascade whose fallback's replies are played back from the control's."""
    for problem in PROBLEMS:
        whole, calls = _ran(problem, ARMS[name])
        control, (paid,) = _ran(problem, FREE_CONTROL)
        said = control.iterations[0].candidate
        assert said is not None
        again = Reply(f"```python\n{said.source}\n```", paid.usage, "scripted", seconds=1.0, gpu_seconds=0.5)
        for cap in (1, 3, 5):
            arm = replace(ARMS[name], max_iterations=cap, fallback=FRONTIER)
            real, _ = _ran(problem, arm, ScriptedModel([again]))
            told = handed_over(cut_at(whole, cap, calls), control)
            assert (told.status, told.ledger) == (real.status, real.ledger)
            assert (told.spec, told.checkpoints) == (real.spec, real.checkpoints)
            assert [each.candidate for each in told.iterations] == [each.candidate for each in real.iterations]
            # By which tests a fallback's reply is judged in the loop ends nothing and grades nothing.
            assert [_tried(each) for each in (told, real)] == [_tried(real)] * 2


def test_every_way_is_told_of_the_same_problems() -> None:
    """The control alone, each cap and each cascade; what one of the two did not settle is left out."""
    ran = [_ran(problem, LONG) for problem in PROBLEMS]
    control = [_ran(problem, FREE_CONTROL)[0] for problem in PROBLEMS[1:]]
    ways = ways_of(LONG, [one for one, _ in ran], {one.id: calls for one, calls in ran}, control)
    assert [(way.tries, way.hands_over) for way in ways] == [
        (0, True),
        *((cap, False) for cap in range(1, 11)),
        *((cap, True) for cap in range(1, 11)),
    ]
    assert all(list(way.problems) == [problem.id for problem in PROBLEMS[1:]] for way in ways)


REFUSALS: dict[str, Callable[[], str]] = {
    "recalls what others learnt": lambda: why_not(replace(LONG, recall_guidance=True), [], {}),
    "recalls": lambda: why_not(LONG, [replace(START, advice=(Advice("words", "exp_1", "own/1"),))], {}),
    "has one try": lambda: why_not(FREE_CONTROL, [], {}),
    "definition": lambda: why_not(None, [], {}),
    "all of its calls": lambda: why_not(LONG, [_ran(ADD, LONG)[0]], {}),
    "did not run": lambda: why_no_cascade(LONG, None),
    "more than answer once": lambda: why_no_cascade(LONG, replace(FREE_CONTROL, spec=LOCAL)),
}


@pytest.mark.parametrize("words", REFUSALS)
def test_what_a_run_cannot_answer_is_refused_with_the_reason(words: str) -> None:
    """And nothing else is."""
    assert words in REFUSALS[words]()
    assert why_not(LONG, [], {}) == why_no_cascade(LONG, FREE_CONTROL) == ""


def test_calls_that_overlap_share_the_device() -> None:
    """As they do in an arm's figures."""
    call = Spending("local", "local", 1, Usage(1, 1), None, 1.0, 2.0, (DeviceUse("a", 10.0, 2.0),))
    assert [each[0].gpu_seconds for each in shared_calls({"one": [call], "other": [call]}).values()] == [1.0, 1.0]
