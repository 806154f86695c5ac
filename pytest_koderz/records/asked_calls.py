"""The calls of a benchmark one by one, which its experiments do not hold: what was asked, and what each cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pytest_koderz.core.experiment import Experiment
from pytest_koderz.core.money import Spending

from .events import Called, Ended, events_in, journals_in
from .reader import Archived
from .recorded import each_of


@dataclass(frozen=True, slots=True)
class AskedCall:
    """One call, and when its answer was there (ISO 8601, UTC)."""

    at: str
    what: Called


def calls_in(folder: Path) -> Mapping[str, Sequence[AskedCall]]:
    """By experiment, in their order, those of all attempts. Raises UsageError for what is no journal."""
    found: dict[str, list[AskedCall]] = {}
    for path in journals_in(folder):
        for event in events_in(path):
            if event.about is not None and isinstance(event.what, Called):
                found.setdefault(event.about.experiment, []).append(AskedCall(event.at, event.what))
    return {name: sorted(calls, key=lambda call: call.at) for name, calls in found.items()}


def of_attempt(calls: Sequence[AskedCall], started: str) -> Sequence[AskedCall]:
    """Those of the attempt that counts, which began then."""
    return [call for call in calls if call.at >= started]


def calls_of(benchmark: Archived) -> Mapping[str, Sequence[Spending]]:
    """By experiment what its calls cost. The first of two answers to one prompt is what it went on with; one that was
    cancelled is charged beside it.
    """
    return {one.id: _calls_of(benchmark, one) for one in benchmark.experiments}


def _calls_of(benchmark: Archived, experiment: Experiment) -> list[Spending]:
    runs = benchmark.recorded.experiments.get(experiment.id, {}).values()
    run = next((run for run in runs if any(each.record == experiment for each in each_of(run, Ended))), ())
    found: dict[tuple[str, str, bool], Spending] = {}
    for call in each_of(run, Called):
        found.setdefault((str(call.role), call.prompt.digest, call.reply.cancelled), call.spending)
    return list(found.values())
