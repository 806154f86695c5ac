"""When an arm may be said to match the control."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_koderz.core.experiment import Experiment, Status
from pytest_koderz.evidence import Claim, compare, paired_difference
from pytest_koderz.evidence.compare import Doubt, claim_of, judge
from pytest_koderz.evidence.looks import Look
from pytest_koderz.evidence.tables import Pairs
from tests.evidence.experiments import ran


def paired(both: int, only_arm: int, only_control: int, neither: int) -> tuple[list[Experiment], list[Experiment]]:
    """An arm and a control with that many problems solved by both, either or none."""
    outcomes = [(1, 1)] * both + [(1, None)] * only_arm + [(None, 1)] * only_control + [(None, None)] * neither
    arm = [ran(number, "koderz", ours) for number, (ours, _) in enumerate(outcomes)]
    return arm, [ran(number, "frontier", theirs) for number, (_, theirs) in enumerate(outcomes)]


@pytest.mark.parametrize(
    ("table", "claim"),
    [
        ((160, 0, 0, 4), Claim.MATCHES),
        ((148, 2, 2, 12), Claim.MATCHES),
        ((130, 20, 2, 12), Claim.BETTER),
        ((130, 2, 20, 12), Claim.WORSE),
        ((130, 10, 12, 12), Claim.INCONCLUSIVE),
        ((20, 0, 0, 0), Claim.INCONCLUSIVE),
        ((10, 5, 0, 5), Claim.MATCHES),  # 5-0 is p = 0.0625: not lower, and not surely higher
        ((10, 6, 0, 5), Claim.BETTER),  # 6-0 is p = 0.031
        ((10, 0, 6, 5), Claim.WORSE),
    ],
)
def test_claim_follows_from_the_table(table: tuple[int, int, int, int], claim: Claim) -> None:
    """The docstring's four cases, with 5 points of margin."""
    assert compare(*paired(*table)).claim is claim


def test_no_significant_difference_is_not_a_match() -> None:
    """Two of three against three of three: p is 1, and nothing is known."""
    comparison = compare(*paired(2, 0, 1, 0))
    assert comparison.p_value == 1.0
    assert comparison.claim is Claim.INCONCLUSIVE


def test_margin_is_what_tells_a_match() -> None:
    """The same benchmark matches at 10 points and not at 5."""
    arm, control = paired(60, 1, 1, 2)
    assert compare(arm, control, margin=0.05).claim is Claim.INCONCLUSIVE
    assert compare(arm, control, margin=0.10).claim is Claim.MATCHES


def test_only_problems_that_both_settled_are_compared() -> None:
    """Invalid in one, missing in the other, or not there at all: left out, and counted."""
    arm = [ran(1), ran(2), ran(3, solved_at=None, status=Status.INVALID), ran(4)]
    control = [ran(1, "frontier"), ran(2, "frontier", None), ran(3, "frontier"), ran(5, "frontier")]
    comparison = compare(arm, control)
    assert (comparison.problems, comparison.left_out) == (2, 3)
    assert (comparison.solved, comparison.control_solved) == (2, 1)
    assert (comparison.only_arm, comparison.only_control) == (1, 0)
    assert comparison.difference == 0.5
    assert comparison.difference_interval == paired_difference(1, 0, 2)
    assert (comparison.arm, comparison.control) == ("koderz", "frontier")


def test_experiments_of_other_prompts_are_not_compared() -> None:
    """A changed prompt is another experiment."""
    arm, control = paired(3, 0, 0, 0)
    comparison = compare([replace(arm[0], prompt_version="2"), *arm[1:]], control)
    assert (comparison.problems, comparison.left_out) == (2, 1)


