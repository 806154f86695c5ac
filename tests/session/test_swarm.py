"""Several local models at work on a problem at the same time, on the simulated profile, with its journal as witness."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pytest_koderz.reporters.text import dollars
from tests.conftest import Run

SWARM = """
cortex: {enabled: false}
control: strong-alone
profiles:
  simulated: {arms: [duo, beam, strong-alone], models: {}, max_iterations: 3}
arms:
  duo: {local: [weak, strong], candidates: 3, spread: 0.4}
  beam: {local: [weak, strong], candidates: 4, beam: 2}
  strong-alone: {local: strong}
models:
  weak: {backend: simulated, model: weak, priced_as: claude-haiku-5-5, options: {strength: 0.25}}
  strong: {backend: simulated, model: strong, priced_as: claude-sonnet-5-5, options: {strength: 0.45}}
"""
RUN = ("--koderz-problems", "0-3", "--tb=no", "--koderz-json", "r.json")


@pytest.fixture
def swarm(forgetful: Run, pytester: pytest.Pytester) -> Callable[..., Mapping[str, Any]]:
    """A run of it with more arguments, by its results."""
    (pytester.path / "koderz.yaml").write_text(SWARM)

    def ran(*arguments: str) -> Mapping[str, Any]:
        forgetful(*RUN, *arguments)
        told: Mapping[str, Any] = json.loads((pytester.path / "r.json").read_text())
        return told

    return ran


def _journal(pytester: pytest.Pytester) -> Path:
    (found,) = (pytester.path / ".koderz").glob("bench_*/*.jsonl")
    return found


def _events(path: Path, kind: str) -> list[Mapping[str, Any]]:
    return [event for event in map(json.loads, path.read_text().splitlines()) if event["event"] == kind]


def test_what_it_gained_is_told_from_the_recorded_replies(
    swarm: Callable[..., Mapping[str, Any]], pytester: pytest.Pytester
) -> None:
    """By hand, from the journal: who was right in the first iteration of each problem, and what each was paid."""
    results = swarm()
    row = results["arms"]["duo"]
    journal = _journal(pytester)
    calls = [event for event in _events(journal, "called") if event["arm"] == "duo"]
    first, paid = Counter[str](), Counter[str]()
    together = 0
    for event in _events(journal, "iterated"):
        if event["arm"] == "duo" and event["iteration"]["number"] == 1:
            tried = event["iteration"]
            right = {
                writer
                for writer, verdict in zip(tried["writers"], tried["verdicts"], strict=True)
                if verdict["outcome"] == "passed"
            }
            first.update(right)
            together += bool(right)
    for event in calls:
        paid[event["spending"]["model"]] += Decimal(event["spending"]["cost"])  # type: ignore[assignment]
    members = row["swarm"]["members"]
    assert {name: told["first"] for name, told in members.items()} == {name: first[name] for name in members}
    assert row["swarm"]["first"] == together
    assert row["swarm"]["gain"] == together - max(first.values())
    assert {name: dollars(Decimal(str(told["cost_usd"]))) for name, told in members.items()} == {
        name: dollars(Decimal(cost)) for name, cost in paid.items()
    }
    assert sum(told["candidates"] for told in members.values()) == len(calls)
    assert sum(told["solved"] for told in members.values()) == row["solved"]


@pytest.mark.slow
def test_who_goes_on_in_the_middle_of_an_iteration_pays_for_no_answer_twice(
    swarm: Callable[..., Mapping[str, Any]], pytester: pytest.Pytester
) -> None:
    """A journal that ends between two answers of the same iteration, of a beam too: the outcomes are the same. Where
    the recorded one was right the other is not asked for again.
    """
    whole = swarm()
    journal = _journal(pytester)
    lines = journal.read_bytes().splitlines(keepends=True)
    folder = journal.parent
    inside = [
        number + 1
        for number, line in enumerate(lines[:-1])
        if all(json.loads(each)["event"] == "called" for each in (line, lines[number + 1]))
    ]
    for cut in (inside[2], inside[len(inside) // 2], inside[-2]):
        for each in folder.iterdir():
            shutil.rmtree(each) if each.is_dir() else each.unlink()
        journal.write_bytes(b"".join(lines[:cut]))
        again = swarm("--koderz-resume", folder.name)
        assert _outcomes(again) == _outcomes(whole)
        assert _costs(again) <= _costs(whole)
        asked = Counter(
            (event["experiment"], event["prompt"]["digest"])
            for path in folder.glob("*.jsonl")
            for event in _events(path, "called")
        )
        assert set(asked.values()) == {1}


def _outcomes(results: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    return [(one["problem"], one["arm"], one["outcome"], one["iterations"]) for one in results["experiments"]]


def _costs(results: Mapping[str, Any]) -> float:
    costs: list[float] = [one["cost_usd"] for one in results["experiments"]]
    return sum(costs)
