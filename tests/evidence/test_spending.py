"""Where the money went."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_koderz.core.experiment import Experiment, Status
from pytest_koderz.evidence import (
    figures_of,
    gpu_dollars,
    marginal_by_ablation,
    marginal_checkpoints,
    marginal_iterations,
    standings,
    steps_of,
)
from tests.evidence.experiments import ran


def test_steps_follow_the_loop() -> None:
    """Spec, two iterations, a checkpoint, a third iteration that solves it; another is solved at once."""
    arm = [ran(1, solved_at=3, spec="0.1", checkpoints=[(2, "0.01")]), ran(2, spec="0.1")]
    steps = [(step.phase, step.number, step.reached, step.solved, step.dollars) for step in steps_of(arm)]
    assert steps == [
        ("spec", 0, 2, 0, Decimal("0.2")),
        ("iteration", 1, 2, 1, Decimal("0.202")),
        ("iteration", 2, 1, 1, Decimal("0.203")),
        ("checkpoint", 2, 1, 1, Decimal("0.213")),
        ("iteration", 3, 1, 2, Decimal("0.214")),
    ]


def test_unknown_step_leaves_the_earlier_ones_known() -> None:
    """A checkpoint of unknown price: what came before is still told, what follows is not."""
    steps = steps_of([ran(1, solved_at=2, checkpoints=[(1, None)])])
    assert [step.dollars for step in steps] == [Decimal("0.001"), None, None]
    assert steps[-1].step_dollars == Decimal("0.001")


def test_nothing_settled_has_no_steps() -> None:
    """An invalid experiment says nothing of where money is well spent."""
    assert steps_of([]) == ()
    assert steps_of([ran(1, solved_at=None, status=Status.INVALID)]) == ()


def test_marginal_iterations_are_those_after_the_first() -> None:
    """Two solves for the six thousandths of iterations 2 and later."""
    arm = [ran(1), ran(2, solved_at=2), ran(3, solved_at=3), ran(4, solved_at=None, tried=4)]
    marginal = marginal_iterations(arm)
    assert (marginal.extra_solved, marginal.extra_dollars) == (2, Decimal("0.006"))
    assert (marginal.dollars_per_extra, marginal.basis) == (Decimal("0.003"), "within the arm")


def test_marginal_checkpoints_are_credited_with_every_later_solve() -> None:
    """Two were guided, one of them was solved after it."""
    arm = [
        ran(1),
        ran(2, solved_at=6, checkpoints=[(5, "0.01")]),
        ran(3, solved_at=None, tried=6, checkpoints=[(5, "0.01")]),
    ]
    marginal = marginal_checkpoints(arm)
    assert (marginal.extra_solved, marginal.dollars_per_extra) == (1, Decimal("0.02"))


def test_extra_dollars_that_buy_nothing_have_no_price_per_solve() -> None:
    """Nothing solved beyond the first iteration."""
    marginal = marginal_iterations([ran(1), ran(2, solved_at=None, tried=5)])
    assert (marginal.extra_dollars, marginal.extra_solved) == (Decimal("0.004"), 0)
    assert marginal.dollars_per_extra is None


def test_ablation_tells_what_a_part_added() -> None:
    """With a spec both are solved, without it one: a solve for two specs, over the shared problems alone."""
    arm = [ran(1, spec="0.1"), ran(2, spec="0.1"), ran(3, spec="0.1")]
    without = [ran(1, "no-spec"), ran(2, "no-spec", None)]
    marginal = marginal_by_ablation("spec", arm, without)
    assert (marginal.problems, marginal.extra_solved, marginal.extra_dollars) == (2, 1, Decimal("0.2"))
    assert (marginal.dollars_per_extra, marginal.basis) == (Decimal("0.2"), "ablation")


def test_part_that_saves_money_and_solves_more_has_a_negative_price() -> None:
    """A checkpoint that spares many iterations."""
    marginal = marginal_by_ablation("checkpoints", [ran(1)], [ran(1, "no-checkpoints", None, tried=50)])
    assert marginal.dollars_per_extra == Decimal("-0.049")


def test_ablation_with_an_unknown_price_is_unknown() -> None:
    """In dollars; the solves are known."""
    marginal = marginal_by_ablation("spec", [ran(1, spec="?")], [ran(1, "no-spec", None)])
    assert (marginal.extra_solved, marginal.extra_dollars, marginal.dollars_per_extra) == (1, None, None)


def test_dominated_arms_are_those_another_beats_in_both() -> None:
    """Dear and worse is dominated; cheap and worse, or dear and better, is not."""
    arms = {"cheap": (1, "0.001"), "good": (3, "0.003"), "bad": (2, "0.004"), "unknown": (3, None)}
    experiments = [
        ran(number, arm, 1 if number < solved else None, price=price)
        for arm, (solved, price) in arms.items()
        for number in range(4)
    ]
    places = {place.arm: place for place in standings(experiments)}
    assert [arm for arm, place in places.items() if not place.dominated_by] == ["cheap", "good", "unknown"]
    assert places["bad"].dominated_by == ("good",)
    assert places["unknown"].dollars is None


def test_equal_arms_do_not_dominate_each_other() -> None:
    """As many for as much."""
    assert [place.dominated_by for place in standings([ran(1, "one"), ran(1, "two")])] == [(), ()]


def test_standings_are_over_problems_that_all_arms_settled() -> None:
    """An interrupted arm is not the cheaper for what it did not do."""
    experiments = [ran(1, "one"), ran(2, "one"), ran(1, "two"), ran(2, "two", None, status=Status.RUNNING)]
    assert [(place.arm, place.problems, place.dollars) for place in standings(experiments)] == [
        ("one", 1, Decimal("0.001")),
        ("two", 1, Decimal("0.001")),
    ]
    assert standings([]) == ()
    assert standings([ran(1, solved_at=None, status=Status.INVALID)]) == ()


def test_gpu_dollars_are_hours_at_the_local_rate() -> None:
    """Half an hour at 0.80 a GPU-hour; unknown without a rate or without the seconds."""
    figures = figures_of("koderz", [ran(1, gpu=1800.0)])
    assert gpu_dollars(figures, Decimal("0.80")) == Decimal("0.40")
    assert gpu_dollars(figures, None) is None
    assert gpu_dollars(figures_of("koderz", [ran(1)]), Decimal("0.80")) is None


@settings(deadline=None)
@given(
    st.lists(
        st.builds(
            ran,
            st.integers(1, 5),
            solved_at=st.one_of(st.none(), st.integers(1, 7)),
            tried=st.integers(1, 7),
            spec=st.one_of(st.none(), st.just("0.1")),
            checkpoints=st.sampled_from([(), ((1, "0.01"),), ((2, "0.01"), (4, "0.02"))]),
        ),
        max_size=12,
    )
)
def test_steps_add_up_to_the_arm(experiments: list[Experiment]) -> None:
    """The last step holds all dollars and all solves, and neither ever falls."""
    steps, figures = steps_of(experiments), figures_of("koderz", experiments)
    assert [step.solved for step in steps] == sorted(step.solved for step in steps)
    dollars = [step.dollars for step in steps if step.dollars is not None]
    assert dollars == sorted(dollars)
    if steps:
        assert dollars[-1] <= (figures.dollars or 0)
        assert steps[-1].solved == figures.solved
        assert sum(step.step_dollars or 0 for step in steps) == pytest.approx(dollars[-1])
