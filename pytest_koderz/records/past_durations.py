"""How long experiments took in earlier benchmarks, as their journals tell."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from math import isfinite
from pathlib import Path
from statistics import fmean
from typing import Any

from pytest_koderz.core.experiment import Status
from pytest_koderz.files.usage_error import UsageError

from .events import head_of_journal, journals_in
from .lean import is_end
from .reader import folders_in

BENCHMARKS = 5
"""So many of the latest are looked at: what changed since makes earlier ones tell less, and reading them takes time."""

Durations = dict[str, dict[str, float]]
"""Seconds by arm and problem."""


def past_durations(parent: Path, arms: Collection[str], *, simulated: bool) -> Durations:
    """As the latest benchmark that settled them has them, epochs on average. A simulated run tells nothing of a real
    one, nor the other way round.
    """
    found: Durations = {}
    alike = (folder for folder in folders_in(parent) if _is_alike(folder, arms, simulated=simulated))
    for folder, _ in zip(alike, range(BENCHMARKS), strict=False):
        for (arm, problem), seconds in _settled(folder, arms).items():
            found.setdefault(arm, {}).setdefault(problem, fmean(seconds))
    return found


def _is_alike(folder: Path, arms: Collection[str], *, simulated: bool) -> bool:
    # Whatever cannot be read is not worth a word here: it is told of where it is asked for.
    with suppress(UsageError):
        head = next((head for path in journals_in(folder) if (head := head_of_journal(path))), None)
        return head is not None and head.simulated is simulated and not set(arms).isdisjoint(head.arms)
    return False


def _settled(folder: Path, arms: Collection[str]) -> dict[tuple[str, str], list[float]]:
    found: dict[tuple[str, str], list[float]] = {}
    for record in _ends_in(folder):
        seconds = record["seconds"]
        if record["arm"] in arms and isfinite(seconds) and seconds >= 0:
            found.setdefault((record["arm"], record["problem_id"]), []).append(seconds)
    return found


_WANTED: Mapping[str, type] = {"arm": str, "problem_id": str, "seconds": float}


def _ends_in(folder: Path) -> Iterator[dict[str, Any]]:
    """The records of settled experiments, as plain data: to check each of them as the codec does takes ten times as
    long, and no more than an order hangs on them.
    """
    for path in journals_in(folder):
        with suppress(OSError), path.open("rb") as lines:
            for line in filter(is_end, lines):
                with suppress(ValueError, RecursionError, KeyError, TypeError):
                    record = json.loads(line)["record"]
                    if Status(record["status"]).settled:
                        yield {name: kind(record[name]) for name, kind in _WANTED.items()}
