"""What one arm's figures say, and what they do not."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_koderz.core.arm import Role
from pytest_koderz.core.experiment import Advice, Experiment, Status
from pytest_koderz.core.iteration import Candidate, Iteration, Outcome, Verdict
from pytest_koderz.core.money import Usage
from pytest_koderz.evidence import HoldOut, Leaks, figures_of, gate_cost_per_solved, wilson
from tests.evidence.experiments import CALL, fell_back, ran


def test_invalid_and_skipped_never_count_as_unsolved() -> None:
    """Of one solved and one unsolved beside four that are not settled, half is solved."""
    figures = figures_of(
        "koderz",
        [
            ran(1),
            ran(2, solved_at=None),
            ran(3, solved_at=None, status=Status.INVALID),
            ran(4, solved_at=None, status=Status.INVALID),
            ran(5, solved_at=None, status=Status.SKIPPED),
            ran(6, solved_at=None, status=Status.RUNNING),
        ],
    )
    assert (figures.solved, figures.settled) == (1, 2)
    assert (figures.invalid, figures.skipped, figures.unfinished) == (2, 1, 1)
    assert figures.solved_share == 0.5
    assert figures.solved_interval == wilson(1, 2)


def test_what_was_not_settled_is_paid_all_the_same() -> None:
    """`dollars` are those of the evidence, `paid` those of the bill."""
    figures = figures_of("koderz", [ran(1), ran(2, solved_at=None, tried=3, status=Status.INVALID)])
    assert figures.dollars == Decimal("0.001")
    assert figures.paid == Decimal("0.004")


def test_nothing_settled_gives_unknown_shares() -> None:
    """All invalid: no share, no interval, no dollars per solved problem."""
    figures = figures_of("koderz", [ran(1, solved_at=None, status=Status.INVALID)])
    assert figures.solved_share is None
    assert figures.solved_first_share is None
    assert figures.solved_interval is None
    assert figures.iterations_mean is None
    assert figures.repeated_rate is None
    assert figures.dollars_per_solved is None
    assert figures.curve == ()
    assert figures.pass_at_k is None


def test_an_arm_that_did_not_run_has_empty_figures() -> None:
    """Other arms' experiments are left aside."""
    figures = figures_of("frontier", [ran(1)])
    assert (figures.settled, figures.dollars, figures.usage) == (0, Decimal(0), Usage())


def test_first_attempt_is_told_apart_from_within_k_iterations() -> None:
    """Solved at 1, 3 and 3, and never in 4: pass@1 is 1 of 4, within three iterations 3 of 4."""
    arm = [ran(1), ran(2, solved_at=3), ran(3, solved_at=3), ran(4, solved_at=None, tried=4)]
    figures = figures_of("koderz", arm)
    assert figures.solved_first == 1
    assert figures.solved_first_interval == wilson(1, 4)
    assert [point.solved for point in figures.curve] == [1, 1, 3, 3]
    assert [point.dollars for point in figures.curve] == [Decimal(n) / 1000 for n in (4, 7, 10, 11)]
    assert (figures.iterations, figures.iterations_mean) == (11, 2.75)


def test_second_candidate_of_the_first_iteration_is_not_the_first_attempt() -> None:
    """pass@1 is of one reply."""
    failed, passed = Verdict(Outcome.WRONG), Verdict(Outcome.PASSED)
    iteration = Iteration(1, (Candidate("a"), Candidate("b")), (failed, passed))
    figures = figures_of("koderz", [replace(ran(1), iterations=(iteration,))])
    assert (figures.solved, figures.solved_first) == (1, 0)


def test_passed_iteration_of_an_unsolved_experiment_does_not_count() -> None:
    """Where hidden tests overrule the ones iterated on, the status decides."""
    figures = figures_of("koderz", [replace(ran(1), status=Status.UNSOLVED)])
    assert (figures.solved, figures.solved_first, figures.curve[0].solved) == (0, 0, 0)


def test_curve_pays_for_spec_and_the_checkpoints_before_an_iteration() -> None:
    """A cap of two iterations saves the checkpoint after the second."""
    figures = figures_of("koderz", [ran(1, solved_at=3, spec="0.1", checkpoints=[(2, "0.01")])])
    assert [point.dollars for point in figures.curve] == [Decimal("0.101"), Decimal("0.102"), Decimal("0.113")]
    assert figures.curve[-1].dollars == figures.dollars


