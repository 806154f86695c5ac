"""The calls of a benchmark with what was asked, which its experiments do not hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .events import Called, events_in, journals_in


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
