"""Each formula against published values, and what must hold for any numbers."""

from __future__ import annotations

from math import isfinite

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from pytest_koderz.evidence.intervals import (
    Interval,
    mcnemar_exact,
    noninferiority_p,
    of_difference,
    paired_difference,
    pass_at_k,
    wilson,
    wilson_clustered,
)
from pytest_koderz.evidence.resampling import bootstrap_ratio, log_normal_limits

counts = st.integers(1, 300).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
tables = st.tuples(st.integers(0, 60), st.integers(0, 60), st.integers(0, 200)).filter(lambda table: sum(table) > 0)

MICRODOLLARS = st.integers(-10_000_000, 10_000_000).map(lambda number: number / 1_000_000)
"""Dollars as bills have them; what is smaller is rounding."""


@pytest.mark.parametrize(
    ("solved", "n", "low", "high"),
    [
        (148, 164, 84.7, 93.9),
        (164, 164, 97.7, 100.0),
        # Newcombe (1998), Stat. Med. 17:857-872, table I, method 3.
        (81, 263, 25.53, 36.62),
        (15, 148, 6.24, 16.05),
        (0, 20, 0.0, 16.11),
        (1, 29, 0.61, 17.18),
    ],
)
def test_wilson_agrees_with_published_limits(solved: int, n: int, low: float, high: float) -> None:
    """The score interval, in per cent."""
    interval = wilson(solved, n)
    assert interval is not None
    digits = 1 if n == 164 else 2
    assert (round(100 * interval.low, digits), round(100 * interval.high, digits)) == (low, high)


def test_wilson_of_nothing_is_unknown() -> None:
    """No try, no interval."""
    assert wilson(0, 0) is None
    assert wilson_clustered([]) is None
    assert wilson_clustered([(0, 0)]) is None


@settings(deadline=None)
@given(counts)
def test_wilson_is_scipys_for_whole_numbers(count: tuple[int, int]) -> None:
    """The formula is written out only because scipy's takes no effective sample size."""
    interval, theirs = wilson(*count), binomtest(*count).proportion_ci(method="wilson")
    assert interval is not None
    assert (interval.low, interval.high) == pytest.approx((theirs.low, theirs.high), abs=1e-12)
    assert count[0] / count[1] in interval


def test_epochs_of_one_problem_do_not_count_as_problems() -> None:
    """Five epochs that all agree tell no more than one."""
    once = wilson_clustered([(1, 1)] * 8 + [(0, 1)] * 2)
    five = wilson_clustered([(5, 5)] * 8 + [(0, 5)] * 2)
    assert once is not None
    assert five is not None
    assert once == wilson(8, 10)
    assert (five.low, five.high) == pytest.approx((once.low, once.high))


def test_epochs_that_do_not_agree_tell_more() -> None:
    """Where problems are alike, each epoch is nearly a problem of its own, and at most that."""
    many = wilson_clustered([(2, 4), (3, 4), (2, 4), (1, 4), (2, 4), (3, 4), (2, 4), (1, 4)])
    independent, once = wilson(16, 32), wilson(4, 8)
    assert many is not None
    assert independent is not None
    assert once is not None
    assert independent.width <= many.width < 1.1 * independent.width < once.width


def test_all_solved_in_every_epoch_counts_each_problem_once() -> None:
    """Without a failure nothing shows how alike the epochs are."""
    interval, once = wilson_clustered([(5, 5)] * 10), wilson(10, 10)
    assert interval is not None
    assert once is not None
    assert (interval.low, interval.high) == pytest.approx((once.low, once.high))


def test_many_epochs_do_not_rule_out_problems_that_were_not_met() -> None:
    """Were one problem in twenty beyond the arm, thirty would hold none of these in 0.95^30 = 21 % of benchmarks."""
    interval = wilson_clustered([(10, 10)] * 20 + [(9, 10)] * 10)
    assert interval is not None
    assert 0.95 * 29 / 30 in interval


@settings(deadline=None)
@given(st.lists(st.integers(1, 6).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), min_size=1, max_size=40))
def test_clustered_interval_holds_the_share_and_is_never_narrower_than_all_tries(
    clusters: list[tuple[int, int]],
) -> None:
    """Bounds: between all tries independent and nothing known."""
    interval = wilson_clustered(clusters)
    tries = wilson(sum(x for x, _ in clusters), sum(n for _, n in clusters))
    assert interval is not None
    assert tries is not None
    assert 0 <= interval.low <= interval.high <= 1
    assert interval.low <= tries.low + 1e-12
    assert interval.high >= tries.high - 1e-12