def test_dollars_are_told_by_role_and_add_up() -> None:
    """Spec, iterations and checkpoints."""
    figures = figures_of("koderz", [ran(1, solved_at=3, spec="0.1", checkpoints=[(2, "0.01")])])
    assert figures.dollars_by_role == {
        Role.SPEC: Decimal("0.1"),
        Role.LOCAL: Decimal("0.003"),
        Role.CHECKPOINT: Decimal("0.01"),
    }
    assert figures.usage == CALL + CALL + CALL + CALL + CALL


def test_unknown_price_stays_unknown_in_every_sum_it_is_part_of() -> None:
    """One spec of unknown price: the local role's dollars are known, the arm's are not."""
    figures = figures_of("koderz", [ran(1), ran(2, spec="?")])
    assert figures.dollars_by_role == {Role.SPEC: None, Role.LOCAL: Decimal("0.002")}
    assert figures.dollars is None
    assert figures.paid is None
    assert figures.dollars_per_solved is None
    assert figures.dollars_per_solved_interval is None
    assert figures.curve[0].dollars is None


def test_recalled_spec_counts_as_if_paid_for() -> None:
    """The arm that ran second is not the cheaper for it; the bill shows what was charged."""
    first = ran(1, spec="0.1")
    assert first.spec is not None
    second = replace(ran(1, spec=None), spec=replace(first.spec, recalled_from=first.id))
    figures = figures_of("koderz", [second])
    assert figures.dollars == figures_of("koderz", [first]).dollars == Decimal("0.101")
    assert figures.usage == figures_of("koderz", [first]).usage
    assert figures.dollars_by_role[Role.SPEC] == Decimal("0.1")
    assert figures.paid == Decimal("0.001")


def test_dollars_per_solved_include_the_failures() -> None:
    """One solved for 1, one unsolved for 9 thousandths: ten for the one."""
    figures = figures_of("koderz", [ran(1), ran(2, solved_at=None, tried=9)])
    assert figures.dollars_per_solved == Decimal("0.010")


def test_dollars_per_solved_include_attempts_that_do_not_count() -> None:
    """Or running the unsolved again until one is solved would look cheap; so does the gate, and the GPU's time."""
    before = ran(1, solved_at=None, tried=9, gpu=0.0)
    again = replace(ran(1, gpu=0.0), earlier=before.ledger)
    figures = figures_of("koderz", [again], Decimal("0.5"))
    assert figures.dollars == figures.dollars_with_gpu == Decimal("0.001")
    assert figures.dollars_per_solved == figures.with_gpu_per_solved == figures.paid == Decimal("0.010")
    assert not gate_cost_per_solved(figures, Decimal("0.009")).holds


def test_a_spec_that_an_earlier_attempt_paid_for_counts_once() -> None:
    """Its price stands in the bill of the experiment itself."""
    first = ran(1, spec="0.1")
    assert first.spec is not None
    own = replace(first.spec, recalled_from=first.id)
    again = replace(ran(1), spec=own, earlier=first.ledger)
    assert figures_of("koderz", [again]).dollars_per_solved == Decimal("0.102")


def test_nothing_solved_has_no_dollars_per_solved() -> None:
    """Money without a solve has no price per solve."""
    figures = figures_of("koderz", [ran(number, solved_at=None) for number in range(5)])
    assert figures.dollars == Decimal("0.005")
    assert figures.dollars_per_solved is None
    assert figures.dollars_per_solved_interval is None


def test_one_problem_has_a_wide_interval_and_no_interval_for_dollars() -> None:
    """Nothing can be said of how dollars vary."""
    figures = figures_of("koderz", [ran(1)])
    assert figures.solved_interval == wilson(1, 1)
    assert figures.dollars_per_solved == Decimal("0.001")
    assert figures.dollars_per_solved_interval is None


def test_dollars_per_solved_have_an_interval_where_savings_have_one() -> None:
    """Of fewer experiments it would lack the dear ones too often."""
    ran_so = [ran(n, solved_at=1 + n % 7, spec=f"0.00{1 + n % 5}") for n in range(60)]
    assert figures_of("koderz", ran_so[:59]).dollars_per_solved_interval is None
    assert figures_of("koderz", ran_so).dollars_per_solved_interval is not None


