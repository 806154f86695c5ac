"""Where an arm's savings end."""

from __future__ import annotations

import random
from decimal import Decimal

import numpy as np
import pytest

from pytest_koderz.core.arm import Arm, ModelSettings
from pytest_koderz.evidence.break_even import Purchase, break_even_of, flip_of
from pytest_koderz.evidence.compare import compare
from pytest_koderz.evidence.problems import by_problem
from pytest_koderz.evidence.resampling import bootstrap_ratio
from pytest_koderz.evidence.savings import measured

from .experiments import ran

PROBLEMS = 60


def _drawn(seed: int, dearer: float = 1.0) -> tuple[list[float], list[float], list[float]]:
    """Dollars and hours of an arm with a tail, and dollars of its control."""
    rng = np.random.default_rng(seed)
    tries = rng.geometric(0.5, PROBLEMS)
    paid = 0.002 * dearer + 0.003 * (tries > 4)
    return list(paid), list(0.001 * tries * rng.uniform(0.5, 1.5, PROBLEMS)), list(rng.uniform(0.002, 0.006, PROBLEMS))


def _saves(times: float, sides: tuple[list[float], list[float], list[float]]) -> str:
    """What the interval of the savings says with the hours at that rate."""
    paid, hours, theirs = sides
    there = [one + times * each for one, each in zip(paid, hours, strict=True)]
    found = bootstrap_ratio(there, theirs, positive=True, tries=PROBLEMS)
    assert found is not None
    return "surely" if found.high < 1 else "surely not" if found.low > 1 else "perhaps"


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("dearer", [0.6, 1.0, 1.4, 1.8, 2.6])
def test_a_rate_is_sure_where_the_savings_are(seed: int, dearer: float) -> None:
    """And nowhere else: without the GPU as much as on both sides of either limit."""
    sides = _drawn(seed, dearer)
    paid, hours, theirs = sides
    flip = flip_of(paid, hours, theirs, [0.0] * PROBLEMS, PROBLEMS)
    assert flip is not None
    assert flip.times == pytest.approx((sum(theirs) - sum(paid)) / sum(hours))
    assert flip.interval is not None
    low, high = flip.interval.low, flip.interval.high
    assert _saves(0, sides) == ("surely" if low > 0 else "perhaps" if high > 0 else "surely not")
    # Problems of equal numbers may change places by the way, which moves a limit by what its resamples are worth.
    if low > 0:
        assert (_saves(0.97 * low, sides), _saves(1.03 * low, sides)) == ("surely", "perhaps")
    if high > 0:
        assert (_saves(0.97 * high, sides), _saves(1.03 * high, sides)) == ("perhaps", "surely not")
        assert low <= max(flip.times, 0) <= high


def test_what_costs_nothing_else_saves_from_the_first_hour_on() -> None:
    """Its limits are those of the control's dollars over the hours."""
    _, hours, theirs = _drawn(1)
    flip = flip_of([0.0] * PROBLEMS, hours, theirs, [0.0] * PROBLEMS, PROBLEMS)
    expected = bootstrap_ratio(theirs, hours, positive=True, tries=PROBLEMS)
    assert flip is not None
    assert flip.interval is not None
    assert expected is not None
    assert (flip.interval.low, flip.interval.high) == pytest.approx((expected.low, expected.high), rel=0.1)


def test_without_more_hours_there_is_no_rate() -> None:
    """The control's server was busy for longer, or neither was."""
    paid, hours, theirs = _drawn(1)
    assert flip_of(paid, hours, theirs, [2 * each for each in hours], PROBLEMS) is None
    assert flip_of(paid, [0.0] * PROBLEMS, theirs, [0.0] * PROBLEMS, PROBLEMS) is None


def test_what_is_the_same_everywhere_has_no_spread() -> None:
    """Each problem saves a cent for an hour."""
    flip = flip_of([0.01] * 50, [1.0] * 50, [0.02] * 50, [0.0] * 50, 50)
    assert flip is not None
    assert flip.interval is not None
    assert (flip.times, flip.interval.low, flip.interval.high) == pytest.approx((0.01, 0.01, 0.01))


@pytest.mark.parametrize("seed", range(12))
def test_costs_in_proportion_have_no_spread_either(seed: int) -> None:
    """Rounding alone puts the limits of what is 1 on one side of it."""
    rng = random.Random(seed)  # noqa: S311 - costs, not secrets
    sizes = [round(rng.random(), 3) + 0.001 for _ in range(60)]
    flip = flip_of([0.0109 * each for each in sizes], sizes, [0.0133 * each for each in sizes], [0.0] * 60, 60)
    assert flip is not None
    assert flip.interval is not None
    assert (flip.times, flip.interval.low, flip.interval.high) == pytest.approx([0.0024] * 3)


@pytest.mark.parametrize("spec", [None, "0.002"])
@pytest.mark.parametrize("rate", [None, Decimal(1), Decimal(9)])
def test_one_more_problem_at_the_cap_leaves_no_interval_of_prices(spec: str | None, rate: Decimal | None) -> None:
    """All sixty took an iteration or two, of 50 that there may be: the GPU-hours of one more would nearly double the
    sum, and no interval of the savings with the GPU is given.
    """
    model = ModelSettings("small", "ollama", "small")
    arm = [ran(n, solved_at=1 + (n % 7 == 0), price="0", spec=spec, gpu=2.0 + n % 3) for n in range(PROBLEMS)]
    control = [ran(n, "frontier-only", price=f"0.00{3 + n % 4}") for n in range(PROBLEMS)]
    spec_model = None if spec is None else model
    evens = {
        cap: compare(arm, control, 0.05, rate, [Arm("koderz", model, spec=spec_model, max_iterations=cap)]).break_even
        for cap in (5, 50)
    }
    short, capped = evens[5], evens[50]
    assert short is not None
    assert capped is not None
    assert short.rate_interval is not None
    assert (capped.rate_interval, capped.factor_interval) == (None, None)
    assert capped.rate == short.rate


def test_a_purchase_never_pays_where_nothing_is_surely_saved() -> None:
    """Of hours at no price: the later limit is never, the estimate stands."""
    arm = [ran(n, solved_at=1 + n % 5, price="0", spec=f"0.00{1 + n % 5}", gpu=36.0) for n in range(PROBLEMS)]
    control = [ran(n, "frontier-only", price=f"0.00{2 + n % 4}") for n in range(PROBLEMS)]
    mine, other = (list(by_problem(each).values()) for each in (arm, control))
    found = break_even_of(mine, other, None, sure_at=lambda _: True)
    assert found is not None
    assert measured(mine, other).share_interval is not None
    assert found.rate_interval is not None
    months = found.months_interval(Purchase(Decimal(2000), Decimal(200)))
    assert months is not None
    assert (months[1] is None) == (found.rate_interval.low == 0)
