"""The score interval of a bounded mean, against the two that it generalizes."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_koderz.evidence.bounded_means import limits_of, sample_of, score_of
from pytest_koderz.evidence.intervals import paired_difference, quantile, wilson

Z = quantile(0.95)
shares = st.lists(st.integers(0, 10).map(lambda tenths: tenths / 10), min_size=1, max_size=60)


@settings(deadline=None)
@given(st.integers(0, 200), st.integers(0, 200))
def test_of_single_tries_it_is_wilsons(solved: int, unsolved: int) -> None:
    """Values of 0 and 1 alone."""
    theirs = wilson(solved, solved + unsolved)
    if theirs is not None:
        ours = limits_of(sample_of([(1.0, 1)] * solved + [(0.0, 1)] * unsolved), Z)
        assert ours == pytest.approx((theirs.low, theirs.high), abs=1e-8)


@settings(deadline=None)
@given(st.integers(0, 20), st.integers(0, 20), st.integers(0, 100))
def test_of_single_pairs_it_is_tangos(won: int, lost: int, even: int) -> None:
    """Differences of -1, 0 and 1 alone."""
    if won + lost + even:
        low, high = limits_of(sample_of([(1.0, 1)] * won + [(0.0, 1)] * lost + [(0.5, 1)] * even), Z)
        theirs = paired_difference(won, lost, won + lost + even)
        assert (2 * low - 1, 2 * high - 1) == pytest.approx((theirs.low, theirs.high), abs=1e-8)


@settings(deadline=None)
@given(shares)
def test_limits_hold_the_mean_and_are_mirrored(values: list[float]) -> None:
    """They lie within the bounds, and what is lost in place of won exchanges them."""
    sample = sample_of((value, 1) for value in values)
    low, high = limits_of(sample, Z)
    assert 0 <= low <= sample.mean + 1e-9
    assert sample.mean - 1e-9 <= high <= 1
    assert limits_of(sample.mirrored, Z) == pytest.approx((1 - high, 1 - low), abs=1e-8)


@settings(deadline=None)
@given(shares, st.floats(0.01, 0.99), st.floats(0.01, 0.99))
def test_score_falls_with_the_mean_that_is_held_against_the_sample(
    values: list[float], one: float, other: float
) -> None:
    """So that an interval is what its limits enclose."""
    sample = sample_of((value, 1) for value in values)
    assert score_of(sample, min(one, other)) >= score_of(sample, max(one, other)) - 1e-6


def test_what_weighs_more_counts_as_fewer_problems() -> None:
    """Kish: of weights 1, 1 and 2 the effective number is 16 / 6."""
    sample = sample_of([(0.0, 1), (1.0, 1), (1.0, 2)])
    assert (sample.mean, sample.size) == pytest.approx((0.75, 16 / 6))
