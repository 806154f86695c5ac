"""Experiments as cortex alone tells them."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from pytest_koderz.core.experiment import Advice, Experiment, Guidance, Spec
from pytest_koderz.core.iteration import Iteration

from .connection import Launch, connect
from .delivery import export
from .memories import metadata_of, record_of

T = TypeVar("T")
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Recalled:
    """What cortex tells."""

    experiments: tuple[Experiment, ...] = ()
    heads: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """What a benchmark said of itself, with the time `at` which that was, by its id. The latest where it was resumed
    with other settings."""


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
    heads: dict[str, Mapping[str, Any]] = {}
    for row in rows:
        metadata = metadata_of(row)
        if _tells_of(metadata, which):
            told.setdefault(str(metadata["experiment_id"]), []).append({**row, "metadata": metadata})
        elif metadata.get("kind") == "benchmark":
            heads[str(metadata["benchmark_id"])] = {**metadata["record"], "at": metadata["timestamp"]}
    return Recalled(tuple(experiment_of(rows) for rows in told.values()), heads)


def experiment_of(rows: Sequence[Row]) -> Experiment:
    """One experiment from all of its rows, oldest first; where one was stored again, the later one counts."""
    results, specs = _of_kind(Experiment, "result", rows), _of_kind(Spec, "spec", rows)
    about = metadata_of(rows[0])
    experiment = (
        results[-1]
        if results
        else Experiment(
            id=str(about["experiment_id"]),
            problem_id=str(about["problem_id"]),
            arm=str(about.get("arm", "")),
            epoch=int(about.get("epoch", 1)),
            benchmark_id=str(about.get("benchmark_id", "")),
            prompt_version=str(about.get("prompt_version", "")),
        )
    )
    iterations = {iteration.number: iteration for iteration in _of_kind(Iteration, "iteration", rows)}
    checkpoints = {guidance.number: guidance for guidance in _of_kind(Guidance, "checkpoint", rows)}
    return replace(
        experiment,
        spec=specs[-1] if specs else None,
        iterations=tuple(iterations[number] for number in sorted(iterations)),
        advice=tuple(dict.fromkeys(_of_kind(Advice, "advice", rows))),
        checkpoints=tuple(checkpoints[number] for number in sorted(checkpoints)),
    )


async def _rows(launch: Launch, which: str) -> list[dict[str, Any]]:
    async with connect(launch) as connection:
        return await export(connection, launch, which)


def _of_kind(kind: type[T], name: str, rows: Sequence[Row]) -> list[T]:
    return [record_of(kind, row) for row in rows if metadata_of(row).get("kind") == name]


def _tells_of(metadata: Mapping[str, Any], which: str) -> bool:
    """Others may keep memories of their own in the same project."""
    return "experiment_id" in metadata and which in ("", metadata["experiment_id"], metadata.get("benchmark_id"))
