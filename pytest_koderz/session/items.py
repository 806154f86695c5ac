"""Problems as pytest items, and experiments as pytest reports."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from functools import cached_property, lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from _pytest._code.code import ReprEntryNative, ReprExceptionInfo, ReprFileLocation, ReprTraceback
from _pytest.fixtures import TopRequest

from pytest_koderz.core.arm import Arm
from pytest_koderz.core.errors import KoderzError
from pytest_koderz.core.experiment import Experiment, Status
from pytest_koderz.core.problem import Problem
from pytest_koderz.files.usage_error import UsageError
from pytest_koderz.files.visible_text import visible
from pytest_koderz.records.codec import from_json, to_json
from pytest_koderz.records.lean import lean
from pytest_koderz.reporters.junit import with_properties_of
from pytest_koderz.reporters.plain_text import cut
from pytest_koderz.reporters.text import LONGEST, failure_lines, headline

from .runner import Benchmark

benchmark_key = pytest.StashKey[Benchmark]()
experiment_key = pytest.StashKey[Experiment]()

REPORT_ATTRIBUTE = "koderz_experiment"
"""On a report: the experiment as JSON text, which xdist carries to the controller."""
COMPLAINTS_ATTRIBUTE = "koderz_complaints"
PANEL_ATTRIBUTE = "koderz_panel"
"""On a report: that what it shows of a failure is the experiment's own, and no assertion of a user's test."""


class Unsettled(Exception):
    """An item's experiment is invalid: no failure of what was tested."""

    def __init__(self, experiment: Experiment) -> None:
        super().__init__(visible(cut(headline(experiment), LONGEST)))
        self.experiment = experiment


def _raised_for(experiment: Experiment) -> Exception:
    """VS Code, Allure and others know a failure from an error by the name AssertionError."""
    return AssertionError(headline(experiment)) if experiment.status.settled else Unsettled(experiment)


def labels_of(arm: str, epochs: int) -> list[str]:
    """What stands in brackets behind a problem's id, for each epoch."""
    return [arm] if epochs == 1 else [f"{arm}-{epoch}" for epoch in range(1, epochs + 1)]


class ShippedSuite(pytest.File):
    """A suite of the package, as pytest looks for its file. Its items live in the user's root, as if they stood there.

    There the conftest.py files of the user's count for them, no part of our path is a keyword of theirs, and their
    places can be opened beside the user's own.
    """

    def __init__(self, *, home: Suite, **rest: Any) -> None:
        super().__init__(**rest)
        self.home = home

    def collect(self) -> Iterator[pytest.Item]:
        yield from self.home.collect()


class Suite(pytest.Module):
    """A file that says which problems there are.

    As a text file with doctests it is a module without an object: that is where fixtures of a module's scope live.
    """

    obj: None = None

    def __init__(
        self, *, problems: Sequence[Problem], fault: Exception | None, source: Path | None = None, **rest: Any
    ) -> None:
        """*source* is the file itself where *path* is only what users call it."""
        super().__init__(**rest)
        self.problems = problems
        self.fault = fault
        """Why they could not be read."""
        self._source = source or self.path

    @cached_property
    def lines(self) -> Mapping[str, int]:
        """The line of each problem's entry, counted from 0; not of those that another file holds."""
        try:
            text = self._source.read_text(errors="replace")
        except OSError:
            return {}
        found: dict[str, int] = {}
        for number, line in enumerate(text.splitlines()):
            for name in _ID.findall(line):
                found.setdefault(name, number)
        return found

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
        name = f"{visible(problem.id)}[{label}]"
        # Given whole, or pytest would take the bracket for a part of the name, and --lf would not find it again.
        nodeid = f"{self.nodeid}::{name}"
        item: ExperimentItem = ExperimentItem.from_parent(
            self, name=name, nodeid=nodeid, problem=problem, arm=arm, epoch=epoch
        )
        return item


_ID = re.compile(r"""(?:\bid|["']task_id["'])\s*:\s*["']?([^\s"',}]+)""")
"""Of a problem, as YAML and JSONL files have it."""


