"""Experiments as pytest reports them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from .context import BenchmarkRun
from .items import COMPLAINTS_ATTRIBUTE, experiment_of, lighten, mark_report


def register(run: BenchmarkRun) -> None:
    run.register(Reports(run), "reports")


class Reports:
    """An item's experiment goes onto its report where it runs, and off it on the controller, in our words."""

    def __init__(self, run: BenchmarkRun) -> None:
        self._run = run

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Iterator[None]:
        report: pytest.TestReport = yield  # type: ignore[assignment]  # pluggy sends the result in
        mark_report(item, report)
        return report  # type: ignore[return-value]  # what a wrapper returns is the hook's result

    def pytest_report_teststatus(self, report: pytest.TestReport) -> tuple[str, str, Any] | None:
        """Our words in pytest's own categories, so that its sections stay as they are."""
        experiment = None if report.when == "teardown" else experiment_of(report)
        if experiment is None or (report.outcome == "passed") is not experiment.solved:
            return None
        mark = self._run.mark
        if report.outcome == "passed":
            return "passed", ".", (f"{mark}SOLVED", {"green": True})
        if report.outcome != "failed":
            return None  # skipped, or a plugin's word, such as `rerun`
        if report.when == "setup":
            return "error", "E", (f"{mark}INVALID", {"red": True})
        return "failed", "F", (f"{mark}UNSOLVED", {"red": True})

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> Iterator[None]:
        """On the controller: settle what a report carries, once."""
        self._settle(report)
        result = yield
        if not self._run.is_worker:
            lighten(report)
        return result

    def _settle(self, report: pytest.TestReport) -> None:
        experiment = None if self._run.is_worker else experiment_of(report)
        if experiment is not None:
            self._run.experiments.report(experiment, getattr(report, COMPLAINTS_ATTRIBUTE, {}))
            self._run.benchmark.hooks.observe("pytest_koderz_finished", experiment=experiment)
