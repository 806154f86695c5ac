"""The world of an experiment that goes on from replies that are recorded otherwise than they were."""

from __future__ import annotations

from pytest_koderz.core.arm import Role
from pytest_koderz.core.iteration import Candidate, Iteration, Outcome, Verdict
from pytest_koderz.core.money import Usage
from pytest_koderz.core.ports import Prompt, Reply
from pytest_koderz.files.secret_values import REDACTED
from pytest_koderz.records.recorded import Past
from pytest_koderz.records.resumed_world import ResumedWorld
from pytest_koderz.testing import NoMemory, RecordingListener, ScriptedModel, ScriptedSandbox
from tests.core.worlds import ADD

PROMPTS = [Prompt("", "", f"Write add. {number}", ADD.id, Role.LOCAL) for number in range(2)]


def world_of(*texts: str) -> ResumedWorld:
    """Each text was the reply to a prompt, and what was judged of it passed."""
    replies = {
        (Role.LOCAL, prompt.digest): Reply(text, Usage(), "m") for prompt, text in zip(PROMPTS, texts, strict=True)
    }
    past = Past(
        replies={(str(role), digest): reply for (role, digest), reply in replies.items()},
        iterations=tuple(
            Iteration(number, (Candidate("what was judged"),), (Verdict(Outcome.PASSED, seconds=number),))
            for number, _ in enumerate(texts, 1)
        ),
    )
    return ResumedWorld(past, NoMemory(), RecordingListener(), lambda _: None)


def test_a_redacted_reply_keeps_its_recorded_verdict() -> None:
    """What is left of it may be no answer any more; the verdict was that on the whole."""
    world = world_of(f"def add(x, y):\n    return x + {REDACTED}\n", f"{REDACTED}\n")
    model = world.crew({Role.LOCAL: ScriptedModel(lambda _: "never asked")})[Role.LOCAL]
    judge = world.judge(ScriptedSandbox("x + y"))
    for number, prompt in enumerate(PROMPTS, 1):
        assert REDACTED in model.complete(prompt).text
        assert judge(ADD, Candidate("what is left")) == Verdict(Outcome.PASSED, seconds=number)


def test_a_whole_reply_is_judged_as_it_is_read_now() -> None:
    """A later version may take another program out of it."""
    world = world_of("def add(x, y):\n    return x - y\n", f"{REDACTED}\n")
    model = world.crew({Role.LOCAL: ScriptedModel(lambda _: "never asked")})[Role.LOCAL]
    model.complete(PROMPTS[0])
    assert not world.judge(ScriptedSandbox("x + y"))(ADD, Candidate("return x - y")).passed