@pytest.mark.parametrize(
    ("arm", "control"),
    [
        ([], []),
        ([ran(1)], []),
        ([], [ran(1, "frontier")]),
        ([ran(1)], [ran(1, "frontier", None, status=Status.INVALID)]),
        ([ran(1)], [ran(2, "frontier")]),
    ],
)
def test_nothing_in_common_is_inconclusive(arm: list[Experiment], control: list[Experiment]) -> None:
    """No control, all invalid, other problems: every figure that cannot be known is None."""
    comparison = compare(arm, control)
    assert comparison.claim is Claim.INCONCLUSIVE
    assert comparison.difference is None
    assert comparison.difference_interval is None
    assert comparison.savings.dollars is None
    assert comparison.needed is None
    assert comparison.p_value == comparison.margin_p_value == 1.0


def test_one_problem_is_inconclusive() -> None:
    """With the interval nearly as wide as it can be, and nothing to say of how many problems it takes."""
    comparison = compare(*paired(1, 0, 0, 0))
    assert comparison.claim is Claim.INCONCLUSIVE
    assert comparison.difference_interval is not None
    assert comparison.difference_interval.width > 1.5
    assert comparison.needed is None


def test_epochs_that_agree_are_no_more_problems() -> None:
    """Ten epochs of 20 problems with the same outcomes as one: the same interval, the same p-value."""
    outcomes: list[tuple[int | None, int | None]] = [(1, 1)] * 12 + [(1, None)] * 6 + [(None, 1)] * 2
    arm = [ran(n, "koderz", ours, epoch=e) for n, (ours, _) in enumerate(outcomes) for e in range(1, 11)]
    control = [ran(n, "frontier", theirs, epoch=e) for n, (_, theirs) in enumerate(outcomes) for e in range(1, 11)]
    many, once = compare(arm, control), compare(*paired(12, 6, 2, 0))
    assert many.difference == pytest.approx(once.difference)
    assert (many.p_value, many.margin_p_value, many.claim) == (once.p_value, once.margin_p_value, once.claim)
    assert many.difference_interval is not None
    assert once.difference_interval is not None
    assert many.difference_interval.low == pytest.approx(once.difference_interval.low)
    assert many.difference_interval.high == pytest.approx(once.difference_interval.high)


def test_epochs_that_vary_narrow_the_interval() -> None:
    """Where each problem is solved every other time, four epochs tell more than one."""
    arm = [ran(n, "koderz", 1 if (n + e) % 2 else None, epoch=e) for n in range(30) for e in range(1, 5)]
    control = [ran(n, "frontier", 1 if (n + e) % 3 else None, epoch=e) for n in range(30) for e in range(1, 5)]
    all_epochs = compare(arm, control).difference_interval
    first = compare([e for e in arm if e.epoch == 1], [e for e in control if e.epoch == 1]).difference_interval
    assert all_epochs is not None
    assert first is not None
    assert all_epochs.width < first.width


def test_many_epochs_do_not_rule_out_losses_that_were_not_met() -> None:
    """Did the arm fail on one problem in twenty, fifty would hold none of these in 0.95^50 = 8 % of benchmarks.

    So they are no match, though what was seen varies by less than the margin.
    """
    arm = [ran(n, "koderz", None if n % 10 == e else 1, epoch=e) for n in range(50) for e in range(10)]
    control = [ran(n, "frontier", None if n % 10 == e + 1 else 1, epoch=e) for n in range(50) for e in range(10)]
    comparison = compare(arm, control)
    assert comparison.claim is Claim.INCONCLUSIVE
    assert comparison.difference_interval is not None
    assert comparison.difference_interval.low > -0.05
    assert comparison.needed is not None
    assert 75 < comparison.needed.low < 150


def test_more_epochs_of_one_arm_do_not_make_it_better() -> None:
    """Three of four in every epoch on both sides; the sign test compares as many epochs of each."""
    arm = [ran(n, "koderz", None if (n + e) % 4 == 0 else 1, epoch=e) for n in range(40) for e in range(1, 5)]
    control = [ran(n, "frontier", None if (n + 1) % 4 == 0 else 1) for n in range(40)]
    comparison = compare(arm, control)
    assert comparison.difference == pytest.approx(0)
    assert (comparison.p_value, comparison.claim) == (1.0, Claim.INCONCLUSIVE)


