"""In GitHub Actions: what was not solved stands beside its problem, and a gate that does not hold at the top."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_koderz.core.experiment import Experiment, Status
from pytest_koderz.reporters.github_annotations import Annotation, commands_of
from pytest_koderz.reporters.text import headline

from .context import BenchmarkRun, ClosingLines
from .items import experiment_of
from .speaking import shown

ANNOTATING = "pytest_github_actions_annotate_failures"
"""A plugin that does it for failures of all kinds: there would be two of each."""
BROKEN_GATE = "DOES NOT HOLD"


def register(run: BenchmarkRun, gates: ClosingLines | None) -> None:
    manager = run.config.pluginmanager
    in_a_step = run.settings.environment.get("GITHUB_ACTIONS") == "true"
    if in_a_step and not run.is_worker and manager.hasplugin("terminal") and not manager.hasplugin(ANNOTATING):
        run.register(Annotations(run, gates), "annotations")


class Annotations:
    """Written once, above the summary."""

    def __init__(self, run: BenchmarkRun, gates: ClosingLines | None) -> None:
        self._run = run
        self._gates = gates
        self._found: dict[str, Annotation] = {}
        """By the item's id: of several attempts the last one counts."""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        experiment = experiment_of(report)
        if experiment is not None:
            self._found.pop(report.nodeid, None)
            if report.failed and experiment.status in (Status.UNSOLVED, Status.INVALID):
                self._found[report.nodeid] = self._of(report, experiment)

    def _of(self, report: pytest.TestReport, experiment: Experiment) -> Annotation:
        place, line, name = report.location
        title = f"{self._run.mark}{experiment.status}: {name}"
        return Annotation("warning", title, headline(experiment), self._file(place), (line or 0) + 1)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        for command in commands_of([*self._broken_gates(), *self._found.values()]):
            # A command begins with what `shown` takes from all other text.
            terminalreporter.line(f"{command[:2]}{shown(self._run.config, command[2:])}")

    def _broken_gates(self) -> Iterator[Annotation]:
        for line in self._gates.lines() if self._gates else ():
            if BROKEN_GATE in line:
                yield Annotation("error", f"{self._run.mark}koderz", line)

    def _file(self, place: str) -> str:
        """As the repository has it; empty where it is none of its files, such as a suite that is shipped."""
        path = (self._run.root / place).resolve()
        workspace = Path(self._run.settings.environment.get("GITHUB_WORKSPACE") or self._run.root).resolve()
        return path.relative_to(workspace).as_posix() if path.is_file() and path.is_relative_to(workspace) else ""
