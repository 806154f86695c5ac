"""Where the money went."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_koderz.core.arm import Arm, ModelSettings
from pytest_koderz.core.experiment import Experiment, Status
from pytest_koderz.evidence import (
    figures_of,
    marginal_by_ablation,
    marginal_checkpoints,
    marginal_fallback,
    marginal_iterations,
    marginals_of,
    steps_of,
)
from tests.evidence.experiments import fell_back, ran


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


def test_fallback_is_a_step_of_its_own() -> None:
    """Two tries, then the frontier answers one of two; what it solved is credited to nothing else."""
    arm = [fell_back(1), fell_back(2, passed=False), ran(3, solved_at=2)]
    steps = [(step.phase, step.number, step.reached, step.solved, step.dollars) for step in steps_of(arm)]
    assert steps == [
        ("iteration", 1, 3, 0, Decimal("0.003")),
        ("iteration", 2, 3, 1, Decimal("0.006")),
        ("fallback", 3, 2, 2, Decimal("0.206")),
    ]
    marginal = marginal_fallback(arm)
    assert (marginal.extra_solved, marginal.dollars_per_extra) == (1, Decimal("0.2"))
    assert (marginal_iterations(arm).extra_solved, marginal_iterations(arm).extra_dollars) == (1, Decimal("0.003"))


def test_parts_are_told_by_the_arm_that_lacks_them_else_within_the_arm() -> None:
    """The arms' definitions say which it is, whatever their names; an arm that differs in two things is none."""
    model = ModelSettings("small", "ollama", "small")
    whole = Arm("whole", model, spec=model, checkpoint=model)
    plain = replace(whole, name="plain", spec=None)
    other = replace(whole, name="other", spec=None, checkpoint=None)
    arm = [ran(1, "whole", 3, spec="0.1", checkpoints=[(2, "0.01")])]
    others = {"plain": [ran(1, "plain", None)], "other": [ran(1, "other", None)]}
    found = {marginal.part: marginal for marginal in marginals_of(arm, others, [whole, plain, other])}
    assert {part: (marginal.basis, marginal.without) for part, marginal in found.items()} == {
        "spec": ("ablation", "plain"),
        "iterations": ("within the arm", ""),
        "checkpoints": ("within the arm", ""),
    }
    assert [marginal.part for marginal in marginals_of(arm, others, [])] == ["iterations", "checkpoints"]
    assert marginals_of([ran(1)], {}, [whole]) == ()
    assert marginals_of([], {}, [whole]) == ()


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


def test_epochs_of_a_problem_are_no_more_problems() -> None:
    """Ten problems that all solve or all do not, tried once or eight times: as wide, in shares."""
    once = [ran(number, "koderz", 3 if number % 2 else None) for number in range(10)]
    often = [replace(one, epoch=epoch, id=f"{one.id}_{epoch}") for one in once for epoch in range(1, 9)]
    alone, together = (marginal_iterations(each).interval for each in (once, often))
    assert alone is not None
    assert together is not None
    assert together.width / 8 >= 0.95 * alone.width
