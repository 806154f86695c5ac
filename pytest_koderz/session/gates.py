"""Limits for CI: the exit status says whether the arm under test keeps them."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import pytest

from pytest_koderz.core.arm import Arm
from pytest_koderz.core.experiment import Experiment
from pytest_koderz.evidence.arms import figures_of
from pytest_koderz.evidence.gate_rules import Gate, gate_cost_per_solved, gate_solved, gate_worse
from pytest_koderz.files.usage_error import UsageError
from pytest_koderz.reporters.results import VERSION
from pytest_koderz.settings import Settings

from .items import experiment_of, labels_of

DECIDES = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
"""Only these exit statuses give way to a gate's: an interruption or an error stays one, as does any other failure."""


class Gates:
    """Registered on the controller where a limit is given. They hold for the first arm that runs."""

    def __init__(
        self, config: pytest.Config, settings: Settings, experiments: Callable[[], Sequence[Experiment]]
    ) -> None:
        """Raises UsageError for a limit that is none, or a baseline that cannot be read."""
        option = config.getoption
        self.arm = settings.arms[0].name
        self._labels = set(labels_of(self.arm, settings.epochs))
        self.experiments = experiments
        self.least = _number("--koderz-min-solved", option("koderz_min_solved"), most=Decimal(1))
        self.fall = _number("--koderz-max-worse", option("koderz_max_worse"), most=Decimal(1))
        self.cost = _number("--koderz-max-cost-per-solved", option("koderz_max_cost_per_solved"))
        self.baseline = _baseline(option("koderz_baseline"), settings.arms[0])
        if (self.fall is None) is not (self.baseline is None):
            raise UsageError("--koderz-max-worse and --koderz-baseline go together: how much worse, than what")
        self.planned: list[str] = []
        """The problem of each experiment that there should be: what is missing at the end must not decide a gate."""
        self.decided: dict[str, Gate] = {}
        self.forgiven = 0
        """Failures that are a gate's to weigh."""
        self.others = 0
        """All other failures and errors: no gate speaks for them."""

    @property
    def given(self) -> bool:
        return any(limit is not None for limit in (self.least, self.fall, self.cost))

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self._plan(item.nodeid for item in session.items)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: Sequence[str]) -> None:
        """With workers the controller collects nothing, and each of them the same."""
        self._plan(ids)

    def _plan(self, nodeids: Iterable[str]) -> None:
        parts = [nodeid.partition("::")[2].rpartition("[") for nodeid in nodeids]
        self.planned = [problem for problem, _, label in parts if label.removesuffix("]") in self._labels]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.forgiven += report.failed and _is_weighed(report)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        self._decide()
        # pytest's own count has the errors of collection too, and what other plugins add to it.
        self.others = max(0, session.testsfailed - self.forgiven)
        failed_itself = session.exitstatus == pytest.ExitCode.TESTS_FAILED and not session.testsfailed
        if session.exitstatus in DECIDES:
            holds = all(gate.holds for gate in self.decided.values())
            good = holds and not self.others and not failed_itself
            session.exitstatus = pytest.ExitCode.OK if good else pytest.ExitCode.TESTS_FAILED

    def _decide(self) -> None:
        own = [one for one in self.experiments() if one.arm == self.arm]
        figures = figures_of(self.arm, own)
        if self.least is not None:
            self.decided["min-solved"] = gate_solved(figures, float(self.least), len(self.planned))
        if self.fall is not None and self.baseline is not None:
            self.decided["max-worse"] = gate_worse(own, self.baseline, float(self.fall), self.planned)
        if self.cost is not None:
            self.decided["max-cost-per-solved"] = gate_cost_per_solved(figures, self.cost)
        if not own:
            why = "undecided: no experiment of this arm ran"
            self.decided = {name: replace(gate, reason=why) for name, gate in self.decided.items()}

    def pytest_terminal_summary(
        self, terminalreporter: pytest.TerminalReporter, exitstatus: int | pytest.ExitCode
    ) -> None:
        """Where no experiment ran there is no summary for the lines to stand in, and yet they decide."""
        if exitstatus in DECIDES and not self.experiments():
            terminalreporter.section("koderz")
            for line in self.lines():
                terminalreporter.line(line)

    def lines(self) -> list[str]:
        """`gate min-solved of koderz: holds (...)`, for the summary."""
        lines = [
            f"gate {name} of {self.arm}: {'holds' if gate.holds else 'DOES NOT HOLD'} ({gate.reason})"
            for name, gate in self.decided.items()
        ]
        if lines and self.others:
            lines.append(f"failures and errors that no gate speaks for: {self.others}")
        return lines


def _is_weighed(report: pytest.TestReport) -> bool:
    """Whether a failure is an experiment's, unsolved or invalid, and not its test's or another fixture's."""
    experiment = experiment_of(report)
    if experiment is None or experiment.solved:
        return False
    return report.when == "call" or not experiment.status.settled


def _number(option: str, text: str | None, most: Decimal | None = None) -> Decimal | None:
    if text is None:
        return None
    upper = "" if most is None else f" to {most}"
    try:
        number = Decimal(text)
        in_range = number.is_finite() and number >= 0 and (most is None or number <= most)
    except InvalidOperation:
        in_range = False
    if not in_range:
        raise UsageError(f"{option}: {text!r} is not a number from 0{upper}")
    return number


def _baseline(text: str | None, arm: Arm) -> Mapping[str, float] | None:
    """The share of epochs solved by problem, from a file that --koderz-json wrote."""
    if text is None:
        return None
    try:
        results = json.loads(Path(text).read_text())
        found, graded_on = results["version"], results["benchmark"]["grade_on"]
        solved = _solved_in(results["experiments"], arm.name)
    except OSError as error:
        raise UsageError(f"--koderz-baseline: {text}: {error.strerror}") from None
    except (ValueError, LookupError, TypeError):
        raise UsageError(f"--koderz-baseline: {text} is not a file that --koderz-json wrote") from None
    if found != VERSION:
        raise UsageError(
            f"--koderz-baseline: {text} has format {found}, and this version reads {VERSION}; write it anew"
        )
    if graded_on != arm.grade_on:
        how = f"was graded on the {graded_on} tests, and this run is on the {arm.grade_on} tests"
        raise UsageError(f"--koderz-baseline: {text} {how}; write it anew, or set `grade_on: {graded_on}`")
    if not solved:
        raise UsageError(f"--koderz-baseline: {text} has no settled experiment of arm '{arm.name}'")
    return solved


def _solved_in(rows: Iterable[Mapping[str, Any]], arm: str) -> dict[str, float]:
    solved: dict[str, list[bool]] = defaultdict(list)
    for row in rows:
        if row["arm"] == arm and row["outcome"] in {"solved", "unsolved"}:
            solved[row["problem"]].append(row["outcome"] == "solved")
    return {problem: sum(each) / len(each) for problem, each in solved.items()}
