"""Experiments as JSON and back, and the journal."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest

from pytest_koderz.core.experiment import Experiment
from pytest_koderz.records.codec import from_json, to_json
from pytest_koderz.records.journal import VERSION, Journal
from pytest_koderz.testing import ScriptedModel
from tests.core.worlds import RIGHT, run, wrong


@pytest.fixture
def experiment() -> Experiment:
    return run(local=ScriptedModel([wrong(1), "no code", wrong(2), wrong(2), RIGHT]))


def test_an_experiment_survives_json(experiment: Experiment) -> None:
    """Equal after the journey, Decimal digits and enums included."""
    again = from_json(to_json(experiment))
    assert again == experiment
    assert isinstance(again.ledger.cost, Decimal)
    assert again.iterations[0].verdict.outcome is experiment.iterations[0].verdict.outcome


def test_other_text_is_no_experiment() -> None:
    """ValueError, not half a record."""
    with pytest.raises(ValueError, match="id"):
        from_json("{}")


def test_the_journal_holds_a_line_for_every_event(tmp_path: Path, experiment: Experiment) -> None:
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


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []
