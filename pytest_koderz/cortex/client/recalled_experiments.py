"""Experiments as cortex alone tells them."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from pytest_koderz.core.experiment import Advice, Experiment, Guidance, Spec
from pytest_koderz.core.iteration import Iteration
from pytest_koderz.records.codec import Malformed
from pytest_koderz.records.events import Head

from .connection import Launch, connect
from .kept_memories import export
from .memories import experiment_told_by, metadata_of, record_of

T = TypeVar("T")
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Recalled:
    """What cortex tells."""

    experiments: tuple[Experiment, ...] = ()
    heads: Mapping[str, Head] = field(default_factory=dict)
    """What a benchmark said of itself, by its id. The latest where it was resumed with other settings."""
    unread: tuple[str, ...] = ()
    """Why memories of what was asked for are left out, which are none of this version's."""


def recall(
    which: str,
    *,
    cortex_path: str | None,
    database: Path,
    project: str = "koderz",
    environment: Mapping[str, str] | None = None,
) -> Recalled:
    """A benchmark `bench_…`, or the experiment of an id `exp_…`, with all that was stored of it.

    An empty *which* is all of the project.
    An experiment whose result was never stored has the status `running`. Raises MemoryUnavailable.
    """
    launch = Launch.of(cortex_path, database, project, os.environ if environment is None else environment)
    return told_by(asyncio.run(_rows(launch, which)), which)


def told_by(rows: Iterable[Row], which: str) -> Recalled:
    """What *rows* of the server tell of a benchmark or of an experiment; of all, where *which* is empty."""
    told: dict[str, list[Row]] = {}
    heads: dict[str, Head] = {}
    unread: list[str] = []
    for row in rows:
        metadata = metadata_of(row)
        kept = {**row, "metadata": metadata}
        if _tells_of(metadata, which):
            with _left_out(unread):
                told.setdefault(experiment_told_by(kept).id, []).append(kept)
        elif metadata.get("kind") == "benchmark":
            with _left_out(unread if which in ("", metadata.get("benchmark_id")) else []):
                heads[record_of(str, kept, "benchmark_id")] = _head_of(kept)
    return Recalled(tuple(experiment_of(rows, unread) for rows in told.values()), heads, tuple(unread))


def experiment_of(rows: Sequence[Row], unread: list[str]) -> Experiment:
    """One experiment from all of its rows, oldest first; where one was stored again, the later one counts.

    What cannot be read is left out, and why is added to *unread*.
    """

    def values(kind: type[T], name: str) -> list[T]:
        found = []
        for row in rows:
            if metadata_of(row).get("kind") == name:
                with _left_out(unread):
                    found.append(record_of(kind, row))
        return found

    start = experiment_told_by(rows[0])
    results, specs = [one for one in values(Experiment, "result") if _is_the_same(one, start)], values(Spec, "spec")
    iterations = {iteration.number: iteration for iteration in values(Iteration, "iteration")}
    checkpoints = {guidance.number: guidance for guidance in values(Guidance, "checkpoint")}
    return replace(
        results[-1] if results else start,
        spec=specs[-1] if specs else None,
        iterations=tuple(iterations[number] for number in sorted(iterations)),
        advice=tuple(dict.fromkeys(values(Advice, "advice"))),
        checkpoints=tuple(checkpoints[number] for number in sorted(checkpoints)),
    )


def _is_the_same(result: Experiment, start: Experiment) -> bool:
    """Or else it would stand in another benchmark than was asked for."""
    return (result.id, result.problem_id, result.benchmark_id) == (start.id, start.problem_id, start.benchmark_id)


def _head_of(row: Row) -> Head:
    return record_of(Head, row, at=record_of(str, row, "timestamp"))


@contextmanager
def _left_out(unread: list[str]) -> Iterator[None]:
    try:
        yield
    except Malformed as fault:
        unread.append(str(fault))


async def _rows(launch: Launch, which: str) -> list[dict[str, Any]]:
    async with connect(launch) as connection:
        return await export(connection, launch, which)


_KINDS = ("spec", "iteration", "advice", "checkpoint", "result")


def _tells_of(metadata: Mapping[str, Any], which: str) -> bool:
    """Others may keep memories of their own in the same project."""
    known = metadata.get("kind") in _KINDS and "experiment_id" in metadata
    return known and which in ("", metadata["experiment_id"], metadata.get("benchmark_id"))
