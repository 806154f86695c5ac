"""The first run that ends red looks like a fault of a new tool: a line says what that means."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pytest_koderz.core.experiment import Status
from pytest_koderz.records.reader import folders_in, has_unsolved
from pytest_koderz.reporters.text import counted

from .context import BenchmarkRun
from .speaking import folded


def register(run: BenchmarkRun) -> None:
    if not run.is_worker and run.config.pluginmanager.hasplugin("terminal"):
        run.register(RedExplained(run), "first-run")


class RedExplained:
    """The last line of all, where unsolved experiments alone failed."""

    def __init__(self, run: BenchmarkRun) -> None:
        self._run = run

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Iterator[None]:
        """pytest's own last line is written within."""
        yield
        reporter = self._run.config.pluginmanager.get_plugin("terminalreporter")
        if reporter is not None and reporter.verbosity > -2 and session.exitstatus == pytest.ExitCode.TESTS_FAILED:
            for line in self._lines(session.testsfailed):
                for part in folded(self._run.config, self._run.mark + line):
                    reporter.line(part)

    def _lines(self, failed: int) -> Iterator[str]:
        experiments = self._run.experiments.in_order()
        unsolved = sum(one.status is Status.UNSOLVED for one in experiments)
        if unsolved and unsolved == failed and not self._was_said():
            what = f"{unsolved} of {counted(len(experiments), 'experiment')} unsolved"
            yield f"{what}: pytest calls that failed, here it is the result; nothing is broken"

    def _was_said(self) -> bool:
        """Whether an earlier run of this folder left something unsolved."""
        folder = self._run.settings.folder
        return any(has_unsolved(each) for each in folders_in(folder) if each.name != self._run.id)
