"""Each summary that is read is a look at the benchmark, and is recorded as one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_koderz.core.experiment import Experiment
from pytest_koderz.evidence.findings import Frame, look_at
from pytest_koderz.evidence.looks import Look
from pytest_koderz.records.events import Looked
from pytest_koderz.records.plan import plan_of, record_look

from .context import BenchmarkRun
from .shards import part_of

SHARDED = ("num_shards", "splits")
"""Of pytest-shard and pytest-split: into how many parts the run is cut."""


def register(run: BenchmarkRun) -> LookRecord | None:
    if run.is_worker:
        return None
    record = LookRecord(run)
    run.register(record, "looks")
    return record


class LookRecord:
    """Adds this session's look, after all that is written of it."""

    def __init__(self, run: BenchmarkRun) -> None:
        self._run = run
        self._done = False

    def lines(self) -> Iterable[str]:
        self._done = True
        record_look_at(self._run.folder, self._run.frame, self._run.experiments.in_order())
        return ()

    def pytest_unconfigure(self) -> None:
        """Where there was no terminal the files of results were looked at."""
        if not self._done and self._run.experiments.in_order():
            self.lines()


def record_look_at(folder: Path, frame: Frame, experiments: Sequence[Experiment]) -> None:
    """Where there is something to claim of more problems than at the last look."""
    look = None if frame.shard else look_at(frame, experiments)
    if look is not None and look.problems > max((one.problems for one in frame.looks), default=0) and folder.is_dir():
        # Whoever may not write here may still read.
        with suppress(OSError):
            record_look(folder, Looked(look.problems, look.planned))


def with_plan(frame: Frame, folder: Path) -> Frame:
    """What earlier runs and summaries of the benchmark have laid down: a margin is the first one that was recorded."""
    if not folder.is_dir():
        return frame
    plan = plan_of(folder)
    margin = frame.margin if plan.margin is None else plan.margin
    return replace(
        frame,
        margin=margin,
        changed_margin=None if margin == frame.margin else frame.margin,
        planned=plan.problems,
        selection=plan.selection,
        looks=tuple(Look(one.problems, one.planned) for one in plan.looks),
        stopped=next((Look(one.problems, one.planned) for one in plan.looks if one.decided), None),
    )


def is_shard(config: pytest.Config) -> bool:
    """Whether --koderz-shard or a plugin runs but a part of what was collected, and others run elsewhere."""
    return part_of(config) is not None or any((config.getoption(name, default=None) or 1) > 1 for name in SHARDED)
