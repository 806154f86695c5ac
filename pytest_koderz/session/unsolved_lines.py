"""Unsolved experiments in pytest's own sections: a line each in place of FAILURES, a line per arm in its short summary.

Their reports stay whole for everyone else: pytest's terminal alone is given others, and only while it writes these two.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import pytest
from _pytest._code.code import ReprExceptionInfo, ReprFileLocation, ReprTraceback

from pytest_koderz.core.experiment import Experiment
from pytest_koderz.files.running_on_ci import running_on_ci
from pytest_koderz.reporters.fixed_width import fitting, width_of
from pytest_koderz.reporters.text import counted, last_words

from .context import BenchmarkRun
from .items import carry_over, unsolved_of
from .speaking import folded, shown

CATEGORY = "failed"
"""Of what is unsolved, among the terminal's."""
DEFAULT_REPORT = "fE"
"""What pytest's short summary holds where nobody gives -r."""
LONGEST = 300
"""Columns of a line in a CI system's log."""
NAMED = 20
"""Problems that an arm's line names at most."""


def register(run: BenchmarkRun) -> None:
    """Nothing is shortened for who asks to see it all, in whichever way."""
    option = run.config.option
    if run.is_worker or not run.config.pluginmanager.hasplugin("terminal"):
        return
    if option.koderz_show == "stories" or option.verbose > 0 or "A" in option.reportchars:
        return
    unsolved = UnsolvedLines(run)
    run.register(AroundSections(unsolved), "around-sections")
    run.register(BetweenSections(unsolved), "between-sections")


class AroundSections:
    """Its wrapper is the outermost: pytest's own is within it."""

    def __init__(self, unsolved: UnsolvedLines) -> None:
        self._unsolved = unsolved

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> Iterator[None]:
        self._unsolved.hide(terminalreporter)
        try:
            return (yield)
        finally:
            self._unsolved.restore(terminalreporter)


class BetweenSections:
    """Its wrapper is the innermost: what pytest shows of failures stands above, its short summary comes below."""

    def __init__(self, unsolved: UnsolvedLines) -> None:
        self._unsolved = unsolved

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> Iterator[None]:
        self._unsolved.restore(terminalreporter)
        self._unsolved.show(terminalreporter)
        try:
            return (yield)
        finally:
            self._unsolved.shorten(terminalreporter)


class UnsolvedLines:
    """Which reports the terminal is given."""

    def __init__(self, run: BenchmarkRun) -> None:
        option = run.config.option
        self._run = run
        self._lines = option.koderz_show == "lines" and not option.no_summary
        # With --tb=no there are none, with --tb=line they are lines; and who writes `long` means it.
        self._sections = option.tbstyle in ("auto", "short", "native")
        self._by_arm = not _is_report_given(run.config)
        self._all: list[pytest.TestReport] = []
        self._ours: dict[int, Experiment] = {}
        """By the identity of their reports."""

    def hide(self, reporter: pytest.TerminalReporter) -> None:
        """Leave none of ours for FAILURES."""
        self._all = reporter.stats.get(CATEGORY, [])
        self._ours = {id(report): found for report in self._all if (found := unsolved_of(report)) is not None}
        if self._ours and self._sections:
            reporter.stats[CATEGORY] = self._others()

    def restore(self, reporter: pytest.TerminalReporter) -> None:
        if self._ours:
            reporter.stats[CATEGORY] = self._all

    def shorten(self, reporter: pytest.TerminalReporter) -> None:
        """For the short summary: one report in place of an arm's."""
        if self._ours and self._by_arm:
            reporter.stats[CATEGORY] = [
                *self._others(),
                *(self._standing_for(group, _width(reporter)) for group in self._by_suite_and_arm()),
            ]

    def show(self, reporter: pytest.TerminalReporter) -> None:
        """In place of FAILURES."""
        lines = [_line(report, self._ours[id(report)]) for report in self._all if id(report) in self._ours]
        if lines and self._sections and self._lines:
            mark = self._run.mark
            reporter.section(f"{mark}{counted(len(lines), 'experiment')} unsolved")
            for line in lines:
                for part in self._in_columns(f"{mark}{line}", _width(reporter)):
                    reporter.line(part)
            hint = "the last candidates: --koderz-show=stories; all of one: --koderz-analyze=exp_..."
            for part in folded(self._run.config, hint):
                reporter.line(part)

    def _in_columns(self, line: str, width: int) -> list[str]:
        """Cut to *width*, but for the experiment's id, which is what to ask for."""
        least = line[: line.index(": ")]
        if width_of(least) < width - len("..."):
            return [fitting(shown(self._run.config, line), width)]
        return folded(self._run.config, least)

    def _others(self) -> list[pytest.TestReport]:
        return [report for report in self._all if id(report) not in self._ours]

    def _by_suite_and_arm(self) -> Iterable[Sequence[pytest.TestReport]]:
        groups: dict[tuple[str, str], list[pytest.TestReport]] = {}
        for report in self._all:
            if id(report) in self._ours:
                groups.setdefault((_suite(report), self._ours[id(report)].arm), []).append(report)
        return groups.values()

    def _standing_for(self, reports: Sequence[pytest.TestReport], width: int) -> pytest.TestReport:
        """One that pytest reports as it would each of *reports*, with their names for a reason."""
        first = reports[0]
        problems = list(dict.fromkeys(self._ours[id(report)].problem_id for report in reports))
        more = f" and {len(problems) - NAMED} more" if len(problems) > NAMED else ""
        names = f"{', '.join(problems[:NAMED])}{more}"
        place, words = self._cut(_suite(first), f"{self._ours[id(first)].arm}: {len(reports)}", names, width)
        crash = ReprFileLocation(first.location[0], 0, words) if words else None
        longrepr = ReprExceptionInfo(ReprTraceback([], None, style="native"), crash)
        report = pytest.TestReport(place, first.location, {}, "failed", longrepr, "call")
        carry_over(first, report)
        return report

    def _cut(self, suite: str, least: str, names: str, width: int) -> tuple[str, str]:
        """What pytest takes for an id, and its reason: the suite, unless *least* would have no room beside it.

        pytest cuts its lines too, but on a terminal it takes the letters of its colours for columns.
        """
        config, before = self._run.config, f"{self._run.mark}UNSOLVED "
        words = shown(config, f"{least} unsolved: {names}")
        room = width - len(f"{before}{suite} - ")
        if room >= len(f"{least} unsolved"):
            return suite, fitting(words, room)
        # pytest shows ids from the folder in which it was called.
        here = "" if config.invocation_params.dir == config.rootpath else f"{config.invocation_params.dir}/"
        return here + fitting(shown(config, f"{least}: {names}"), width - len(before)), ""


def _width(reporter: pytest.TerminalReporter) -> int:
    """Where nobody looks at a terminal it is no measure, as pytest sees it too."""
    return LONGEST if running_on_ci() else reporter._tw.fullwidth  # noqa: SLF001 - no public way


def _is_report_given(config: pytest.Config) -> bool:
    typed = (str(argument) for argument in config.invocation_params.args)
    return config.option.reportchars != DEFAULT_REPORT or any(each.startswith("-r") for each in typed)


def _suite(report: pytest.TestReport) -> str:
    return report.nodeid.partition("::")[0]


def _line(report: pytest.TestReport, experiment: Experiment) -> str:
    """`HumanEval/4[koderz] exp_1a2b3c4d: 10 iterations, wrong (2/7): assert ...`."""
    return f"{report.nodeid.partition('::')[2]} {experiment.id}: {last_words(experiment)}"