@pytest.mark.parametrize(
    ("n", "c", "k", "expected"),
    [
        (5, 2, 1, 0.4),
        (5, 2, 2, 0.7),  # 1 - C(3,2)/C(5,2) = 1 - 3/10
        (10, 3, 5, 1 - 21 / 252),
        (200, 0, 100, 0.0),
        (200, 200, 1, 1.0),
        (4, 3, 2, 1.0),
        (200, 57, 1, 0.285),
    ],
)
def test_pass_at_k_counts_the_samples_without_a_pass(n: int, c: int, k: int, expected: float) -> None:
    """Chen et al. (2021), equation 1."""
    assert pass_at_k(n, c, k) == pytest.approx(expected)


@settings(deadline=None)
@given(counts, st.integers(1, 300))
def test_pass_at_k_is_the_product_form_of_the_paper(count: tuple[int, int], k: int) -> None:
    """Chen et al. (2021), figure 3: 1 - prod(1 - k / i) for i from n - c + 1 to n."""
    (c, n), k = count, min(k, count[1])
    theirs = 1.0 if n - c < k else 1.0 - float(np.prod(1.0 - k / np.arange(n - c + 1, n + 1)))
    assert pass_at_k(n, c, k) == pytest.approx(theirs, abs=1e-9)


@settings(deadline=None)
@given(counts.filter(lambda count: count[1] > 1))
def test_pass_at_k_rises_with_k(count: tuple[int, int]) -> None:
    """More samples never lower the chance; with one it is the share."""
    c, n = count
    chances = [pass_at_k(n, c, k) for k in range(1, n + 1)]
    assert chances == sorted(chances)
    assert chances[0] == pytest.approx(c / n)


def test_pass_at_k_of_too_few_samples_is_refused() -> None:
    """pass@3 cannot be told from two samples."""
    with pytest.raises(ValueError, match="pass@3"):
        pass_at_k(2, 1, 3)


@pytest.mark.parametrize(
    ("b", "c", "p"),
    [(6, 0, 0.03125), (5, 0, 0.0625), (0, 6, 0.03125), (0, 0, 1.0), (3, 3, 1.0), (6, 16, 0.052479)],
)
def test_mcnemar_agrees_with_published_values(b: int, c: int, p: float) -> None:
    """6-16: Fagerland, Lydersen and Laake, Statistical Analysis of Contingency Tables (2017), chapter 8."""
    assert mcnemar_exact(b, c) == pytest.approx(p, abs=1e-6)


@pytest.mark.parametrize(
    ("b", "c", "n", "confidence", "low", "high"),
    [
        # Fagerland, Lydersen and Laake, Statistical Analysis of Contingency Tables (2017), chapter 8: two studies.
        (1, 7, 21, 0.95, -0.517, -0.026),
        (6, 16, 161, 0.95, -0.1240, -0.0054),
        # R, PropCIs::scoreci.mp(25, 28, 618, 0.90).
        (28, 25, 618, 0.90, -0.0148, 0.0247),
    ],
)
def test_paired_difference_agrees_with_published_limits(
    b: int, c: int, n: int, confidence: float, low: float, high: float
) -> None:
    """Tango's score interval."""
    interval = paired_difference(b, c, n, confidence)
    assert (interval.low, interval.high) == pytest.approx((low, high), abs=5.1e-4 if n == 21 else 5.1e-5)


@settings(deadline=None)
@given(st.integers(1, 1000))
def test_paired_difference_has_a_width_where_no_pair_differs(n: int) -> None:
    """Without discordant pairs the limits are z^2 / (n + z^2) on either side (Tango's equation with b = c = 0)."""
    square = 1.959964**2
    interval = paired_difference(0, 0, n)
    assert interval.high == pytest.approx(square / (n + square), abs=1e-6)
    assert interval.low == pytest.approx(-interval.high, abs=1e-6)


@settings(deadline=None)
@given(tables)
def test_paired_difference_is_mirrored_when_the_arms_change_places(table: tuple[int, int, int]) -> None:
    """It lies within -1 and 1 and holds what was seen."""
    b, c, _ = table
    n = sum(table)
    ours, theirs = paired_difference(b, c, n), paired_difference(c, b, n)
    assert -1 <= ours.low <= (b - c) / n <= ours.high <= 1
    assert (ours.low, ours.high) == pytest.approx((-theirs.high, -theirs.low), abs=1e-7)


@settings(deadline=None)
@given(st.integers(0, 20), st.integers(0, 20), st.integers(0, 60))
def test_exact_noninferiority_is_monotone(b: int, c: int, rest: int) -> None:
    """A problem won in place of one lost never makes a match less likely."""
    n = b + c + rest + 1
    assert 0 <= noninferiority_p(b + 1, c, n, 0.05) <= noninferiority_p(b, c + 1, n, 0.05) + 1e-9 <= 1 + 1e-9