def test_pass_at_k_is_the_mean_over_problems_of_independent_epochs() -> None:
    """Problems with 1 and 3 passes of 4 first replies."""
    arm = [ran(1, solved_at=1 if epoch == 1 else 2, epoch=epoch) for epoch in range(1, 5)]
    arm += [ran(2, solved_at=None if epoch == 1 else 1, epoch=epoch) for epoch in range(1, 5)]
    figures = figures_of("koderz", arm)
    assert figures.pass_at_k == pytest.approx({1: 0.5, 2: (0.5 + 1) / 2, 3: (0.75 + 1) / 2, 4: 1.0})
    assert (figures.problems, figures.settled) == (2, 8)


def test_pass_at_k_is_unknown_where_epochs_are_not_independent() -> None:
    """The same seed twice, or two epochs that work from one spec; a spec of another arm's epoch each is no harm."""
    one, two = ran(1, epoch=1, spec="0.1"), ran(1, epoch=2, spec="0.1")
    assert one.spec is not None
    assert figures_of("koderz", [one, two]).pass_at_k is not None
    seeded = figures_of("koderz", [one, replace(two, seed=one.seed)])
    assert (seeded.pass_at_k, seeded.pass_at_k_missing) == (None, "two epochs of a problem have the same seed")
    shared = replace(two, spec=replace(one.spec, recalled_from=one.id))
    spoilt = figures_of("koderz", [one, shared])
    assert (spoilt.pass_at_k, spoilt.pass_at_k_missing) == (None, "two epochs of a problem worked from the same spec")
    apart = [replace(e, spec=replace(one.spec, recalled_from=f"exp_of_epoch_{e.epoch}")) for e in (one, two)]
    assert figures_of("koderz", apart).pass_at_k is not None


def test_pass_at_k_goes_as_far_as_the_problem_with_the_fewest_epochs() -> None:
    """An invalid epoch is not a sample."""
    arm = [ran(1, epoch=epoch) for epoch in (1, 2, 3)]
    arm += [ran(2, epoch=1), ran(2, epoch=2), ran(2, epoch=3, solved_at=None, status=Status.INVALID)]
    assert figures_of("koderz", arm).pass_at_k == {1: 1.0, 2: 1.0}


def test_gpu_seconds_are_those_of_ones_own_machines() -> None:
    """The frontier reports none, and that leaves the sum known; the local model's must all be known."""
    assert figures_of("koderz", [ran(1, gpu=3.0, spec="0.1"), ran(2, gpu=4.0)]).gpu_seconds == 7.0
    assert figures_of("koderz", [ran(1, gpu=3.0), ran(2)]).gpu_seconds is None
    assert figures_of("koderz", [ran(1)]).gpu_seconds is None


def test_gpu_dollars_are_hours_at_the_local_rate() -> None:
    """Half an hour at 0.80 a GPU-hour beside the tokens of a spec; unknown without a rate or without the seconds."""
    arm = [ran(1, price="0", gpu=1800.0, spec="0.1")]
    figures = figures_of("koderz", arm, Decimal("0.80"))
    assert (figures.dollars_with_gpu, figures.with_gpu_per_solved) == (Decimal("0.50"), Decimal("0.50"))
    assert figures_of("koderz", arm).dollars_with_gpu is None
    assert figures_of("koderz", [ran(1, price="0")], Decimal("0.80")).dollars_with_gpu is None


def test_gpu_of_a_model_that_is_paid_by_the_token_is_not_paid_twice() -> None:
    """It stands on somebody else's machine, whatever it reports."""
    figures = figures_of("frontier", [ran(1, "frontier", gpu=1800.0)], Decimal("0.80"))
    assert figures.dollars_with_gpu == figures.dollars == Decimal("0.001")


def test_spec_of_another_experiment_on_ones_own_gpu_counts() -> None:
    """Its tokens were free, its GPU-seconds are not; where they were not reported, the sum is unknown."""
    first = ran(1, price="0", gpu=1.0, spec="0")
    assert first.spec is not None
    second = replace(ran(1, price="0", gpu=1.0), spec=replace(first.spec, recalled_from="exp_other"))
    assert second.spec is not None
    assert figures_of("koderz", [second], Decimal("0.80")).dollars_with_gpu is None
    timed = replace(second, spec=replace(second.spec, gpu_seconds=3599.0))
    assert figures_of("koderz", [timed], Decimal("0.80")).dollars_with_gpu == Decimal("0.80")


