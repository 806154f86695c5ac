"""How likely a conclusion is."""

from __future__ import annotations

import numpy as np
import pytest

from pytest_koderz.evidence.compare import Claim, claim_of
from pytest_koderz.evidence.intervals import mcnemar_exact
from pytest_koderz.evidence.power import Truth, chances
from pytest_koderz.evidence.tables import Pairs


@pytest.mark.parametrize(
    ("problems", "truth"), [(164, Truth(0.0, 0.1)), (60, Truth(-0.05, 0.2)), (60, Truth(0.1, 0.15))]
)
def test_chances_are_those_of_simulated_benchmarks(problems: int, truth: Truth) -> None:
    """Through the same claims as a summary's; 200 of them, 4 standard errors."""
    found, times = chances(problems, truth, 0.05), 200
    won, lost = (truth.discordant + truth.difference) / 2, (truth.discordant - truth.difference) / 2
    drawn = np.random.default_rng(3).multinomial(problems, [won, lost, 1 - won - lost], times).tolist()
    claims = [claim_of(Pairs(b, c, problems), mcnemar_exact(b, c), 0.05) for b, c, _ in drawn]
    for claim in Claim:
        share = found[claim]
        assert claims.count(claim) / times == pytest.approx(share, abs=4 * (share * (1 - share) / times) ** 0.5 + 0.003)
    assert sum(found.values()) == pytest.approx(1)


def test_equal_arms_match_on_164_problems_about_every_other_time() -> None:
    """With 10 % discordant pairs and 5 points; and an arm that is worse by these hardly ever does."""
    assert 0.45 < chances(164, Truth(0.0, 0.1), 0.05)[Claim.MATCHES] < 0.6
    for discordant in (0.05, 0.1, 0.2, 0.4):
        assert chances(164, Truth(-0.05, discordant), 0.05)[Claim.MATCHES] <= 0.025
        assert chances(164, Truth(0.0, discordant), 0.05)[Claim.BETTER] <= 0.025


def test_ten_thousand_problems_take_no_longer() -> None:
    """Only tables near what is expected are added up; equal arms match but for the 5 % that differ by chance."""
    assert chances(10_000, Truth(0.0, 0.1), 0.05)[Claim.MATCHES] > 0.95
