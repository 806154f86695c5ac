"""The secret from which tests draw: one for all processes and all turns of a benchmark."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from pytest_koderz.records.events import Head
from pytest_koderz.records.recorded import Recorded
from pytest_koderz.session.secret_draws import draws_of


def _settings(*models: Any) -> Any:
    return SimpleNamespace(models=models)


def test_each_benchmark_has_a_secret_of_its_own_and_goes_on_with_it() -> None:
    """What an earlier version recorded had none."""
    new, other = (draws_of(_settings(), None) for _ in range(2))
    assert new != other
    assert len(new) >= 32
    recorded = Recorded((Head(), Head(draws=new), Head(draws=new)), {})
    assert draws_of(_settings(), recorded) == new
    assert draws_of(_settings(), Recorded((Head(),), {})) not in ("", new)


def test_who_plays_a_journal_back_draws_what_was_drawn(tmp_path: Path) -> None:
    """Else its prompts would show other values; before there were secrets, everybody drew the same."""
    for name, head in (("new", {"draws": "s3cret"}), ("old", {})):
        folder = tmp_path / name
        folder.mkdir()
        line = {"v": 3, "at": "2026-01-01T00:00:00+00:00", "event": "benchmark", "id": name, **head}
        (folder / "main.jsonl").write_text(json.dumps(line) + "\n")
    played = {name: SimpleNamespace(backend="replay", model=str(tmp_path / name)) for name in ("new", "old")}
    assert draws_of(_settings(played["new"]), None) == "s3cret"
    assert draws_of(_settings(played["old"]), None) == ""
