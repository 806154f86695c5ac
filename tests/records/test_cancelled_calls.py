"""Cancelled calls in the journal and in a resume; and a journal in which there are none, to the byte."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from threading import Event

from pytest_koderz.core.arm import Arm, Role
from pytest_koderz.core.errors import KoderzError
from pytest_koderz.core.experiment import Experiment
from pytest_koderz.core.iteration import Candidate, Outcome, StopReason, Verdict
from pytest_koderz.core.loop import solve
from pytest_koderz.core.money import Usage
from pytest_koderz.core.ports import Model, Prompt, Reply, Sandbox
from pytest_koderz.core.problem import Problem
from pytest_koderz.core.withdrawal import in_flight
from pytest_koderz.records.journal import Journal
from pytest_koderz.records.recorded import read_folder
from pytest_koderz.records.resumed_world import ResumedWorld
from pytest_koderz.testing import FrozenClock, NoMemory, ScriptedModel, ScriptedSandbox
from tests.core.worlds import ADD, KODERZ, LOCAL_ONLY, PRICE, RIGHT, START, wrong
from tests.golden import check_golden

from .worlds import Written

GOLDEN = Path(__file__).parents[1] / "golden" / "journal_one_candidate.jsonl"
PAIR = replace(LOCAL_ONLY, candidates=2, local=replace(LOCAL_ONLY.local, price=PRICE))


def recorded(folder: Path, arm: Arm, local: Model, sandbox: Sandbox | None = None) -> Experiment:
    """An experiment of *arm*, which goes on from what *folder* holds of it."""
    recorded = read_folder(folder)
    past = recorded.past(START.id, ADD, arm)
    journal = Journal(folder, f"main{len(list(folder.glob('*.jsonl')))}", {"id": "bench_1"}, recorded.run_key)
    journal.pytest_koderz_began(START, ADD, arm)
    world = ResumedWorld(past, NoMemory(), Written(journal), lambda _: None)
    frontier = ScriptedModel(lambda prompt: f"words for {prompt.role}")
    crew: dict[Role, Model] = {Role.SPEC: frontier, Role.LOCAL: local, Role.CHECKPOINT: frontier}
    judge = sandbox or ScriptedSandbox("x + y")
    ended = solve(START, ADD, arm, world.crew(crew), judge, world, world, FrozenClock())
    journal.pytest_koderz_ended(ended)
    journal.close()
    return ended


def test_with_one_candidate_a_journal_is_what_it_was(tmp_path: Path) -> None:
    """To the byte, but for the times: spec, iterations and checkpoints of one model that writes."""
    recorded(tmp_path, KODERZ, ScriptedModel([*map(wrong, range(3)), RIGHT]))
    (path,) = tmp_path.glob("*.jsonl")
    check_golden(GOLDEN, re.sub(r'("at":)"[^"]*"', r'\1"-"', path.read_text()))


class Heeding:
    """A Model of which one call waits until it is cancelled, and the other answers when that one has begun."""

    def __init__(self, right: str = RIGHT) -> None:
        self.begun = Event()
        self.right = right
        self.prompts: list[Prompt] = []

    def complete(self, prompt: Prompt) -> Reply:
        self.prompts.append(prompt)
        withdrawal = in_flight.get()
        if withdrawal is None or prompt is not self.prompts[0]:
            assert self.begun.wait(60)
            return Reply(self.right, Usage(30, 20), "m")
        cut = Event()
        with withdrawal.cutting(cut.set):
            self.begun.set()
            if not cut.wait(60):
                raise KoderzError("it was not cancelled")
        return Reply("```pyth", Usage(30, 2), "m", StopReason.CANCELLED)


def test_a_resume_asks_no_cancelled_call_anew(tmp_path: Path) -> None:
    """Wherever the journal ends behind the accepted answer: what was paid stays, and is paid once."""
    whole = recorded(tmp_path, PAIR, Heeding())
    assert (whole.ledger.calls, whole.ledger.cancelled, whole.ledger.usage) == (2, 1, Usage(60, 22))
    assert whole.iterations[0].cancelled == ("local",)
    (path,) = tmp_path.glob("*.jsonl")
    lines = path.read_bytes().splitlines(keepends=True)
    assert [b'"cancelled"' in line for line in lines] == [False, False, False, True, True, True]
    for kept in (4, 5):
        folder = tmp_path / str(kept)
        folder.mkdir()
        (folder / "main0.jsonl").write_bytes(b"".join(lines[:kept]))
        again = recorded(folder, PAIR, ScriptedModel([]))
        assert again.ledger == whole.ledger
        assert again.iterations == whole.iterations


def test_one_whose_winner_is_refused_now_is_asked_anew(tmp_path: Path) -> None:
    """The judge says otherwise than it did: the cancelled candidate is needed after all, and what it had cost stays."""
    recorded(tmp_path, replace(PAIR, max_iterations=1), Heeding())
    (path,) = tmp_path.glob("*.jsonl")
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:4]))
    arm, model = replace(PAIR, max_iterations=1), ScriptedModel([wrong(1)])

    def verdict(problem: Problem, candidate: Candidate, tests: str) -> Verdict:
        return Verdict(Outcome.PASSED if model.prompts else Outcome.WRONG)

    again = recorded(tmp_path, arm, model, ScriptedSandbox(judge=verdict))
    assert again.solved
    assert [verdict.passed for verdict in again.iterations[0].verdicts] == [False, True]
    assert (again.ledger.calls, again.ledger.cancelled) == (3, 1)
    assert recorded(tmp_path, arm, ScriptedModel([])).solved