def test_exact_noninferiority_without_discordant_pairs_is_at_least_the_chance_to_see_none() -> None:
    """At a true difference of -5 points one sees none in n problems with a chance of 0.95^n at least."""
    for n in (20, 73, 164):
        assert 0.95**n <= noninferiority_p(0, 0, n, 0.05) <= 1.3 * 0.95**n + 0.005


def test_bootstrap_of_a_mean_is_close_to_students_interval_for_normal_values() -> None:
    """For 200 normal values both are the same but for a few per cent of the width."""
    values = np.random.default_rng(3).normal(5, 2, 200)
    interval = bootstrap_ratio(values.tolist())
    reach = 1.972 * values.std(ddof=1) / 200**0.5
    assert interval is not None
    assert (interval.low, interval.high) == pytest.approx((values.mean() - reach, values.mean() + reach), abs=reach / 8)


def test_bootstrap_is_the_same_every_time() -> None:
    """A seed is fixed, so that a summary can be recomputed."""
    values = np.random.default_rng(5).exponential(size=80).tolist()
    assert bootstrap_ratio(values) == bootstrap_ratio(values)
    assert bootstrap_ratio(values, seed=1) != bootstrap_ratio(values, seed=2)


def test_bootstrap_of_equal_values_is_a_point() -> None:
    """Where nothing varies nothing is uncertain."""
    interval = bootstrap_ratio([0.1] * 7)
    assert interval is not None
    assert (interval.low, interval.high) == pytest.approx((0.1, 0.1))


@pytest.mark.parametrize(
    ("tops", "bottoms"),
    [
        ([], None),
        ([1.0], None),
        ([1.0, 2.0], None),
        ([0.0, 0.0, 0.0], [0.0, 0.0, 1.0]),
        ([1.0, 2.0, 3.0], [0.0, 0.0, 0.0]),
    ],
)
def test_bootstrap_of_too_little_is_unknown(tops: list[float], bottoms: list[float] | None) -> None:
    """No problem, one, two, or nothing to divide by."""
    assert bootstrap_ratio(tops, bottoms) is None


@settings(deadline=None)
@given(st.lists(st.floats(0.001, 10), min_size=4, max_size=25))
def test_positive_ratio_has_positive_limits_that_hold_it(values: list[float]) -> None:
    """Dollars per solved problem cannot be negative."""
    interval = bootstrap_ratio(values, positive=True)
    assert interval is None or (0 < interval.low <= sum(values) / len(values) * (1 + 1e-9) and interval.high > 0)


def test_the_order_of_the_problems_makes_no_difference() -> None:
    """A problem has no place: sorted by name or by the time they ended, the limits are the same to the last digit."""
    generator = np.random.default_rng(4)
    top, bottom = generator.lognormal(0, 1, 70), generator.lognormal(0, 1, 70)
    order = generator.permutation(70)
    for positive in (False, True):
        one = bootstrap_ratio(top.tolist(), bottom.tolist(), positive=positive)
        assert one == bootstrap_ratio(top[order].tolist(), bottom[order].tolist(), positive=positive)


def test_no_limit_lies_beyond_what_the_concentration_bears() -> None:
    """One problem of sixty that took half of the dollars: up to 5.57 such may have been due (Garwood 1936, Biometrika
    28:437-442). Wide, but not the powers of ten that resamples without it have, of which one summary had
    "[-6421226, +792] %".
    """
    interval = bootstrap_ratio([60.0, *[1.0, 1.1, 0.9] * 20], [4.0] * 61, positive=True)
    assert interval is not None
    assert (60 + 5.57 * 60) / 120 < interval.high / (120 / 244) < 15


def test_a_tail_downwards_ends_where_the_inverse_of_one_upwards_does() -> None:
    """Half of the control's dollars on one problem, in place of the arm's."""
    dear, others = [60.0, *[1.0, 1.1, 0.9] * 20], [4.0] * 61
    one, other = bootstrap_ratio(dear, others, positive=True), bootstrap_ratio(others, dear, positive=True)
    assert one is not None
    assert other is not None
    assert (1 / one.high, 1 / one.low) == pytest.approx((other.low, other.high))


def test_log_normal_costs_have_the_tail_that_a_sample_lacks() -> None:
    """Sixty draws with sigma 2 rarely hold the few that make a seventh of the mean: Cox's limit goes beyond theirs."""
    costs = np.exp(2 * np.random.default_rng(9).normal(size=60))
    interval = bootstrap_ratio(costs.tolist(), positive=True)
    tail = log_normal_limits(np.sort(costs), np.ones(60))
    assert interval is not None
    assert tail is not None
    assert interval.high >= tail.high > 1.5 * costs.mean()


