"""Playing a journal back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pytest_koderz.backends.backend import Surroundings
from pytest_koderz.core.arm import Role
from pytest_koderz.core.errors import ModelUnavailable
from pytest_koderz.core.experiment import Spec
from pytest_koderz.core.iteration import Candidate, Iteration, Outcome, StopReason, Verdict
from pytest_koderz.core.money import Spending, Usage
from pytest_koderz.core.ports import Prompt, Reply
from pytest_koderz.core.problem import Problem
from pytest_koderz.files.secret_values import REDACTED
from pytest_koderz.files.usage_error import UsageError
from pytest_koderz.records.events import VERSION, About, Asked, Called, Event, Head, Iterated, SpecWritten, line_of
from pytest_koderz.session.replay import BACKEND
from tests.backends.worlds import a_model, a_prompt
from tests.core.worlds import ADD

REPLY = Reply("def add", Usage(1, 2, 3, 4), "m-1", StopReason.MAX_TOKENS, 1.5, 0.5, ("careful",))


def a_line(prompt: Prompt, reply: Reply = REPLY, version: int = VERSION) -> str:
    """A call as the journal writes it."""
    asked = Asked(prompt.digest, prompt.system, prompt.user, prompt.seed)
    call = Called(prompt.role, asked, reply, Spending(prompt.role, "m", 1, reply.usage, None, reply.seconds))
    line = line_of(Event("2026-11-22", call, About("exp_1a2b3c4d", prompt.problem_id, "koderz"))).decode()
    return line.replace(f'"v":{VERSION}', f'"v":{version}', 1)


def recorded(folder: Path, *lines: str, strict: bool = True, problem: Problem | None = None) -> Any:
    (folder / "gw0.jsonl").write_text("".join(lines))
    around = Surroundings(problems={problem.id: problem} if problem else {})
    return BACKEND.opened(a_model("replay", str(folder), options={"strict": strict}), around)


def test_a_recorded_prompt_gets_its_reply_whole(tmp_path: Path) -> None:
    """Usage, model id, times and warnings included, from any file of the folder."""
    (tmp_path / "gw1.jsonl").write_text(a_line(a_prompt("Other.")))
    assert recorded(tmp_path, a_line(a_prompt())).complete(a_prompt("Other.")) == REPLY


def test_torn_lines_and_other_events_are_passed_over(tmp_path: Path) -> None:
    """A killed process leaves half a line."""
    line = a_line(a_prompt())
    model = recorded(tmp_path, line_of(Event("", Head())).decode(), line, line[: len(line) // 2])
    assert model.complete(a_prompt()) == REPLY


def test_of_two_calls_with_one_prompt_the_last_counts(tmp_path: Path) -> None:
    """The first was in flight when a run was killed and resumed."""
    later = replace(REPLY, text="later")
    assert recorded(tmp_path, a_line(a_prompt()), a_line(a_prompt(), later)).complete(a_prompt()) == later


def test_a_miss_shows_how_the_nearest_prompt_differs(tmp_path: Path) -> None:
    """Of the recorded ones of the same problem and role."""
    far = a_line(a_prompt("Something\nelse\nentirely."))
    model = recorded(tmp_path, far, a_line(a_prompt("Write add.\nBe quick.")), a_line(a_prompt(role=Role.SPEC)))
    with pytest.raises(ModelUnavailable, match=r"local prompt of HumanEval/53 is not recorded") as caught:
        model.complete(a_prompt("Write add.\nTake care."))
    assert "-Be quick.\n+Take care." in str(caught.value)


def test_a_miss_by_the_seed_alone_says_so(tmp_path: Path) -> None:
    """The text is the same, so a diff would be empty."""
    with pytest.raises(ModelUnavailable, match="with seed 9: its text is, with another seed or heat"):
        recorded(tmp_path, a_line(a_prompt(seed=1))).complete(a_prompt(seed=9))


def test_without_strict_the_nearest_reply_is_taken(tmp_path: Path) -> None:
    """With a warning; where there is none of that problem and role it stays an error."""
    model = recorded(tmp_path, a_line(a_prompt()), strict=False)
    assert model.complete(a_prompt("Write it.")).warnings[1:] == (
        f"{tmp_path} holds another prompt; the nearest one's reply was taken",
    )
    with pytest.raises(ModelUnavailable, match="nor is any other"):
        model.complete(a_prompt("Of another.", problem_id="HumanEval/0"))


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (a_line(a_prompt(), version=9), r"gw0.jsonl:1: was written by a newer version of pytest-koderz \(format 9"),
        ("torn\n" + a_line(a_prompt()), r"gw0.jsonl:1: is no line of a journal"),
        (
            a_line(a_prompt()).replace('"model_id":"m-1"', '"model_id":1'),
            r"gw0.jsonl:1: reply.model_id: must be a text",
        ),
    ],
    ids=["version", "broken", "shape"],
)
def test_what_cannot_be_read_is_a_usage_error(tmp_path: Path, line: str, words: str) -> None:
    """With file and line."""
    with pytest.raises(UsageError, match=words):
        recorded(tmp_path, line)


def test_a_missing_journal_is_named(tmp_path: Path) -> None:
    """Before anything is run."""
    assert "no journal is there" in (BACKEND.fault_of(a_model("replay", str(tmp_path)), {}) or "")
    with pytest.raises(UsageError, match="no journal is there"):
        BACKEND.opened(a_model("replay", str(tmp_path / "bench_1")), Surroundings())


def test_a_reply_that_was_redacted_is_said_to_differ(tmp_path: Path) -> None:
    """What is judged now is not what the model wrote then."""
    model = recorded(tmp_path, a_line(a_prompt(), replace(REPLY, text=f"add = '{REDACTED}'")))
    careful, differs = model.complete(a_prompt()).warnings
    assert careful == "careful"
    assert "out of which a secret was taken: it differs from what was said" in differs


ADDS = "def add(x, y):\n    return x + y"
THEN = Candidate(f"{ADDS}\n")


@pytest.mark.parametrize(
    ("text", "then", "words"),
    [
        (f"```python\n{ADDS}\n```", THEN, ""),
        ("```python\ndef add(x, y):\n    return x", THEN, "gives another candidate now"),
        ("", THEN, "gives no candidate now"),
        (f"```python\n{ADDS}\n```", None, "gives a candidate now"),
        ("", None, ""),
    ],
)
def test_a_reply_that_gives_something_else_now_is_named(
    text: str, then: Candidate | None, words: str, tmp_path: Path
) -> None:
    """With its experiment, whatever was done to it: it is held against the candidate that is recorded of it."""
    prompt = a_prompt(problem_id=ADD.id)
    came_to = Iterated(Iteration(1, (then,), (Verdict(Outcome.WRONG),)))
    then_line = line_of(Event("2026-11-23", came_to, About("exp_1a2b3c4d", ADD.id, "koderz"))).decode()
    lines = (a_line(prompt, replace(REPLY, text=text, warnings=())), then_line)
    warnings = recorded(tmp_path, *lines, problem=ADD).complete(prompt).warnings
    place = f"{ADD.id}[koderz]: a reply in {tmp_path}"
    why = "it was changed since it came, or is read otherwise by this version"
    assert warnings == ((f"{place} {words}: {why}",) if words else ())


def test_a_spec_that_was_cut_is_named(tmp_path: Path) -> None:
    """As a review is, against its text."""
    prompt = a_prompt(role=Role.SPEC)
    written = SpecWritten(Spec("All of it.", "m"))
    then = line_of(Event("2026-11-23", written, About("exp_1a2b3c4d", prompt.problem_id, "koderz"))).decode()
    (warning,) = recorded(tmp_path, a_line(prompt, Reply("All of", Usage(), "m")), then).complete(prompt).warnings
    assert "is not the text of that spec any more" in warning