def test_savings_are_of_the_compared_problems_alone() -> None:
    """An expensive experiment without its pair is left out."""
    arm = [ran(1, price="0.001"), ran(2, price="9")]
    comparison = compare(arm, [ran(1, "frontier", price="0.004")])
    assert comparison.savings.kind == "measured"
    assert (comparison.savings.dollars, comparison.savings.share) == (Decimal("0.003"), 0.75)


@pytest.mark.parametrize(
    ("table", "doubt"),
    [
        ((0, 2, 2, 160), Doubt.FLOOR),  # 2/164 against 2/164
        ((0, 0, 2, 162), Doubt.FLOOR),
        ((0, 0, 0, 164), Doubt.FLOOR),
        ((26, 0, 0, 138), Doubt.NONE),  # the control is sure to solve 10.9 %, more than twice 5 points
        ((23, 0, 0, 141), Doubt.FLOOR),  # 9.5 %
    ],
)
def test_no_match_at_the_floor(table: tuple[int, int, int, int], doubt: Doubt) -> None:
    """Where the control solves next to nothing, an arm that does nothing would match it: ICH E10."""
    comparison = compare(*paired(*table))
    assert comparison.would_be is Claim.MATCHES
    assert comparison.doubt is doubt
    assert (comparison.claim is Claim.MATCHES) == (doubt is Doubt.NONE)
    assert (comparison.floor is None) == (doubt is Doubt.NONE)


def test_an_arm_that_solves_nothing_matches_nothing() -> None:
    """Even where the margin is so wide that it could."""
    comparison = compare(*paired(0, 0, 40, 160), margin=0.1)
    assert comparison.claim is not Claim.MATCHES
    assert comparison.floor is not None


@pytest.mark.parametrize(("lost", "claim", "turns"), [(1, Claim.MATCHES, None), (9, Claim.INCONCLUSIVE, 3)])
def test_a_claim_holds_against_all_that_was_lost(lost: int, claim: Claim, turns: int | None) -> None:
    """Had the arm's invalid experiments been failures on problems that the control solves."""
    arm, control = paired(152, 1, 1, 10)
    arm = [replace(one, status=Status.INVALID) if number < lost else one for number, one in enumerate(arm)]
    comparison = compare(arm, control)
    assert (comparison.lost, comparison.would_be) == (lost, Claim.MATCHES)
    assert (comparison.claim, comparison.turns_at) == (claim, turns)
    assert (comparison.doubt is Doubt.MISSING) == (claim is Claim.INCONCLUSIVE)


def test_a_claim_says_whether_it_holds_against_what_the_budget_left_out() -> None:
    """The budget knows nothing of how hard a problem is: the claim is made, and where it would end is said."""
    arm, control = paired(152, 1, 1, 10)
    arm = [replace(one, status=Status.SKIPPED) if number < 40 else one for number, one in enumerate(arm)]
    comparison = compare(arm, control)
    assert (comparison.claim, comparison.lost, comparison.skipped) == (Claim.MATCHES, 0, 40)
    assert comparison.turns_at is not None
    table = Pairs(1, 1 + comparison.turns_at, 124 + comparison.turns_at)
    assert claim_of(table, 1.0, 0.05) is Claim.INCONCLUSIVE


def test_a_loss_holds_only_if_what_was_lost_would_have_been_solved() -> None:
    """For WORSE the invalid experiments count for the arm."""
    arm, control = paired(120, 0, 8, 10)
    lost = [ran(200 + number, "koderz", None, status=Status.INVALID) for number in range(4)]
    theirs = [ran(200 + number, "frontier", None) for number in range(4)]
    assert compare(arm, control).claim is Claim.WORSE
    comparison = compare([*arm, *lost], [*control, *theirs])
    assert (comparison.would_be, comparison.claim, comparison.doubt) == (
        Claim.WORSE,
        Claim.INCONCLUSIVE,
        Doubt.MISSING,
    )


