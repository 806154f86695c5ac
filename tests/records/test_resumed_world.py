"""The world of an experiment that goes on from replies that are recorded otherwise than they were."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_koderz.core.arm import Arm, CheckpointPolicy, Role, SpecPolicy
from pytest_koderz.core.experiment import Experiment, Guidance, Spec, Status
from pytest_koderz.core.iteration import Candidate, Failure, FeedbackPolicy, Iteration, Outcome, Verdict
from pytest_koderz.core.loop import solve
from pytest_koderz.core.money import Spending, Usage
from pytest_koderz.core.ports import Crew, Prompt, Reply, Taken
from pytest_koderz.core.problem import Problem, TestSet
from pytest_koderz.files.secret_values import NO_SECRETS, REDACTED, Redaction
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
from pytest_koderz.records.journal import Journal
from pytest_koderz.records.recorded import Past, made_of, read_folder
from pytest_koderz.records.resumed_world import NOT_WHOLE, ResumedWorld
from pytest_koderz.testing import NoMemory, RecordingListener, ScriptedModel, ScriptedSandbox
from tests.core.worlds import ADD, FRONTIER, KODERZ, LOCAL, LOCAL_ONLY, START

from .worlds import Written

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
    rounds, verdict = [iteration(1, first, None).iteration, iteration(2, second).iteration], Verdict(Outcome.WRONG)
    assert list(made.values()) == [
        spec,
        Taken(first, "", verdict, rounds[0]),
        Taken(None, "", verdict, rounds[0]),
        Taken(second, "", verdict, rounds[1]),
        advice,
    ]
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
    (tried,) = whole.iterations
    cut = replace(reply, text=left, taken=Taken(tried.candidate, "", tried.verdict, tried))
    past = Past(replies={("local", model.prompts[0].digest): cut}, iterations=whole.iterations)
    world = ResumedWorld(past, NoMemory(), RecordingListener(), lambda _: None)
    crew = world.crew({Role.LOCAL: ScriptedModel(_never)})
    again = solve(START, ADD, arm, crew, _unable, world, world, lambda: 0.0)
    assert again == whole
    assert whole.solved


def _never(prompt: Prompt) -> str:
    raise AssertionError(prompt)


def _unable(problem: Problem, candidate: Candidate, tests: TestSet = "base") -> Verdict:
    raise AssertionError(problem, candidate, tests)


def answers(prompt: Prompt) -> str:
    """As a model of that seed has it, whatever it is told."""
    if prompt.role is not Role.LOCAL:
        return f"Words for the {prompt.role}: {prompt.seed}."
    return f"```python\ndef add(x, y):\n    return {prompt.seed} - {SECRET!r}\n```"


def judged(problem: Problem, candidate: Candidate, tests: TestSet = "base") -> Verdict:
    """Each candidate otherwise, and by each set of tests."""
    summary = f"{len(problem.id)}: {candidate.digest[:4]} is wrong in {tests}"
    return Verdict(Outcome.WRONG, 1, 3, (Failure(summary, "assert add(1, 2) == 3"),))


def recorded(folder: Path, arm: Arm, redaction: Redaction) -> tuple[Experiment, list[Prompt]]:
    """An experiment, which may be without its end in *folder*, and what was asked."""
    journal = Journal(folder, "main", {"profile": "live"}, redaction=redaction)
    journal.pytest_koderz_began(START, ADD, arm)
    model = ScriptedModel(answers)
    ended = solve(START, ADD, arm, dict.fromkeys(Role, model), judged, NoMemory(), Written(journal), lambda: 0.0)
    journal.close()
    return ended, model.prompts


def gone_on(folder: Path, arm: Arm, ask: Callable[[Prompt], str] = answers) -> tuple[Experiment, list[Prompt]]:
    """The experiment that is recorded in *folder*, and what was asked to end it."""
    model = ScriptedModel(ask)
    past = read_folder(folder).past(START.id, ADD, arm)
    world = ResumedWorld(past, NoMemory(), RecordingListener(), lambda _: None)
    crew = world.crew(dict.fromkeys(Role, model))
    return solve(START, ADD, arm, crew, judged, world, world, lambda: 0.0), model.prompts


SECRET = "sk-ant-0123456789"
SECRETS = Redaction((SECRET, "Add two numbers."))
ARMS = {
    "koderz": KODERZ,
    "visible": replace(KODERZ, feedback=FeedbackPolicy.VISIBLE, accept_on="visible"),
    "beam": replace(KODERZ, candidates=3, beam=2, max_iterations=4),
    "asked": replace(KODERZ, checkpoint_policy=CheckpointPolicy.ASKED, spec_policy=SpecPolicy.LAZY),
    "narrow": replace(KODERZ, local=replace(LOCAL, context_tokens=500, max_tokens=250)),
    "fallback": replace(KODERZ, fallback=FRONTIER),
}
CHANGES: Mapping[str, Callable[[str], str]] = {
    "whole": str,
    "cut": lambda text: text[:12],
    "emptied": lambda _: "",
    "alike": lambda _: REDACTED,
}


def changed(line: str, change: Callable[[str], str]) -> str:
    """A line of a journal, with *change* made in whatever models have said."""
    event = json.loads(line)
    for place in ("reply", "spec", "guidance"):
        if place in event:
            event[place]["text"] = change(event[place]["text"])
    for candidate in filter(None, event.get("iteration", {}).get("candidates", ())):
        candidate["source"] = change(candidate["source"])
    return json.dumps(event)


@pytest.mark.parametrize("arm", ARMS.values(), ids=ARMS)
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_no_recorded_call_is_asked_again(arm: Arm, change: Callable[[str], str], tmp_path: Path) -> None:
    """Wherever the run was killed, and whatever was cut or taken out of its record since: what a later prompt was made
    of may not be there any more, so that a call is known from its place. What was judged stays as it was judged.
    """
    whole, asked = recorded(tmp_path, arm, SECRETS)
    (path,) = tmp_path.glob("*.jsonl")
    lines = path.read_text().splitlines()
    seeds = [(prompt.role, prompt.seed) for prompt in asked]
    for kept in range(2, len(lines) + 1, 5):
        path.write_text("".join(changed(line, change) + "\n" for line in lines[:kept]))
        calls = sum('"event":"called"' in line for line in lines[:kept])
        again, anew = gone_on(tmp_path, arm)
        assert [(prompt.role, prompt.seed) for prompt in anew] == seeds[calls:]
        tried = sum('"event":"iterated"' in line for line in lines[:kept])
        past = read_folder(tmp_path).past(START.id, ADD, arm)
        assert again.iterations[:tried] == past.iterations
        assert again.checkpoints[: len(past.checkpoints)] == past.checkpoints
        assert past.specs == () or again.spec == past.specs[0]
        assert (len(again.iterations), len(again.checkpoints)) == (len(whole.iterations), len(whole.checkpoints))


def test_after_what_is_lost_a_later_reply_is_no_answer(tmp_path: Path) -> None:
    """Where a call of the middle is missing, and another answer comes, what was said to others follows from nothing."""
    arm = replace(LOCAL_ONLY, max_iterations=3)
    _, asked = recorded(tmp_path, arm, NO_SECRETS)
    (path,) = tmp_path.glob("*.jsonl")
    lines = path.read_text().splitlines()
    lost = next(number for number, line in enumerate(lines) if f'"seed":{asked[1].seed}' in line)
    path.write_text("".join(line + "\n" for line in lines[:lost] + lines[lost + 1 :]))
    _, anew = gone_on(tmp_path, arm, lambda prompt: answers(prompt).replace("return", "return 7 +"))
    assert [prompt.seed for prompt in anew] == [prompt.seed for prompt in asked[1:]]
    _, anew = gone_on(tmp_path, arm)
    assert [prompt.seed for prompt in anew] == [asked[1].seed]


def test_what_was_judged_on_examples_is_graded_when_it_goes_on(tmp_path: Path) -> None:
    """The verdict of the visible tests is no grade."""
    arm = replace(LOCAL_ONLY, max_iterations=1, accept_on="visible")

    def examples(problem: Problem, candidate: Candidate, tests: TestSet = "base") -> Verdict:
        return Verdict(Outcome.PASSED, 1, 1) if tests == "visible" else judged(problem, candidate, tests)

    journal = Journal(tmp_path, "main", {"profile": "live"})
    journal.pytest_koderz_began(START, ADD, arm)
    crew: Crew = {Role.LOCAL: ScriptedModel(answers)}
    whole = solve(START, ADD, arm, crew, examples, NoMemory(), Written(journal), lambda: 0.0)
    journal.close()
    past = read_folder(tmp_path).past(START.id, ADD, arm)
    world = ResumedWorld(past, NoMemory(), RecordingListener(), lambda _: None)
    crew = world.crew({Role.LOCAL: ScriptedModel(_never)})
    again = solve(START, ADD, arm, crew, examples, world, world, lambda: 0.0)
    assert (again.status, again.graded) == (whole.status, whole.graded)
    assert whole.status is Status.UNSOLVED


@pytest.mark.parametrize("lines", [3, 4, 5])
def test_a_candidate_that_is_judged_from_what_is_left_is_told_of(lines: int, tmp_path: Path) -> None:
    """Killed before its verdict, or before its grading; one that needs no verdict any more is not."""
    arm = replace(LOCAL_ONLY, max_iterations=1, accept_on="visible", grade_on="base")
    problem = replace(ADD, visible="def check(candidate): assert candidate(2, 3) == 5")
    journal = Journal(tmp_path, "main", {"profile": "live"}, redaction=SECRETS)
    journal.pytest_koderz_began(START, problem, arm)
    listener = Written(journal)
    ended = solve(START, problem, arm, {Role.LOCAL: ScriptedModel(answers)}, judged, NoMemory(), listener, lambda: 0.0)
    journal.pytest_koderz_ended(ended)
    journal.close()
    (path,) = tmp_path.glob("*.jsonl")
    path.write_text("".join(line + "\n" for line in path.read_text().splitlines()[:lines]))
    past, said = read_folder(tmp_path).past(START.id, problem, arm), list[str]()
    world = ResumedWorld(past, NoMemory(), RecordingListener(), lambda _: None, said.append)
    crew, sandbox = world.crew({Role.LOCAL: ScriptedModel(_never)}), world.sandbox(judged)
    if past.settled is None:
        solve(START, problem, arm, crew, sandbox, world, world, lambda: 0.0)
    assert set(said) == (set() if lines == 5 else {NOT_WHOLE})


def test_of_what_is_whole_or_new_nothing_is_told(tmp_path: Path) -> None:
    """Nothing is recorded of a model that writes the mark itself, nor was a secret taken out of what has none."""
    said = list[str]()
    world = ResumedWorld(Past(), NoMemory(), RecordingListener(), lambda _: None, said.append)
    world.sandbox(judged)(ADD, Candidate(f"add = {REDACTED!r}"))
    past = Past(replies={("local", "1"): Reply("", Usage(), "m")})
    ResumedWorld(past, NoMemory(), RecordingListener(), lambda _: None, said.append).sandbox(judged)(ADD, RIGHT)
    assert said == []
