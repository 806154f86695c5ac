"""GateLimits for CI: the exit status says whether the arm under test keeps them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from .option_types import at_least_zero, share

if TYPE_CHECKING:  # a session without --koderz reads the options alone
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from decimal import Decimal

    from pytest_koderz.core.arm import Arm
    from pytest_koderz.core.experiment import Experiment
    from pytest_koderz.evidence.gate_rules import Gate

    from .context import BenchmarkRun
    from .stopping_rule import StoppingRule

DECIDES = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
"""Only these exit statuses give way to a gate's: an interruption or an error stays one, as does any other failure."""


def add_options(group: pytest.OptionGroup) -> None:
    add = group.addoption
    add(
        "--koderz-min-solved",
        metavar="0.85",
        type=share,
        help="Exit 1 where the first arm solves a smaller share.",
    )
    add(
        "--koderz-max-cost-per-solved",
        metavar="USD",
        type=at_least_zero,
        help="Exit 1 where a solved problem costs it more.",
    )
    add(
        "--koderz-max-worse",
        metavar="0.02",
        type=share,
        help="Exit 1 where its share fell by more since the baseline.",
    )
    add("--koderz-baseline", metavar="FILE", help="Results of an earlier --koderz-json, for --koderz-max-worse.")


def register(run: BenchmarkRun, stopping: StoppingRule | None) -> Gates | None:
    """None: no limit is given, or a worker runs. Raises UsageError for a baseline that cannot be read."""
    from .items import labels_of

    arm = run.settings.arms[0]
    limits = _limits(run.config, arm)
    if run.is_worker or not limits.given:
        return None
    labels = labels_of(arm.name, run.settings.epochs)
    gates = Gates(limits, arm.name, labels, run.experiments.in_order, lambda: stopping.not_begun if stopping else ())
    run.register(gates, "gates")
    return gates


def check_gates(config: pytest.Config, arm: Arm) -> None:
    """Raises UsageError for limits that could not be decided."""
    _limits(config, arm)


@dataclass(frozen=True, slots=True)
class GateLimits:
    """What the first arm that runs is to keep; None: no limit."""

    least: Decimal | None
    """The share of solved ones."""
    fall: Decimal | None
    """Of that share, since the baseline."""
    baseline: Mapping[str, float] | None
    """The share of epochs solved, by problem."""
    cost: Decimal | None
    """US dollars for a solved one."""

    @property
    def given(self) -> bool:
        return any(limit is not None for limit in (self.least, self.fall, self.cost))


def _limits(config: pytest.Config, arm: Arm) -> GateLimits:
    from decimal import Decimal

    from pytest_koderz.files.usage_error import UsageError

    def number(name: str) -> Decimal | None:
        text = config.getoption(name)
        return None if text is None else Decimal(text)

    baseline = _baseline(config.getoption("koderz_baseline"), arm)
    fall = number("koderz_max_worse")
    if (fall is None) is not (baseline is None):
        raise UsageError("--koderz-max-worse and --koderz-baseline go together: how much worse, than what")
    return GateLimits(number("koderz_min_solved"), fall, baseline, number("koderz_max_cost_per_solved"))


