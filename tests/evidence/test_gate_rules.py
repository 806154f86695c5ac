"""When a benchmark passes the limits that were set for it."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_koderz.core.experiment import Experiment, Status
from pytest_koderz.evidence import figures_of, gate_cost_per_solved, gate_solved, gate_worse
from tests.evidence.experiments import ran


def results(solved: int, unsolved: int, invalid: int = 0) -> list[Experiment]:
    numbers = iter(range(1000))
    return (
        [ran(next(numbers)) for _ in range(solved)]
        + [ran(next(numbers), solved_at=None) for _ in range(unsolved)]
        + [ran(next(numbers), solved_at=None, status=Status.INVALID) for _ in range(invalid)]
    )


@pytest.mark.parametrize(
    ("solved", "unsolved", "invalid", "holds", "undecided"),
    [
        (17, 3, 0, True, False),  # 85 % is enough
        (16, 4, 0, False, False),
        (17, 2, 1, True, False),  # 17 of 20 even if the invalid one were unsolved
        (10, 9, 1, False, False),
        (16, 2, 2, False, True),  # 16 to 18 of 20
        (0, 0, 5, False, True),
        (0, 0, 0, False, True),
    ],
)
def test_share_of_solved(solved: int, unsolved: int, invalid: int, holds: bool, undecided: bool) -> None:
    """A gate is decided only where what is not settled could not turn it."""
    gate = gate_solved(figures_of("koderz", results(solved, unsolved, invalid)), 0.85)
    assert (gate.holds, gate.reason.startswith("undecided")) == (holds, undecided)


def test_experiments_that_never_began_leave_a_gate_undecided() -> None:
    """Ten solved of ten are not yet 85 % of the 20 that were planned."""
    gate = gate_solved(figures_of("koderz", results(10, 0)), 0.85, planned=20)
    assert not gate.holds
    assert gate.reason == "undecided: solved 10 of 10 settled, at least 85.0% wanted, and 10 more are not settled"


def test_cost_per_solved() -> None:
    """One solved and one unsolved at a thousandth each: two thousandths for the one."""
    figures = figures_of("koderz", results(1, 1))
    assert gate_cost_per_solved(figures, Decimal("0.002")).holds
    assert not gate_cost_per_solved(figures, Decimal("0.0019")).holds


def test_cost_per_solved_is_undecided_without_a_solve_or_a_price() -> None:
    """Unknown is not cheap."""
    nothing = gate_cost_per_solved(figures_of("koderz", results(0, 2)), Decimal(1))
    assert (nothing.holds, nothing.reason) == (False, "undecided: nothing is solved")
    unknown = gate_cost_per_solved(figures_of("koderz", [ran(1, price=None)]), Decimal(1))
    assert (unknown.holds, unknown.reason) == (False, "undecided: a price is not known")


def test_cost_per_solved_is_undecided_where_most_are_not_settled() -> None:
    """One cheap solve says nothing of two that failed to run; of one it does."""
    few = gate_cost_per_solved(figures_of("koderz", results(1, 0, invalid=2)), Decimal(1))
    assert (few.holds, few.reason) == (False, "undecided: only 1 of 3 experiments are settled")
    assert gate_cost_per_solved(figures_of("koderz", results(1, 0, invalid=1)), Decimal(1)).holds


def test_fall_against_the_baseline_is_paired() -> None:
    """One problem of 50 lost is 2 points; a new problem that fails is not in the baseline."""
    baseline = {f"Problem/{number}": 1.0 for number in range(50)}
    arm = [ran(number, solved_at=1 if number else None) for number in range(50)] + [ran(99, solved_at=None)]
    assert gate_worse(arm, baseline, 0.02).holds
    assert not gate_worse(arm, baseline, 0.01).holds
    assert gate_worse(arm, baseline, 0.01).value == pytest.approx(0.02)


def test_better_than_the_baseline_holds() -> None:
    """No fall is allowed, and there is none."""
    assert gate_worse([ran(1), ran(2)], {"Problem/1": 0.0, "Problem/2": 1.0}, 0.0).holds


def test_baseline_without_a_common_settled_problem_is_undecided() -> None:
    """All invalid now, or other problems."""
    for arm in ([], [ran(1, solved_at=None, status=Status.INVALID)], [ran(2)]):
        gate = gate_worse(arm, {"Problem/1": 1.0}, 0.5)
        assert (gate.holds, gate.value) == (False, None)


def test_missing_problems_that_could_turn_the_answer_leave_it_undecided() -> None:
    """Half of the baseline is not settled."""
    baseline = {f"Problem/{number}": 1.0 for number in range(10)}
    gate = gate_worse([ran(number) for number in range(5)], baseline, 0.1)
    assert not gate.holds
    assert gate.reason == (
        "undecided: +0.0 points on 5 of the baseline's 10 problems, at most 10.0 lower wanted, "
        "and 5 more are not settled"
    )


@settings(deadline=None)
@given(st.integers(0, 20), st.integers(0, 20), st.integers(0, 5), st.floats(0, 1))
def test_a_gate_that_holds_would_hold_with_everything_settled(
    solved: int, unsolved: int, invalid: int, least: float
) -> None:
    """Whatever the invalid ones would have been."""
    gate = gate_solved(figures_of("koderz", results(solved, unsolved, invalid)), least)
    whole = solved + unsolved + invalid
    assert not gate.holds or (whole > 0 and solved >= least * whole - 1e-6)


def test_problems_that_were_not_planned_say_nothing() -> None:
    """A selection is held against its own part of the baseline; what was selected and is not settled counts."""
    baseline = {f"Problem/{number}": 1.0 for number in range(10)}
    arm, planned = [ran(number) for number in range(5)], [f"Problem/{number}" for number in range(5)]
    assert gate_worse(arm, baseline, 0.1, planned).holds
    assert gate_worse(arm, baseline, 0.1, [*planned, "Problem/7", "Problem/8"]).reason.startswith("undecided: ")
