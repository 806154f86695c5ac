"""Problems as pytest items, and experiments as pytest reports."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from _pytest._code.code import ReprEntryNative, ReprExceptionInfo, ReprFileLocation, ReprTraceback

from pytest_koderz.core.arm import Arm
from pytest_koderz.core.errors import KoderzError
from pytest_koderz.core.experiment import Experiment, Status
from pytest_koderz.core.problem import Problem
from pytest_koderz.files.usage_error import UsageError
from pytest_koderz.records.codec import from_json, to_json
from pytest_koderz.reporters.junit import with_properties_of
from pytest_koderz.reporters.text import failure_lines, headline

from .runner import Benchmark

benchmark_key = pytest.StashKey[Benchmark]()
experiment_key = pytest.StashKey[Experiment]()

REPORT_ATTRIBUTE = "koderz_experiment"
"""On a report: the experiment as JSON text, which xdist carries to the controller."""
COMPLAINTS_ATTRIBUTE = "koderz_complaints"


class Unsettled(Exception):
    """An item's experiment was not solved."""

    def __init__(self, experiment: Experiment) -> None:
        super().__init__(headline(experiment))
        self.experiment = experiment


def labels_of(arm: str, epochs: int) -> list[str]:
    """What stands in brackets behind a problem's id, for each epoch."""
    return [arm] if epochs == 1 else [f"{arm}-{epoch}" for epoch in range(1, epochs + 1)]


class Suite(pytest.File):
    """A file that says which problems there are."""

    def __init__(self, *, problems: Sequence[Problem], fault: Exception | None, **rest: Any) -> None:
        super().__init__(**rest)
        self.problems = problems
        self.fault = fault
        """Why they could not be read."""

    def collect(self) -> Iterator[pytest.Item]:
        if isinstance(self.fault, UsageError):
            raise self.CollectError(str(self.fault))
        if self.fault is not None:
            raise self.fault
        benchmark = self.config.stash[benchmark_key]
        for problem in self.problems:
            for arm in benchmark.settings.arms:
                for epoch, label in enumerate(labels_of(arm.name, benchmark.settings.epochs), 1):
                    yield self._item(problem, arm, epoch, label)

    def _item(self, problem: Problem, arm: Arm, epoch: int, label: str) -> ExperimentItem:
        name = f"{problem.id}[{label}]"
        # Given whole, or pytest would take the bracket for a part of the name, and --lf would not find it again.
        nodeid = f"{self.nodeid}::{name}"
        item: ExperimentItem = ExperimentItem.from_parent(
            self, name=name, nodeid=nodeid, problem=problem, arm=arm, epoch=epoch
        )
        return item


class ExperimentItem(pytest.Item):
    """One experiment: an arm on a problem, once."""

    def __init__(self, *, problem: Problem, arm: Arm, epoch: int, **rest: Any) -> None:
        super().__init__(**rest)
        self.problem = problem
        self.arm = arm
        self.epoch = epoch
        self.started: Future[Experiment] | None = None
        """The experiment under way, where it was started ahead of the item. None: the item runs it."""

    @property
    def gradable(self) -> bool:
        """Whether the problem has the tests that are to decide."""
        return self.problem.source_of(self.arm.grade_on) is not None

    def runtest(self) -> None:
        experiment = self._experiment()
        self.stash[experiment_key] = experiment
        self.user_properties[:] = with_properties_of(experiment, self.user_properties)
        if experiment.status is Status.SKIPPED:
            # Without our own file and line.
            raise pytest.skip.Exception(experiment.reason, _use_item_location=True)
        if not experiment.solved:
            raise Unsettled(experiment)

    def _experiment(self) -> Experiment:
        benchmark = self.config.stash[benchmark_key]
        started, self.started = self.started, None  # an item that is run again runs a new one
        if started is None:
            return benchmark.run(self.problem, self.arm, self.epoch)
        try:
            return started.result()
        except pytest.fail.Exception as stop:
            started.cancel()
            return benchmark.stopped(self.problem, self.arm, self.epoch, str(stop))

    def reportinfo(self) -> tuple[Path, int | None, str]:
        return self.path, 0, self.name

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        if isinstance(excinfo.value, Unsettled):
            whole = self.config.getoption("tbstyle", "auto") != "line"  # without a terminal there is none
            return _panel(self.path, excinfo.value.experiment, whole=whole)
        if isinstance(excinfo.value, KoderzError):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)


def _panel(path: Path, experiment: Experiment, *, whole: bool) -> ReprExceptionInfo:
    """What the user sees of an experiment that was not solved: the candidate's failure, none of our frames.

    Not *whole*: what `--tb=line` shows, which writes the crash itself.
    """
    lines = [line + "\n" for line in failure_lines(experiment)] if whole else []
    traceback = ReprTraceback([ReprEntryNative(lines)], None, style="native")
    crash = ReprFileLocation(str(path), 1, headline(experiment))
    return ReprExceptionInfo(traceback, crash)


def mark_report(item: pytest.Item, report: pytest.TestReport) -> None:
    """Put the item's experiment on the report of its call. An invalid one is reported as an error, not a failure."""
    experiment = item.stash.get(experiment_key, None)
    if experiment is None or not (report.when == "call" or (report.when == "setup" and not report.passed)):
        return
    setattr(report, REPORT_ATTRIBUTE, to_json(experiment))
    report.duration = experiment.seconds  # also where it was run by an earlier session, or in part
    hooks = item.config.stash[benchmark_key].hooks
    hooks.unreported.pop(experiment.id, None)
    setattr(report, COMPLAINTS_ATTRIBUTE, hooks.hand_over())
    if experiment.status is Status.INVALID and report.failed:
        # pytest's word for what went wrong around a test is an error of its setup: junit and --lf know it so.
        report.when = "setup"


def experiment_of(report: pytest.TestReport) -> Experiment | None:
    """The experiment that a report carries; None where it carries none."""
    text = getattr(report, REPORT_ATTRIBUTE, None)
    return None if text is None else _parsed(text)


# A report is asked for its experiment by every hook that sees it.
_parsed = lru_cache(maxsize=4)(from_json)