class Gates:
    """Registered on the controller where a limit is given. They hold for the first arm that runs."""

    def __init__(
        self,
        limits: GateLimits,
        arm: str,
        labels: Iterable[str],
        experiments: Callable[[], Sequence[Experiment]],
        not_begun: Callable[[], Collection[str]] = tuple,
    ) -> None:
        """*labels* stand in brackets behind the ids of the arm's items; problems that are *not_begun* by rule are no
        longer planned.
        """
        self._limits = limits
        self._arm = arm
        self._labels = frozenset(labels)
        self._experiments = experiments
        self._not_begun = not_begun
        self._planned: list[str] = []
        """The problem of each experiment that there should be: what is missing at the end must not decide a gate."""
        self._decided: dict[str, Gate] = {}
        self._forgiven = 0
        """Failures that are a gate's to weigh."""
        self._others = 0
        """All other failures and errors: no gate speaks for them."""

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self._plan(item.nodeid for item in session.items)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: Sequence[str]) -> None:
        """With workers the controller collects nothing, and each of them the same."""
        self._plan(ids)

    def _plan(self, nodeids: Iterable[str]) -> None:
        parts = [nodeid.partition("::")[2].rpartition("[") for nodeid in nodeids]
        self._planned = [problem for problem, _, label in parts if label.removesuffix("]") in self._labels]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._forgiven += report.failed and _is_weighed(report)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        self._decide()
        # pytest's own count has the errors of collection too, and what other plugins add to it.
        self._others = max(0, session.testsfailed - self._forgiven)
        failed_itself = session.exitstatus == pytest.ExitCode.TESTS_FAILED and not session.testsfailed
        if session.exitstatus in DECIDES:
            holds = all(gate.holds for gate in self._decided.values())
            good = holds and not self._others and not failed_itself
            session.exitstatus = pytest.ExitCode.OK if good else pytest.ExitCode.TESTS_FAILED

    def _decide(self) -> None:
        from pytest_koderz.evidence.arms import figures_of
        from pytest_koderz.evidence.gate_rules import gate_cost_per_solved, gate_solved, gate_worse
        from pytest_koderz.files.visible_text import visible

        limits, spared = self._limits, {visible(problem) for problem in self._not_begun()}
        self._planned = [problem for problem in self._planned if problem not in spared]
        own = [one for one in self._experiments() if one.arm == self._arm]
        figures = figures_of(self._arm, own)
        if limits.least is not None:
            self._decided["min-solved"] = gate_solved(figures, float(limits.least), len(self._planned))
        if limits.fall is not None and limits.baseline is not None:
            self._decided["max-worse"] = gate_worse(own, limits.baseline, float(limits.fall), self._planned)
        if limits.cost is not None:
            self._decided["max-cost-per-solved"] = gate_cost_per_solved(figures, limits.cost)
        if not own:
            why = "undecided: no experiment of this arm ran"
            self._decided = {name: replace(gate, reason=why) for name, gate in self._decided.items()}

    def pytest_terminal_summary(
        self, terminalreporter: pytest.TerminalReporter, exitstatus: int | pytest.ExitCode
    ) -> None:
        """Where no experiment ran there is no summary for the lines to stand in, and yet they decide."""
        from .speaking import shown

        if exitstatus in DECIDES and not self._experiments():
            terminalreporter.section("koderz")
            for line in self.lines():
                terminalreporter.line(shown(terminalreporter.config, line))

    def lines(self) -> list[str]:
        """`gate min-solved of koderz: holds (...)`, for the summary."""
        lines = [
            f"gate {name} of {self._arm}: {'holds' if gate.holds else 'DOES NOT HOLD'} ({gate.reason})"
            for name, gate in self._decided.items()
        ]
        if lines and self._others:
            lines.append(f"failures and errors that no gate speaks for: {self._others}")
        return lines


def _is_weighed(report: pytest.TestReport) -> bool:
    """Whether a failure is an experiment's, unsolved or invalid, and not its test's or another fixture's."""
    from .items import experiment_of

    experiment = experiment_of(report)
    if experiment is None or experiment.solved:
        return False
    return report.when == "call" or not experiment.status.settled


def _baseline(text: str | None, arm: Arm) -> Mapping[str, float] | None:
    """The share of epochs solved by problem, from a file that --koderz-json wrote."""
    from pytest_koderz.files.usage_error import UsageError
    from pytest_koderz.files.visible_text import quoted
    from pytest_koderz.reporters.results_read import FAULTS, benchmark_told, not_results, results_in

    if text is None:
        return None
    path = Path(text)
    try:
        results = results_in(path)
        graded_on = quoted(str(benchmark_told(results)["grade_on"]))
        solved = _solved_in(results["experiments"], arm.name)
    except UsageError as error:
        raise UsageError(f"--koderz-baseline: {error}") from None
    except FAULTS:
        raise UsageError(f"--koderz-baseline: {not_results(path)}") from None
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
