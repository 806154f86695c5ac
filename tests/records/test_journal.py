"""The journal as it is written: whole lines, before the next step, for its owner alone."""

from __future__ import annotations

import json
import os
from decimal import Decimal
from pathlib import Path

import pytest

from pytest_koderz.core.arm import Role
from pytest_koderz.core.errors import JournalFault
from pytest_koderz.core.experiment import Experiment
from pytest_koderz.core.money import Spending, Usage
from pytest_koderz.core.ports import Prompt, Reply
from pytest_koderz.files.usage_error import UsageError
from pytest_koderz.records.codec import from_json
from pytest_koderz.records.events import VERSION
from pytest_koderz.records.folder_lock import FolderLock
from pytest_koderz.records.journal import Journal
from pytest_koderz.records.reader import archived
from pytest_koderz.records.recorded import read_folder
from pytest_koderz.testing import ScriptedModel
from tests.core.worlds import ADD, KODERZ, RIGHT, START, run, wrong

PROMPT = Prompt("Be brief.", "", "Specify.", ADD.id, Role.SPEC)


@pytest.fixture(scope="module")
def experiment() -> Experiment:
    return run(local=ScriptedModel([wrong(1), "no code", wrong(2), wrong(2), RIGHT]))


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


def test_it_holds_a_line_for_every_event(tmp_path: Path, experiment: Experiment) -> None:
    """Each is whole when the call returns, so a kill afterwards cannot take it away."""
    journal = Journal(tmp_path / "bench", "main", {"id": "bench_1"})
    for iteration in experiment.iterations:
        before = _lines(journal.path)
        journal.pytest_koderz_iterated(experiment, iteration)
        assert len(_lines(journal.path)) == max(len(before), 1) + 1
    journal.pytest_koderz_ended(experiment)
    journal.close()
    events = [json.loads(line) for line in _lines(journal.path)]
    assert [event["event"] for event in events] == ["benchmark", *["iterated"] * 5, "ended"]
    assert from_json(json.dumps(events[-1]["record"])) == experiment
    assert {event["v"] for event in events} == {VERSION}


def test_nothing_is_written_before_something_happens(tmp_path: Path) -> None:
    """A run without experiments leaves no folder behind."""
    Journal(tmp_path / "bench", "main", {}).close()
    assert not (tmp_path / "bench").exists()


def test_its_owner_alone_can_read_it(tmp_path: Path) -> None:
    """Whatever the umask says; so is one that an earlier version left open to all, once it is gone on with."""
    before = os.umask(0)
    try:
        lock = FolderLock(tmp_path / ".koderz" / "bench_1")
        lock.take()
        opened = lock.path.with_name("main.jsonl")
        opened.touch(0o666)
        journal = Journal(opened.parent, "main", {})
        journal.pytest_koderz_began(START, ADD, KODERZ)
        journal.close()
        lock.release()
    finally:
        os.umask(before)
    assert [path.stat().st_mode & 0o777 for path in (opened.parent.parent, opened.parent)] == [0o700, 0o700]
    assert {path.stat().st_mode & 0o777 for path in opened.parent.iterdir()} == {0o600}


def test_what_could_not_be_read_again_is_no_line(tmp_path: Path) -> None:
    """The fault names the value; the journal stays readable."""
    journal = Journal(tmp_path, "main", {})
    journal.pytest_koderz_began(START, ADD, KODERZ)
    spending = Spending(Role.SPEC, "m", 1, Usage(), Decimal("1E+999999999"), 1.0)
    with pytest.raises(JournalFault, match=r"is not recorded: spending.cost: must be a decimal number within"):
        journal.pytest_koderz_called(START, Role.SPEC, PROMPT, Reply("", Usage(), "m"), spending)
    journal.close()
    assert list(read_folder(tmp_path).calls()) == []


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('"arms":["koderz"]', '"arms":"koderz"', "main.jsonl:1: arms: must be a list, not 'koderz'"),
        ('"margin":0.05', '"margin":NaN', "main.jsonl:1: margin: must be a finite number, not nan"),
        ('"cost":"0.5"', '"cost":"1E+999999999"', "main.jsonl:3: spending.cost: must be a decimal number"),
        ('"text":"yes"', '"text":' + "[" * 9999 + "]" * 9999, "main.jsonl:3: is no line of a journal"),
        ('"started":""', '"started":7', "main.jsonl:2: started: must be a text, not 7"),
        ('"problem":"own/add"', '"problem":[]', "main.jsonl:2: problem: must be a text"),
        ('"id":"exp_1a2b3c4d"', '"id":"exp_00000000"', "main.jsonl:4: record: is of another experiment"),
    ],
    ids=["arms", "nan", "cost", "deep", "started", "problem", "other"],
)
def test_what_is_refused_is_named_with_file_and_line(tmp_path: Path, old: str, new: str, words: str) -> None:
    """Whoever asks gets a usage error."""
    journal = Journal(tmp_path, "main", {"arms": ["koderz"], "margin": 0.05})
    journal.pytest_koderz_began(START, ADD, KODERZ)
    spending = Spending(Role.SPEC, "m", 1, Usage(), Decimal("0.5"), 1.0)
    journal.pytest_koderz_called(START, Role.SPEC, PROMPT, Reply("yes", Usage(), "m"), spending)
    journal.pytest_koderz_ended(START)
    journal.close()
    text = journal.path.read_text()
    assert old in text
    journal.path.write_text(text.replace(old, new, 1))
    with pytest.raises(UsageError, match=words):
        archived(tmp_path)
