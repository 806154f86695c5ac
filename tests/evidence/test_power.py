"""How likely a conclusion is."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from scipy.stats import binom, multinomial

from pytest_koderz.evidence.compare import Claim, claim_of
from pytest_koderz.evidence.intervals import mcnemar_exact
from pytest_koderz.evidence.power import Truth, chances
from pytest_koderz.evidence.tables import Pairs
from tests.recomputing import Table, first_claim


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


@pytest.mark.parametrize(
    ("problems", "truth", "margin"),
    [
        (30, Truth(0.0, 0.1), 0.1),
        (30, Truth(-0.2, 0.3), 0.1),
        (24, Truth(0.25, 0.4), 0.2),
        (30, Truth(-0.05, 0.05), 0.05),
    ],
)
def test_chances_are_those_of_an_independent_sum(problems: int, truth: Truth, margin: float) -> None:
    """Over each table that there is, by scipy's multinomial and tests that are written anew: Tango's score, McNemar's
    exact test and the exact unconditional one.
    """
    won, lost = (truth.discordant + truth.difference) / 2, (truth.discordant - truth.difference) / 2
    found = dict.fromkeys(map(str, Claim), 0.0)
    for b, c in product(range(problems + 1), repeat=2):
        if b + c <= problems:
            chance = float(multinomial.pmf([b, c, problems - b - c], problems, [won, max(lost, 0), 1 - won - lost]))
            found[_claim_of(b, c, problems, margin)] += chance
    assert {str(claim): share for claim, share in chances(problems, truth, margin).items()} == pytest.approx(
        found, abs=1e-6
    )


def _claim_of(b: int, c: int, problems: int, margin: float) -> str:
    tied = [((0, 1), (0, 1))] * (problems - b - c)
    return first_claim(Table((*[((1, 1), (0, 1))] * b, *[((0, 1), (1, 1))] * c, *tied)).p_values(margin), 0.025)


def test_better_and_worse_have_the_power_that_is_worked_out_by_hand() -> None:
    """Of 20 problems that all are discordant, 15 or more must be won for p = 0.041: a binomial tail."""
    found = chances(20, Truth(0.4, 1.0), 0.05)
    assert found[Claim.BETTER] == pytest.approx(float(binom.sf(14, 20, 0.7)), abs=1e-6)
    assert found[Claim.WORSE] == pytest.approx(float(binom.cdf(5, 20, 0.7)), abs=1e-6)


def test_equal_arms_match_on_164_problems_about_every_other_time() -> None:
    """With 10 % discordant pairs and 5 points; and an arm that is worse by these hardly ever does."""
    assert 0.45 < chances(164, Truth(0.0, 0.1), 0.05)[Claim.MATCHES] < 0.6
    for discordant in (0.05, 0.1, 0.2, 0.4):
        assert chances(164, Truth(-0.05, discordant), 0.05)[Claim.MATCHES] <= 0.025
        assert chances(164, Truth(0.0, discordant), 0.05)[Claim.BETTER] <= 0.025


def test_ten_thousand_problems_take_no_longer() -> None:
    """Only tables near what is expected are added up; equal arms match but for the 5 % that differ by chance."""
    assert chances(10_000, Truth(0.0, 0.1), 0.05)[Claim.MATCHES] > 0.95
