"""When an arm may be said to match the control."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_koderz.core.experiment import Experiment, Status
from pytest_koderz.evidence import Claim, compare, paired_difference
from pytest_koderz.evidence.compare import Pairs, claim_of, problems_needed
from pytest_koderz.evidence.intervals import mcnemar_exact
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
    assert comparison.problems_needed is None
    assert comparison.p_value == comparison.margin_p_value == 1.0


def test_one_problem_is_inconclusive() -> None:
    """With the interval nearly as wide as it can be, and some 75 problems to go."""
    comparison = compare(*paired(1, 0, 0, 0))
    assert comparison.claim is Claim.INCONCLUSIVE
    assert comparison.difference_interval is not None
    assert comparison.difference_interval.width > 1.5
    assert comparison.problems_needed == 79


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
    assert comparison.problems_needed is not None
    assert 75 < comparison.problems_needed < 150


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
    ("table", "margin"),
    [((60, 1, 1, 2), 0.05), ((20, 0, 0, 0), 0.05), ((130, 10, 12, 12), 0.05), ((130, 8, 14, 12), 0.05)],
)
def test_problems_needed_would_be_conclusive(table: tuple[int, int, int, int], margin: float) -> None:
    """At that number, with the same shares, there is a claim; and it is more than there were."""
    comparison = compare(*paired(*table), margin)
    assert comparison.claim is Claim.INCONCLUSIVE
    needed = comparison.problems_needed
    assert needed is not None
    assert needed > sum(table)
    scale = needed / sum(table)
    grown = Pairs(round(table[1] * scale), round(table[2] * scale), needed)
    claim = claim_of(grown, mcnemar_exact(round(grown.only_arm), round(grown.only_control)), margin)
    assert claim is not Claim.INCONCLUSIVE


def test_problems_needed_agree_with_the_formula() -> None:
    """Discordant 20 %, no difference, 5 points, 80 % power: (1.95996 * 0.4554 + 0.84162 * 0.4472)^2 / 0.05^2 = 643.8.

    0.4472 is the root of 0.2. At the limit q = 0.12995 lost and q - 0.05 won are likeliest (10 / (q - 0.05) + 10 / q =
    160 / (1.05 - 2 q)), of which 2 q - 0.05 - 0.05^2 = 0.4554^2 is the variance.
    """
    assert problems_needed(Pairs(10, 10, 100), 100, 0.05) == 644


@pytest.mark.parametrize("table", [(1, 1, 64), (2, 0, 31), (4, 2, 31), (10, 12, 154)])
def test_problems_needed_have_the_power_that_is_promised(table: tuple[int, int, int]) -> None:
    """Of benchmarks with so many problems about four in five come to a claim, or more."""
    won, lost, size = table
    needed = problems_needed(Pairs(*table), size, 0.05)
    assert needed is not None
    shares = [won / size, lost / size, 1 - (won + lost) / size]
    drawn = Counter(tuple(row) for row in np.random.default_rng(1).multinomial(needed, shares, 400)[:, :2].tolist())
    claimed = 0
    for (ours, theirs), times in drawn.items():
        claimed += times * (claim_of(Pairs(ours, theirs, needed), mcnemar_exact(ours, theirs), 0.05) != "inconclusive")
    assert claimed / 400 > 0.75


def test_no_margin_and_no_difference_never_comes_to_an_end() -> None:
    """No number of problems shows that two equal arms differ."""
    assert problems_needed(Pairs(2, 2, 20), 20, 0.0) is None


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
    assert (ours.problems_needed is None) == (ours.claim is not Claim.INCONCLUSIVE)


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
    assert ours.problems_needed is None or (ours.claim is Claim.INCONCLUSIVE and ours.problems_needed > len(counts))


def test_an_arm_that_loses_more_but_not_more_often_never_comes_to_an_end() -> None:
    """The sign test stays even however many problems there are."""
    comparison = compare(*thrice([(1, 0), (0, 2)]))
    assert comparison.difference == pytest.approx(-1 / 6)
    assert (comparison.claim, comparison.problems_needed) == (Claim.INCONCLUSIVE, None)