def test_a_log_normal_tail_reaches_to_its_own_side_only() -> None:
    """What a sample lacks are dear problems: over ones the mean may be higher than Cox's lower limit says, not lower;
    below the line it is the other way round.
    """
    costs, ones = np.sort(np.exp(2 * np.random.default_rng(9).normal(size=60))), np.ones(60)
    above, below = (
        bootstrap_ratio(one.tolist(), other.tolist(), positive=True) for one, other in ((costs, ones), (ones, costs))
    )
    tail = log_normal_limits(costs, ones)
    assert above is not None
    assert below is not None
    assert tail is not None
    assert tail.low < above.low < costs.mean() < tail.high < above.high
    assert 1 / above.high == pytest.approx(below.low, rel=0.01)
    assert below.high == pytest.approx(1 / above.low, rel=0.01)


def test_on_the_side_without_the_tail_students_limit_lies_too_far_out() -> None:
    """Exponential costs: the lower limit of a ratio is nearer than Student's, the upper one farther; of a mean, which
    may have a tail on either side, neither is nearer.
    """
    costs = np.random.default_rng(5).exponential(size=60)
    student = 2.001 * costs.std(ddof=1) / 60**0.5
    ratio, mean = bootstrap_ratio(costs.tolist(), [1.0] * 60), bootstrap_ratio(costs.tolist())
    assert ratio is not None
    assert mean is not None
    assert costs.mean() - ratio.low < 0.96 * student < 1.4 * student < ratio.high - costs.mean()
    assert min(costs.mean() - mean.low, mean.high - costs.mean()) > 0.999 * student


def test_coxs_limits_agree_with_a_published_example() -> None:
    """Zhou and Gao (1997) and Olsson (2005), J. Stat. Educ. 13: n = 40, mean 5.127, variance 1.0004 of the logarithms;
    with Student's quantile in place of 1.96, as Olsson recommends: (4.9, 6.3) on the scale of logarithms.
    """
    values = np.random.default_rng(1).normal(size=40)
    values = (values - values.mean()) / values.std(ddof=1) * 1.0004**0.5 + 5.127
    tail = log_normal_limits(np.exp(values), np.ones(40))
    reach = 2.0227 * (1.0004 / 40 + 1.0004**2 / (2 * 39)) ** 0.5
    assert tail is not None
    assert (np.log(tail.low), np.log(tail.high)) == pytest.approx((5.6272 - reach, 5.6272 + reach), abs=1e-3)


def test_a_difference_of_independent_means_has_the_root_of_the_squares() -> None:
    """MOVER with symmetrical intervals is what is taught: 3 and 4 give 5; wholly correlated they leave 1."""
    one, other = Interval(7.0, 13.0), Interval(1.0, 9.0)
    apart, together = (of_difference(10.0, one, 5.0, other, correlation) for correlation in (0.0, 1.0))
    assert (apart.low, apart.high) == pytest.approx((0.0, 10.0))
    assert (together.low, together.high) == pytest.approx((4.0, 6.0))


def test_a_ratio_of_few_tries_has_no_interval() -> None:
    """Nineteen problems in one epoch; twenty, or five in four epochs, have one."""
    dollars = [0.001 * (1 + number % 3) for number in range(20)]
    assert bootstrap_ratio(dollars[:19], [1.0] * 19) is None
    assert bootstrap_ratio(dollars, [1.0] * 20) is not None
    assert bootstrap_ratio(dollars[:5], [1.0] * 5, tries=20) is not None


def test_limits_beyond_all_numbers_are_no_interval() -> None:
    """One problem that took nearly all of the dollars, and one of twenty that was solved."""
    assert bootstrap_ratio([1e9, *[1e-9] * 19], [1.0, *[0.0] * 19], positive=True) is None
    interval = bootstrap_ratio([1e3, *[1e-3] * 19], [*[0.5] * 19, 1.0], positive=True)
    assert interval is None or (interval.low > 0 and isfinite(interval.high))


@settings(deadline=None)
@given(st.lists(MICRODOLLARS, min_size=4, max_size=25), st.floats(0.01, 100))
def test_bootstrap_scales_with_the_unit(values: list[float], factor: float) -> None:
    """Cents and dollars give the same interval."""
    one, other = bootstrap_ratio(values), bootstrap_ratio([value * factor for value in values])
    assert (one is None) == (other is None)
    if one is not None and other is not None:
        assert (other.low, other.high) == pytest.approx((one.low * factor, one.high * factor), rel=1e-5, abs=1e-6)
