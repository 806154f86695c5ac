"""The arms of all benchmarks beside each other."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, cast

import pytest

from pytest_koderz.commands.verbs import add_options
from pytest_koderz.core.arm import Arm, ModelSettings, Role
from pytest_koderz.core.experiment import Experiment, Status
from pytest_koderz.core.iteration import Iteration, Outcome, Verdict
from pytest_koderz.core.money import Ledger, Spending, Usage
from pytest_koderz.records.events import Head
from pytest_koderz.records.reader import Archived
from pytest_koderz.reporters.board import SORTS, board_lines


def _experiment(number: int, arm: str, *, solved: bool, dollars: str) -> Experiment:
    spent = Ledger() + Spending(Role.LOCAL, "m", 1, Usage(), Decimal(dollars), 1.0)
    verdict = Verdict(Outcome.PASSED if solved else Outcome.WRONG)
    status = Status.SOLVED if solved else Status.UNSOLVED
    tried = Iteration(1, (None,), (verdict,), cost=Decimal(dollars))
    return Experiment(f"exp_{number}", f"p/{number}", arm, iterations=(tried,), ledger=spent, status=status)


def _benchmark(name: str, at: str, arm: str, model: str, solved: int, dollars: str) -> Archived:
    ran = [_experiment(number, arm, solved=number < solved, dollars=dollars) for number in range(4)]
    defined = Arm(arm, ModelSettings("local", "ollama", model))
    return Archived(name, Head(id=name, at=at, definitions=(defined,)), tuple(ran))


BENCHMARKS = (
    _benchmark("bench_00000001", "2026-11-21T08:00:00+00:00", "koderz", "qwen3", 3, "0.30"),
    _benchmark("bench_00000002", "2026-11-22T08:00:00+00:00", "cheap", "llama", 2, "0.01"),
    _benchmark("bench_00000003", "2026-11-20T08:00:00+00:00", "broken", "small", 0, "0.00"),
)


@pytest.mark.parametrize(
    ("key", "order"), [("solved", "123"), ("cost", "213"), ("date", "213"), ("arm", "321"), ("model", "213")]
)
def test_it_is_sorted_by_a_key(key: str, order: str) -> None:
    """The best, the cheapest, the latest first; where nothing is solved, no price is the lowest."""
    head, *rows = board_lines(BENCHMARKS, key)
    assert head.split() == ["model", "arm", "solved", "95", "%", "per", "solved", "date", "benchmark"]
    assert "".join(row[-1] for row in rows) == order


def test_a_row_has_the_interval_and_the_dollars_of_all_attempts() -> None:
    """As the summary has them."""
    row = next(line for line in board_lines(BENCHMARKS, "solved") if "qwen3" in line)
    assert row.split("  ")[:2] == ["qwen3", "koderz"]
    assert all(part in row for part in ("3/4", "30 - 95 %", "$0.4000", "2026-11-21 08:00"))


def test_all_models_of_a_swarm_are_named() -> None:
    """In the order of their turns."""
    one = _benchmark("bench_00000004", "2026-11-23T08:00:00+00:00", "swarm", "qwen3", 3, "0.30")
    defined = replace(one.head.definitions[0], swarm=(ModelSettings("second", "ollama", "llama"),))
    _, row = board_lines([replace(one, head=replace(one.head, definitions=(defined,)))], "solved")
    assert row.startswith("qwen3, llama  swarm")


def test_no_benchmark_is_no_board() -> None:
    """Not even its head."""
    assert list(board_lines((), "solved")) == []


def test_the_option_offers_every_key() -> None:
    """And no other."""
    offered: dict[str, Any] = {}
    group = SimpleNamespace(addoption=lambda name, **rest: offered.update({name: rest}))
    add_options(cast("pytest.OptionGroup", group))
    assert offered["--koderz-sort"]["choices"] == tuple(SORTS)
