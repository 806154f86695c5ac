"""What a page says that the models were asked is what they were asked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from pytest_koderz.core.arm import CheckpointPolicy, Role, SpecPolicy
from pytest_koderz.core.experiment import Experiment
from pytest_koderz.core.ports import Prompt
from pytest_koderz.core.templates import SHIPPED, Template
from pytest_koderz.reporters.asked import asked_for_candidate, asked_for_guidance, asked_for_spec
from pytest_koderz.testing import ScriptedModel
from tests.core.worlds import ADD, FRONTIER, KODERZ, LOCAL, LOCAL_ONLY, RIGHT, run, wrong

TERSE = replace(SHIPPED, candidate=Template("Code.", "$guidance\n\n$attempts\n\n$spec\n\n$task"))
ARMS = {
    "koderz": KODERZ,
    "local-only": replace(LOCAL_ONLY, max_iterations=6),
    "little room": replace(KODERZ, local=replace(LOCAL, context_tokens=5000, max_tokens=4800)),
    "few attempts": replace(KODERZ, attempts_shown=2),
    "cascade": replace(LOCAL_ONLY, fallback=FRONTIER, max_iterations=4),
    "late spec": replace(KODERZ, spec_policy=SpecPolicy.LAZY),
    "asked twice": replace(KODERZ, checkpoint_policy=CheckpointPolicy.ASKED, max_reviews=2),
    "own prompts": replace(KODERZ, prompts=TERSE),
    "several candidates": replace(KODERZ, candidates=2, max_iterations=3),
}


@pytest.mark.parametrize("name", ARMS)
def test_prompts_are_made_again_as_they_were_sent(name: str) -> None:
    """Spec, every candidate's and every checkpoint's, in their order."""
    replies = [wrong(1), "no code", wrong(2), wrong(2), wrong(3), wrong(4)]
    local = ScriptedModel([f"{reply}\nASK REVIEWER: why not {number}?" for number, reply in enumerate(replies)])
    frontier = ScriptedModel(lambda prompt: RIGHT if prompt.role is Role.FALLBACK else f"words for {prompt.role}")
    arm = ARMS[name]
    one = run(arm, local=local, frontier=frontier)
    sent = [(each.system, each.user) for each in (*local.prompts[:: arm.candidates], *frontier.prompts)]
    made = [(each.system, each.user) for each in _made_again(one, name)]
    assert sorted(made) == sorted(sent)


def _made_again(one: Experiment, name: str) -> Iterator[Prompt]:
    yield from [asked_for_spec(ADD, ARMS[name])] if one.spec else []
    yield from (asked_for_candidate(one, iteration, ADD, ARMS[name]) for iteration in one.iterations)
    yield from (asked_for_guidance(one, guidance, ADD, ARMS[name]) for guidance in one.checkpoints)