class ExperimentItem(pytest.Item):
    """One experiment: an arm on a problem, once.

    Of what is no item's by nature it has what a DoctestItem has, since plugins count on that.
    """

    obj: None = None

    def __init__(self, *, problem: Problem, arm: Arm, epoch: int, **rest: Any) -> None:
        super().__init__(**rest)
        self.problem = problem
        self.arm = arm
        self.epoch = epoch
        self.raised: Exception | None = None
        """What the latest run of it came to."""
        self.extra_keyword_matches.update(filter(None, (problem.id, arm.name, problem.dataset)))
        self.add_marker("experiment")
        manager = self.session._fixturemanager  # noqa: SLF001 - as pytest's own items that are no functions
        self._fixtureinfo = manager.getfixtureinfo(node=self, func=None, cls=None)
        self.fixturenames = self._fixtureinfo.names_closure
        self._initrequest()
        self.started: Future[Experiment] | None = None
        """The experiment under way, where it was started ahead of the item. None: the item runs it."""

    def _initrequest(self) -> None:
        """Plugins that run an item again call it in between."""
        self.funcargs: dict[str, object] = {}
        self._request = TopRequest(self, _ispytest=True)  # type: ignore[arg-type]  # as for a DoctestItem

    def setup(self) -> None:
        """The user's fixtures with `autouse`."""
        self._request._fillfixtures()  # noqa: SLF001 - pytest's own way
        if self.config.pluginmanager.hasplugin("allure_listener"):
            # Allure's history is by name without brackets and by parameters: otherwise one arm would hide the others.
            parameter = import_module("allure").dynamic.parameter
            parameter("arm", self.arm.name)
            parameter("epoch", self.epoch)

    @property
    def suite(self) -> Suite:
        assert isinstance(self.parent, Suite)  # noqa: S101 - nobody else makes one
        return self.parent

    @property
    def gradable(self) -> bool:
        """Whether the problem has the tests that are to decide."""
        return self.problem.source_of(self.arm.grade_on) is not None

    def runtest(self) -> None:
        experiment = self._experiment()
        self.stash[experiment_key] = experiment
        tell_junit(self, experiment)
        if experiment.status is Status.SKIPPED:
            # Without our own file and line.
            raise pytest.skip.Exception(visible(experiment.reason), _use_item_location=True)
        if not experiment.solved:
            self.raised = _raised_for(experiment)
            raise self.raised

    def _experiment(self) -> Experiment:
        benchmark = self.config.stash[benchmark_key]
        started, self.started = self.started, None  # an item that is run again runs a new one
        if started is None:
            return self.run_in(benchmark)
        try:
            return started.result()
        except pytest.fail.Exception as stop:
            started.cancel()
            return benchmark.stopped(self.problem, self.arm, self.epoch, str(stop))

    def run_in(self, benchmark: Benchmark) -> Experiment:
        """Raises pytest.skip.Exception where no further problem is begun: there is no experiment then."""
        refusal = benchmark.admit(self.problem.id)
        if refusal:
            raise pytest.skip.Exception(refusal, _use_item_location=True)
        return benchmark.run(self.problem, self.arm, self.epoch)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        return self.path, self._line, self.name

    @property
    def _line(self) -> int:
        """From 0, of the problem's entry in its suite."""
        suite = self.parent
        return suite.lines.get(self.problem.id, 0) if isinstance(suite, Suite) else 0

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        experiment = self.stash.get(experiment_key, None)
        if experiment is not None and excinfo.value is self.raised:
            whole = self.config.getoption("tbstyle", "auto") != "line"  # without a terminal there is none
            return panel_of((self.path, self._line + 1), experiment, whole=whole)
        if isinstance(excinfo.value, KoderzError):
            return visible(str(excinfo.value))
        return super().repr_failure(excinfo, style)


def panel_of(place: tuple[Path, int], experiment: Experiment, *, whole: bool) -> ReprExceptionInfo:
    """What the user sees of an experiment that was not solved: the candidate's failure, none of our frames.

    Not *whole*: what `--tb=line` shows, which writes the crash itself.
    """
    lines = [visible(line) + "\n" for line in failure_lines(experiment)] if whole else []
    traceback = ReprTraceback([ReprEntryNative(lines)], None, style="native")
    crash = ReprFileLocation(str(place[0]), place[1], visible(headline(experiment)))
    return ReprExceptionInfo(traceback, crash)


def tell_junit(item: pytest.Item, experiment: Experiment) -> None:
    """Give it the experiment's properties, which reports carry, unless --koderz-junit-properties has them elsewhere."""
    if item.config.getoption("koderz_junit_properties") == "case":
        item.user_properties[:] = with_properties_of(experiment, item.user_properties)


def mark_report(item: pytest.Item, report: pytest.TestReport) -> None:
    """Put the item's experiment on the report of its call. An invalid one is reported as an error, not a failure."""
    experiment = item.stash.get(experiment_key, None)
    if report.when == "teardown":
        forget(item)  # pytest keeps all items until its end
    if experiment is None or not (report.when == "call" or (report.when == "setup" and not report.passed)):
        return
    setattr(report, REPORT_ATTRIBUTE, to_json(experiment))
    setattr(report, PANEL_ATTRIBUTE, isinstance(item, ExperimentItem))
    report.duration = experiment.seconds  # also where it was run by an earlier session, or in part
    hooks = item.config.stash[benchmark_key].hooks
    hooks.unreported.pop(experiment.id, None)
    setattr(report, COMPLAINTS_ATTRIBUTE, hooks.hand_over())
    if experiment.status is Status.INVALID and report.failed:
        # pytest's word for what went wrong around a test is an error of its setup: junit and --lf know it so.
        report.when = "setup"


def forget(item: pytest.Item) -> None:
    """What its experiment came to is on its report."""
    if experiment_key in item.stash:
        del item.stash[experiment_key]
    if isinstance(item, ExperimentItem):
        item.raised = None


def lighten(report: pytest.TestReport) -> None:
    """Take off what nobody asks for any more; pytest keeps all reports until its end."""
    experiment = experiment_of(report)
    if experiment is not None:
        setattr(report, REPORT_ATTRIBUTE, to_json(lean(experiment)))


def experiment_of(report: pytest.TestReport) -> Experiment | None:
    """The experiment that a report carries; None where it carries none."""
    text = getattr(report, REPORT_ATTRIBUTE, None)
    return None if text is None else _parsed(text)


def unsolved_of(report: pytest.TestReport) -> Experiment | None:
    """The experiment of a suite that it reports as unsolved; None where it reports anything else."""
    if report.when != "call" or not report.failed or not getattr(report, PANEL_ATTRIBUTE, False):
        return None
    experiment = experiment_of(report)
    return experiment if experiment is not None and experiment.status is Status.UNSOLVED else None


def carry_over(report: pytest.TestReport, other: pytest.TestReport) -> None:
    """Make *other* one of the same experiment."""
    for name in (REPORT_ATTRIBUTE, PANEL_ATTRIBUTE):
        setattr(other, name, getattr(report, name))


# A report is asked for its experiment by every hook that sees it.
_parsed = lru_cache(maxsize=4)(from_json)
