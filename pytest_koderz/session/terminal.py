"""What the terminal shows of a benchmark: its header, its progress, its summary and the closing lines."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import pytest

from pytest_koderz.core.experiment import Experiment
from pytest_koderz.records.events import journals_in
from pytest_koderz.reporters.header import arm_lines, frontier_line, price_line
from pytest_koderz.reporters.progress import Progress
from pytest_koderz.reporters.summary import summary_lines
from pytest_koderz.reporters.text import counted

from . import live_status
from .context import BenchmarkRun, ClosingLines
from .cortex import CortexDelivery
from .items import ExperimentItem
from .resume import nothing_to_resume, resume_lines
from .settlement import Settlement
from .speaking import folded, shown, uncaptured
from .worker_messages import number_of_workers


def register(
    run: BenchmarkRun,
    judge: str,
    memory: CortexDelivery | None,
    settlement: Settlement | None,
    closing: Sequence[ClosingLines],
) -> None:
    """*judge* is what the header says of it; *closing* say their lines in this order."""
    if run.config.pluginmanager.hasplugin("terminal") and settlement is not None:
        cortex = "off" if memory is None else memory.describe()
        sections = TerminalSections(run, f"sandbox: {judge}; cortex: {cortex}", settlement, closing)
        run.register(sections, "terminal")


class TerminalSections:
    """In the process that has the terminal: the only one, or xdist's controller."""

    def __init__(self, run: BenchmarkRun, rooms: str, settlement: Settlement, closing: Sequence[ClosingLines]) -> None:
        self._run = run
        self._rooms = rooms
        self._settlement = settlement
        self._closing = closing
        self._summarized = False

    def pytest_report_header(self) -> list[str]:
        run, settings = self._run, self._run.settings
        lines = [
            f"profile {settings.profile}: {settings.description}".removesuffix(": "),
            "nothing was run yet that could be resumed: a new benchmark" if nothing_to_resume(run.config) else "",
            *(f"changed for this run: {change}" for change in settings.overrides),
            *([] if run.recorded is None else resume_lines(run.recorded, settings, run.id)),
            *arm_lines(settings.arms),
            frontier_line(settings.frontier),
            self._rooms,
            price_line(settings.arms),
        ]
        return [part for line in lines if line for part in folded(run.config, f"koderz: {run.mark}{line}")]

    def pytest_report_collectionfinish(self, items: Sequence[pytest.Item]) -> list[str]:
        """What the header could not know, which comes before any suite is read."""
        ours = (item.problem for item in items if isinstance(item, ExperimentItem))
        beside = {problem.id for problem in ours if problem.isolation == "in-process"}
        if not beside or self._run.config.option.verbose < 0:
            return []
        words = f"{counted(len(beside), 'problem')} judged in-process: tests that need the candidate's own module"
        return folded(self._run.config, f"koderz: {self._run.mark}{words}")

    def pytest_sessionstart(self) -> None:
        run = self._run
        reporter = run.config.pluginmanager.get_plugin("terminalreporter")
        if reporter is None:
            return
        live_status.register(run, reporter)
        if reporter.verbosity > 0 and run.settings.jobs == 1 and not number_of_workers(run.config):
            run.register(
                Progress(reporter, partial(uncaptured, run.config), run.mark, partial(shown, run.config)), "progress"
            )

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_terminal_summary(
        self, terminalreporter: pytest.TerminalReporter, exitstatus: int | pytest.ExitCode
    ) -> Iterator[None]:
        """Around all others, so that what the benchmark came to is the last thing on the screen."""
        try:
            return (yield)
        finally:
            self._summarize(terminalreporter, exitstatus)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Iterator[None]:
        """pytest has no summary after an internal error, such as of xdist where a worker has no memory left, or after
        `pytest.exit` with a status of its own; what was paid for is told all the same.
        """
        try:
            return (yield)
        finally:
            reporter = self._run.config.pluginmanager.get_plugin("terminalreporter")
            if reporter is not None and not self._summarized:
                self._settlement.conclude()
                self._summarize(reporter, session.exitstatus)

    def _summarize(self, terminalreporter: pytest.TerminalReporter, exitstatus: int | pytest.ExitCode) -> None:
        self._summarized = True
        run, interrupted = self._run, exitstatus == pytest.ExitCode.INTERRUPTED
        experiments = run.experiments.in_order()
        if not (experiments or (interrupted and journals_in(run.folder))):
            return
        terminalreporter.section(f"{run.mark}koderz {run.id}")
        columns = terminalreporter._tw.fullwidth  # noqa: SLF001 - no public way
        whole = run.config.option.verbose > 0
        for line in summary_lines(run.frame, experiments, columns, whole=whole):
            terminalreporter.line(shown(run.config, line))
        for line in self._closing_lines(experiments):
            for part in folded(run.config, line):
                terminalreporter.line(part)
        if not self._settlement.complete:
            terminalreporter.line(f"go on with: {self._resuming()}")

    def _closing_lines(self, experiments: Sequence[Experiment]) -> Iterator[str]:
        yield ""
        yield from complaint_lines(self._run.experiments.complaints())
        if _is_others(self._run.config.hook.pytest_koderz_summary):
            experiments = self._run.experiments.whole(self._run.folder)
        said = self._run.config.hook.pytest_koderz_summary(config=self._run.config, experiments=experiments)
        for lines in said if experiments else ():
            yield from lines or []
        for feature in self._closing:
            yield from feature.lines()

    def _resuming(self) -> str:
        """The command that goes on with this benchmark; the journal does not say which suites were named."""
        settings = self._run.config.getoption("koderz_config")
        where = [f"--koderz-config={settings}"] if settings else []
        return shlex.join(["pytest", "--koderz", *self._run.paths, *where, "--koderz-resume"])


def complaint_lines(complaints: Mapping[str, int]) -> Iterator[str]:
    """One of all that differ in their figures alone, such as a prompt's length; names stay apart."""
    alike: dict[str, list[str]] = {}
    for complaint in complaints:
        alike.setdefault(_FIGURE.sub("0", complaint), []).append(complaint)
    for first, *others in alike.values():
        times = sum(complaints[each] for each in (first, *others))
        said = f"{times} times, with other figures" if others else f"{times} times"
        yield f"warning: {first}" if times == 1 else f"warning: {first} ({said})"


_FIGURE = re.compile(r"(?<![\w/.:-])\d[\d,.]*(?![\w/-])")


def _is_others(hook: Any) -> bool:
    """Whether anyone but this package waits for it, who may want the texts."""
    own = __name__.partition(".")[0]
    return any(impl.function.__module__.partition(".")[0] != own for impl in hook.get_hookimpls())
