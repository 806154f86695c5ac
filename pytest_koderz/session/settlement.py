"""The end of a run, settled with its journals: a report can get lost with its process, what was paid for cannot."""

from __future__ import annotations

import pytest

from pytest_koderz.core.experiment import Experiment
from pytest_koderz.files.usage_error import UsageError
from pytest_koderz.records.reader import Archived, archived

from .context import BenchmarkRun
from .items import experiment_of
from .worker_messages import number_of_workers


def register(run: BenchmarkRun) -> Settlement | None:
    """None: this process is a worker."""
    if run.is_worker:
        return None
    settlement = Settlement(run)
    run.register(settlement, "settlement")
    return settlement


class Settlement:
    """On the controller, however the run ends: what was heard of is compared with what was planned and begun."""

    def __init__(self, run: BenchmarkRun) -> None:
        self._run = run
        self._planned = 0
        """As the workers of this run say."""
        self._never = 0
        """Items that were not to run, such as by a mark of the user's."""
        self._unread = ""
        """Why the journals could not be read."""

    @property
    def complete(self) -> bool:
        """Whether all experiments that this run set out to do are settled."""
        run = self._run
        known = run.experiments.in_order()
        planned = max(self._planned, run.head.get("items", 0))
        return all(one.status.settled for one in known) and len(known) + self._never >= planned

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._never += report.skipped and experiment_of(report) is None

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        """Before anything is decided or written."""
        self._settle()

    @pytest.hookimpl(tryfirst=True)
    def pytest_terminal_summary(self) -> None:
        self.conclude()

    def conclude(self) -> None:
        """Before the summary: workers of an interrupted run have been ended since."""
        self._settle()
        if self._unread:
            self._run.experiments.complain(self._unread)

    def _settle(self) -> None:
        run = self._run
        alone = not number_of_workers(run.config)
        if alone and run.experiments.reported == run.head.get("items") and not run.experiments.behind:
            return  # nobody else could have paid for anything
        try:
            benchmark = archived(run.folder)
        except UsageError as fault:
            self._unread = str(fault)
            return
        former = 0 if run.recorded is None else len(run.recorded.heads)
        self._planned = max((head.items or 0 for head in benchmark.recorded.heads[former:]), default=0)
        for one in run.experiments.settle(self._of_this_run(benchmark)):
            run.benchmark.hooks.observe("pytest_koderz_finished", experiment=one)

    def _of_this_run(self, benchmark: Archived) -> dict[str, Experiment]:
        """Those to which something has happened since the run began."""
        before = {} if self._run.recorded is None else self._run.recorded.experiments
        now = benchmark.recorded.experiments
        counts = {name: sum(map(len, runs.values())) for name, runs in before.items()}
        changed = {name for name, runs in now.items() if sum(map(len, runs.values())) > counts.get(name, 0)}
        return {one.id: one for one in benchmark.experiments if one.id in changed}
