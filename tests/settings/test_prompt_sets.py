"""Prompts of a user's own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pytest_koderz.commands.prompt import prompts_of
from pytest_koderz.commands.quote import high_calls, low_calls
from pytest_koderz.core.arm import CheckpointPolicy
from pytest_koderz.core.prompts import ASKING
from pytest_koderz.core.templates import SHIPPED
from pytest_koderz.files.usage_error import UsageError
from pytest_koderz.records.codec import plain, value_of
from pytest_koderz.records.conditions import conditions_of, unlike
from pytest_koderz.records.events import Head
from pytest_koderz.settings import Choice, Settings, load_settings
from tests.core.worlds import ADD

TERSE = """
prompts:
  terse:
    candidate: {system: Be short. $5, text: "$task\\n\\nFor $$5 write `$entry_point`.\\n\\n$attempts"}
  same: {}
arms:
  terse: {local: local, prompts: terse}
  same: {local: local, prompts: same}
  plain: {local: local}
"""


def _settings(folder: Path, text: str = TERSE) -> Settings:
    (folder / "koderz.yaml").write_text(text)
    return load_settings(None, folder, {}, Choice(profile="simulated", arms=("terse", "same", "plain")))


def test_an_arm_sends_its_own_texts(tmp_path: Path) -> None:
    """Only what is a paragraph of its template; what is left out of the set is as shipped."""
    terse, same, plain_arm = _settings(tmp_path).arms
    first, later = (prompt for _, prompt in prompts_of(terse, ADD))
    assert first.system == "Be short. $5"
    assert first.user == f"# Task\n{ADD.prompt.strip()}\n\nFor $5 write `add`."
    assert "For $5 write `add`.\n\n# Earlier attempts" in later.user
    assert list(prompts_of(same, ADD)) == list(prompts_of(plain_arm, ADD))
    assert terse.prompt_set.spec == SHIPPED.spec


def test_texts_are_a_condition_by_their_content(tmp_path: Path) -> None:
    """A set of the shipped texts is none of one's own; the record of an arm holds them."""
    terse, same, plain_arm = _settings(tmp_path).arms
    assert unlike(conditions_of(None, same), conditions_of(None, plain_arm)) == ()
    assert unlike(conditions_of(None, terse), conditions_of(None, plain_arm)) == ("prompt version",)
    again = _settings(tmp_path, TERSE.replace("Be short", "Be brief")).arms[0]
    assert unlike(conditions_of(None, terse), conditions_of(None, again)) == ("prompt version",)
    head = Head(definitions=(terse, same))
    assert value_of(Head, plain(head)) == head


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{candidate: {text: $tusk}}", "koderz.yaml:1: prompts.terse.candidate.text: there is no field $tusk (did you"),
        ("{candidate: {text: write it}}", "prompts.terse.candidate.text: lacks $task"),
        ("{spec: {text: $task for $ 5}}", "prompts.terse.spec.text: a `$` that begins no field"),
        ("{spec: {texts: $task}}", "prompts.terse.spec.texts: no such key (did you mean 'text'?)"),
        ("{specs: {text: $task}}", "prompts.terse.specs: no such key (did you mean 'spec'?)"),
    ],
)
def test_a_mistake_is_told_with_its_place(tmp_path: Path, text: str, words: str) -> None:
    """In one line."""
    arms = "arms: {terse: {local: local, prompts: terse}, same: {local: local}, plain: {local: local}}"
    with pytest.raises(UsageError) as fault:
        _settings(tmp_path, f"prompts: {{terse: {text}}}\n{arms}\n")
    assert words in str(fault.value)


@pytest.mark.parametrize(
    ("arm", "words"),
    [
        ("prompts: tersed", "arms.terse.prompts: no prompts named 'tersed' (did you mean 'terse'?)"),
        ("prompts: terse, checkpoint: checkpoint, checkpoint_policy: asked", "the candidate's text lacks $asking"),
    ],
)
def test_a_set_must_be_there_and_fit_the_arm(tmp_path: Path, arm: str, words: str) -> None:
    """A model that may ask must be told so."""
    with pytest.raises(UsageError) as fault:
        _settings(tmp_path, TERSE.replace("prompts: terse", arm))
    assert words in str(fault.value)


def test_a_quote_prices_the_texts_that_are_sent(tmp_path: Path) -> None:
    """Not the shipped ones, and what a model is told of asking with them."""
    terse, _, plain_arm = _settings(tmp_path).arms
    quoted = [prompt.user for prompt in high_calls(terse, ADD)]
    assert all("For $5 write `add`." in text for text in quoted)
    assert len(quoted[0]) < len(next(high_calls(plain_arm, ADD)).user) + len("For $5 ")
    asking = replace(plain_arm, checkpoint=plain_arm.local, checkpoint_policy=CheckpointPolicy.ASKED)
    assert ASKING in next(low_calls(asking, ADD)).user
