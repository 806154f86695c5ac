"""Limits for CI: the exit status says whether the arm under test keeps them."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path

import pytest

from .core.errors import UsageError
from .core.experiment import Experiment
from .evidence.arms import figures_of
from .evidence.gates import Gate, gate_cost_per_solved, gate_solved, gate_worse

DECIDES = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
"""Only these exit statuses give way to a gate's: an interruption or an error stays one."""


class Gates:
    """Registered on the controller where a limit is given. They hold for the first arm that runs."""

    def __init__(self, config: pytest.Config, arm: str, experiments: Callable[[], Sequence[Experiment]]) -> None:
        """Raises UsageError for a limit that is none, or a baseline that cannot be read."""
        option = config.getoption
        self.arm = arm
        self.experiments = experiments
        self.least = _number("--koderz-min-solved", option("koderz_min_solved"), most=Decimal(1))
        self.fall = _number("--koderz-max-worse", option("koderz_max_worse"), most=Decimal(1))
        self.cost = _number("--koderz-max-cost-per-solved", option("koderz_max_cost_per_solved"))
        self.baseline = _baseline(option("koderz_baseline"), arm)
        if (self.fall is None) is not (self.baseline is None):
            raise UsageError("--koderz-max-worse and --koderz-baseline go together: how much worse, than what")
        self.planned = 0
        self.decided: dict[str, Gate] = {}

    @property
    def given(self) -> bool:
        return any(limit is not None for limit in (self.least, self.fall, self.cost))

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """How many experiments there should be: what is missing at the end must not decide a gate."""
        self.planned = sum(f"[{self.arm}" in item.name for item in session.items)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        own = [one for one in self.experiments() if one.arm == self.arm]
        figures = figures_of(self.arm, own)
        if self.least is not None:
            self.decided["min-solved"] = gate_solved(figures, float(self.least), self.planned)
        if self.fall is not None and self.baseline is not None:
            self.decided["max-worse"] = gate_worse(own, self.baseline, float(self.fall))
        if self.cost is not None:
            self.decided["max-cost-per-solved"] = gate_cost_per_solved(figures, self.cost)
        if session.exitstatus in DECIDES:
            holds = all(gate.holds for gate in self.decided.values())
            session.exitstatus = pytest.ExitCode.OK if holds else pytest.ExitCode.TESTS_FAILED

    def lines(self) -> list[str]:
        """`gate min-solved of koderz: holds (...)`, for the summary."""
        return [
            f"gate {name} of {self.arm}: {'holds' if gate.holds else 'DOES NOT HOLD'} ({gate.reason})"
            for name, gate in self.decided.items()
        ]


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


def _baseline(text: str | None, arm: str) -> Mapping[str, float] | None:
    """The share of epochs solved by problem, from a file that --koderz-json wrote."""
    if text is None:
        return None
    try:
        rows = json.loads(Path(text).read_text())["experiments"]
        solved: dict[str, list[bool]] = defaultdict(list)
        for row in rows:
            if row["arm"] == arm and row["outcome"] in {"solved", "unsolved"}:
                solved[row["problem"]].append(row["outcome"] == "solved")
    except OSError as error:
        raise UsageError(f"--koderz-baseline: {text}: {error.strerror}") from None
    except (ValueError, LookupError, TypeError):
        raise UsageError(f"--koderz-baseline: {text} is not a file that --koderz-json wrote") from None
    if not solved:
        raise UsageError(f"--koderz-baseline: {text} has no settled experiment of arm '{arm}'")
    return {problem: sum(each) / len(each) for problem, each in solved.items()}