def test_of_several_arms_the_first_has_the_full_level_and_the_others_share_one() -> None:
    """10 : 2 is p = 0.039 alone; of four such arms behind the first none is better any more,
    though they still match.
    """
    alone = compare(*paired(100, 10, 2, 10))
    assert alone.claim is Claim.BETTER
    first, *others = judge([alone] * 5)
    assert (first.claim, first.doubt) == (Claim.BETTER, Doubt.NONE)
    assert {(one.claim, one.doubt) for one in others} == {(Claim.MATCHES, Doubt.FAMILY)}


def test_an_early_look_asks_for_more() -> None:
    """At half of the problems the one-sided level is 0.0015; the first 80 of 164 without a difference are no match."""
    comparison = compare(*paired(78, 0, 0, 2))
    assert comparison.claim is Claim.MATCHES
    (early,) = judge([comparison], (Look(80, 164),))
    assert (early.claim, early.doubt) == (Claim.INCONCLUSIVE, Doubt.LOOKS)
    assert early.level == pytest.approx(0.0013, abs=0.0002)


@settings(deadline=None)
@given(st.integers(0, 30), st.integers(0, 8), st.integers(0, 8), st.integers(0, 8))
def test_comparison_is_consistent_for_any_table(both: int, only_arm: int, only_control: int, neither: int) -> None:
    """Never better and worse at once: exchanging the arms exchanges the claims, and claims agree with the interval."""
    arm, control = paired(both, only_arm, only_control, neither)
    ours, theirs = compare(arm, control), compare(control, arm)
    assert (ours.claim is Claim.BETTER) == (theirs.claim is Claim.WORSE)
    if ours.difference_interval is None:
        assert both + only_arm + only_control + neither == 0
        return
    assert ours.difference is not None
    assert ours.difference in ours.difference_interval
    assert ours.claim is not Claim.BETTER or ours.difference_interval.low > 0
    assert ours.claim is not Claim.WORSE or ours.difference_interval.high < 0
    assert ours.claim is not Claim.MATCHES or ours.difference_interval.low > -0.05
    assert ours.needed is None or ours.claim is Claim.INCONCLUSIVE


def thrice(counts: list[tuple[int, int]]) -> tuple[list[Experiment], list[Experiment]]:
    """An arm and a control with three epochs of each problem, and how many of them they solved."""
    arm, control = (
        [
            ran(number, name, 1 if epoch < solved[side] else None, epoch=epoch)
            for number, solved in enumerate(counts)
            for epoch in range(3)
        ]
        for side, name in enumerate(("koderz", "frontier"))
    )
    return arm, control


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=40))
def test_comparison_of_epochs_is_consistent(counts: list[tuple[int, int]]) -> None:
    """As for single tries: mirrored when the arms change places, and claims agree with the interval beside them."""
    arm, control = thrice(counts)
    ours, theirs = compare(arm, control), compare(control, arm)
    assert ours.difference is not None
    assert ours.difference_interval is not None
    assert theirs.difference_interval is not None
    assert ours.difference_interval.low <= ours.difference + 1e-9
    assert ours.difference <= ours.difference_interval.high + 1e-9
    assert ours.difference_interval.low == pytest.approx(-theirs.difference_interval.high, abs=1e-7)
    assert (ours.claim is Claim.BETTER) == (theirs.claim is Claim.WORSE)
    assert ours.claim is not Claim.BETTER or ours.difference_interval.low > 0
    assert ours.claim is not Claim.MATCHES or ours.difference_interval.low > -0.05
    assert ours.needed is None or (ours.claim is Claim.INCONCLUSIVE and ours.needed.low > len(counts))
