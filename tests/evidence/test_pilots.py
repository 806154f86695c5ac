"""How many problems a conclusion would take."""

from __future__ import annotations

import numpy as np
import pytest

from pytest_koderz.evidence.compare import claim_of
from pytest_koderz.evidence.intervals import mcnemar_exact
from pytest_koderz.evidence.pilots import LEAST, needed_of
from pytest_koderz.evidence.tables import Pairs


def _claimed(shares: list[float], size: int, times: int) -> float:
    """The share of benchmarks of *size* problems that come to a claim."""
    drawn = np.random.default_rng(1).multinomial(size, [*shares, 1 - sum(shares)], times)[:, :2].tolist()
    claims = [claim_of(Pairs(won, lost, size), mcnemar_exact(won, lost), 0.05) for won, lost in drawn]
    return sum(claim != "inconclusive" for claim in claims) / times


def test_few_problems_do_not_tell() -> None:
    """From 10 or 20 problems such a number was right in one case of four."""
    assert needed_of(Pairs(1, 1, LEAST - 1), LEAST - 1, 0.05) is None
    assert needed_of(Pairs(1, 1, LEAST), LEAST, 0.05) is not None


def test_the_lower_number_agrees_with_the_formula() -> None:
    """Discordant 20 %, no difference, 5 points, 80 % power: (1.95996 * 0.4554 + 0.84162 * 0.4472)^2 / 0.05^2 = 643.8.

    0.4472 is the root of 0.2. At the limit q = 0.12995 lost and q - 0.05 won are likeliest (10 / (q - 0.05) + 10 / q =
    160 / (1.05 - 2 q)), of which 2 q - 0.05 - 0.05^2 = 0.4554^2 is the variance. It is rounded upwards to two digits.
    """
    needed = needed_of(Pairs(10, 10, 100), 100, 0.05)
    assert needed is not None
    assert needed.low == 650
    assert needed.high is not None
    assert needed.high > 1000


@pytest.mark.parametrize("table", [(1, 1, 64), (4, 2, 61), (10, 12, 154)])
def test_the_lower_number_has_its_power_where_the_shares_stay_as_they_are(table: tuple[int, int, int]) -> None:
    """Of benchmarks with so many problems about four in five come to a claim, or more."""
    won, lost, size = table
    needed = needed_of(Pairs(*table), size, 0.05)
    assert needed is not None
    assert _claimed([won / size, lost / size], needed.low, 200) > 0.72


def test_a_match_that_the_floor_forbids_is_no_conclusion() -> None:
    """Then a difference must be shown, which takes more."""
    low, high = (needed_of(Pairs(4, 2, 60), 60, 0.05, may_match=may) for may in (True, False))
    assert low is not None
    assert high is not None
    assert high.low > low.low


def test_no_margin_and_no_difference_never_come_to_an_end() -> None:
    """No number of problems shows that two equal arms differ."""
    assert needed_of(Pairs(2, 2, 60), 60, 0.0) is None