def test_held_out_tests_decide_and_the_gap_is_told() -> None:
    """Of four, two are graded and one of them passes the plus tests: 25 points; a third has no plus tests."""
    passed, failed = Verdict(Outcome.PASSED), Verdict(Outcome.WRONG)
    arm = [
        replace(ran(1), graded=passed),
        replace(ran(2, solved_at=2), graded=failed, status=Status.UNSOLVED),
        ran(3),
        ran(4, solved_at=None),
    ]
    figures = figures_of("koderz", arm)
    assert (figures.solved, figures.solved_first, [point.solved for point in figures.curve]) == (2, 2, [2, 2])
    assert figures.hold_out == HoldOut(settled=4, passed_base=2, passed_plus=1, ungraded=1)
    assert figures.hold_out.gap == 0.25
    assert figures_of("koderz", [ran(1)]).hold_out is None


def test_leaks_are_counted_by_kind_and_by_experiment() -> None:
    """Two values and a solution in two of three experiments, wherever they stood."""
    one = ran(1, solved_at=3, spec="0.1", checkpoints=[(1, "0.1")])
    assert one.spec is not None
    spec = replace(one.spec, leaks=("a hidden value: [1, 2, 3, 4]",))
    guidance = replace(one.checkpoints[0], leaks=("a complete solution",))
    other = ran(2).with_advice(Advice("Do.", "exp_other", "Problem/9", 1, ("a hidden value: 'abcdefgh'",)))
    figures = figures_of("koderz", [replace(one, spec=spec, checkpoints=(guidance,)), other, ran(3)])
    assert figures.leaks == Leaks(experiments=2, hidden_values=2, complete_solutions=1)
    assert figures.advised == 1


def test_fallback_is_counted_and_its_dollars_have_a_role() -> None:
    """Asked twice, solved once."""
    figures = figures_of("cascade", [fell_back(1), fell_back(2, passed=False), ran(3, "cascade")])
    assert (figures.fallbacks, figures.fallback_solved) == (2, 1)
    assert figures.dollars_by_role[Role.FALLBACK] == Decimal("0.2")


def test_repeated_and_truncated_are_rates_of_iterations() -> None:
    """The test's failed iterations are cut at the token limit."""
    start = ran(1, solved_at=4)
    repeated = tuple(replace(iteration, repeated=iteration.number == 2) for iteration in start.iterations)
    figures = figures_of("koderz", [replace(start, iterations=repeated)])
    assert (figures.repeated_rate, figures.truncated_rate) == (0.25, 0.75)


settled = st.builds(
    ran,
    st.integers(1, 8),
    solved_at=st.one_of(st.none(), st.integers(1, 6)),
    tried=st.integers(1, 6),
    price=st.one_of(st.none(), st.sampled_from(["0", "0.001", "0.5"])),
    spec=st.one_of(st.none(), st.just("?"), st.just("0.01")),
    status=st.one_of(st.none(), st.sampled_from([Status.INVALID, Status.SKIPPED, Status.RUNNING])),
)


@settings(deadline=None)
@given(st.lists(settled, max_size=20))
def test_figures_hold_together_for_any_experiments(experiments: list[Experiment]) -> None:
    """Statuses add up, the curve only rises and ends at the totals, roles add up to the dollars."""
    figures = figures_of("koderz", experiments)
    assert figures.settled + figures.invalid + figures.skipped + figures.unfinished == len(experiments)
    assert 0 <= figures.solved_first <= figures.solved <= figures.settled
    solved = [point.solved for point in figures.curve]
    assert solved == sorted(solved)
    assert [figures.solved, figures.dollars] == (
        [figures.curve[-1].solved, figures.curve[-1].dollars] if figures.curve else [0, 0]
    )
    parts = list(figures.dollars_by_role.values())
    known = [part for part in parts if part is not None]
    assert figures.dollars == (sum(known) if len(known) == len(parts) else None)
