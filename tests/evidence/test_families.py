"""Several hypotheses share one level."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_koderz.evidence.families import holm


@pytest.mark.slow  # importing statsmodels alone takes seconds
@given(st.lists(st.floats(0, 0.1), min_size=1, max_size=12))
def test_holm_is_that_of_statsmodels(p_values: list[float]) -> None:
    """Rejections for any p-values, ties among them."""
    from statsmodels.stats.multitest import multipletests

    theirs = multipletests(p_values, alpha=0.025, method="holm")[0]
    assert holm(p_values, 0.025) == theirs.tolist()


def test_of_one_hypothesis_the_level_is_the_whole() -> None:
    """And of none nothing is rejected."""
    assert holm([0.025], 0.025) == [True]
    assert holm([], 0.025) == []


def test_the_level_of_a_look_takes_the_place_of_the_share() -> None:
    """Half of it at an early look, say."""
    assert holm([0.01, 0.02], 0.025, lambda share: share / 2) == [False, False]
    assert holm([0.006, 0.012], 0.025, lambda share: share / 2) == [True, True]
