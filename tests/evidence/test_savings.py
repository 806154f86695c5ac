"""What is saved, and what it rests on."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_koderz.core.arm import Arm, ModelSettings
from pytest_koderz.core.experiment import Status
from pytest_koderz.core.money import Price, Usage
from pytest_koderz.evidence import ControlEstimate, compare, estimate_control, estimated
from pytest_koderz.evidence.caps import dearest_of
from pytest_koderz.evidence.intervals import Interval
from pytest_koderz.evidence.problems import by_problem
from pytest_koderz.evidence.resampling import bootstrap_ratio
from tests.evidence.experiments import ran

PRICE = Price(Decimal(3), Decimal(15), Decimal("3.75"), Decimal("0.30"), date(2026, 11, 1), "genai-prices")
EACH = Usage(input=500, output=200)


def test_savings_are_control_minus_arm() -> None:
    """Sixty problems at 1 against 4 thousandths: three quarters saved, and the limits say so too."""
    arm = [ran(number, price="0.001") for number in range(60)]
    savings = compare(arm, [ran(number, "frontier", price="0.004") for number in range(60)]).savings
    assert (savings.kind, savings.problems, savings.assumption) == ("measured", 60, "")
    assert (savings.dollars, savings.share) == (Decimal("0.180"), 0.75)
    assert savings.interval is not None
    assert savings.share_interval is not None
    assert (savings.interval.low, savings.share_interval.high) == pytest.approx((0.18, 0.75))


def test_few_problems_leave_the_share_without_an_interval() -> None:
    """It would be called one of 95 % and not be it; the share itself is what was measured."""
    arm = [ran(number, price="0.001") for number in range(59)]
    savings = compare(arm, [ran(number, "frontier", price="0.004") for number in range(59)]).savings
    assert savings.share == 0.75
    assert savings.share_interval is None


def test_epochs_make_experiments_enough() -> None:
    """Ten problems in six epochs are sixty experiments: an interval, wider than the plain bootstrap."""
    prices = [f"0.00{1 + number % 7}" for number in range(10)]
    arm = [ran(n, price=price, epoch=epoch) for n, price in enumerate(prices) for epoch in range(1, 7)]
    control = [ran(n, "frontier", price="0.004", epoch=epoch) for n in range(10) for epoch in range(1, 7)]
    savings = compare(arm, control).savings
    paid = [float(price) for price in prices]
    sixty, many = (bootstrap_ratio(paid, [0.004] * 10, positive=True, tries=tries) for tries in (60, 10**6))
    assert savings.experiments == 60
    assert savings.share_interval is not None
    assert sixty is not None
    assert many is not None
    assert savings.share_interval == Interval(1 - sixty.high, 1 - sixty.low)
    assert sixty.width > many.width


def test_savings_can_be_negative() -> None:
    """A spec that costs more than the answer."""
    prices = ["0.010", "0.011", "0.012", "0.013", "0.014", "0.015"]
    arm = [ran(number, price="0", spec=price) for number, price in enumerate(prices * 10)]
    savings = compare(arm, [ran(number, "frontier", price="0.003") for number in range(60)]).savings
    assert savings.dollars == Decimal("-0.570")
    assert savings.share == pytest.approx(-0.057 / 0.018)
    assert savings.interval is not None
    assert savings.interval.high < 0


def test_free_control_leaves_no_share() -> None:
    """A per cent of nothing is undefined; the dollars are not."""
    arm = [ran(number, price="0.001") for number in range(6)]
    savings = compare(arm, [ran(number, "local-only", price="0") for number in range(6)]).savings
    assert savings.dollars == Decimal("-0.006")
    assert savings.share is None
    assert savings.share_interval is None


def test_one_unknown_price_makes_the_savings_unknown() -> None:
    """On either side."""
    known, unknown = [ran(1), ran(2)], [ran(1, price=None), ran(2)]
    for savings in (compare(known, unknown).savings, compare(unknown, known).savings):
        assert savings.dollars is None
        assert savings.share is None
        assert savings.interval is None


def test_one_problem_has_savings_without_an_interval() -> None:
    """Nothing is known of how they vary."""
    savings = compare([ran(1)], [ran(1, "frontier", price="0.004")]).savings
    assert savings.dollars == Decimal("0.003")
    assert savings.interval is None


def test_epochs_count_with_their_mean() -> None:
    """Three epochs of the arm against one of the control: still one problem, once."""
    arm = [ran(1, price=price, epoch=epoch) for epoch, price in enumerate(["0.001", "0.002", "0.003"], start=1)]
    savings = compare(arm, [ran(1, "frontier", price="0.004")]).savings
    assert (savings.arm_dollars, savings.control_dollars) == (Decimal("0.002"), Decimal("0.004"))


def test_savings_with_a_local_rate_count_the_gpu_too() -> None:
    """Free tokens save everything; at a dollar an hour the GPU costs more than the frontier."""
    arm = [ran(number, price="0", gpu=3600.0) for number in range(6)]
    control = [ran(number, "frontier", price="0.25") for number in range(6)]
    comparison = compare(arm, control, local_rate=Decimal(1))
    assert comparison.savings.share == 1
    assert comparison.savings_with_gpu is not None
    assert comparison.savings_with_gpu.dollars == Decimal("-4.50")
    assert compare(arm, control).savings_with_gpu is None


def test_more_than_everything_cannot_be_saved() -> None:
    """One problem took nearly all dollars: the limits stay below 100 %, or there are none, and it is told why."""
    arm = [ran(number, price="0.001") for number in range(59)] + [ran(59, price="0.5")]
    savings = compare(arm, [ran(number, "frontier", price="0.004") for number in range(60)]).savings
    assert savings.dearest == pytest.approx(0.5 / 0.559)
    assert savings.share_interval is None or savings.share_interval.high < 1
    assert (savings.share_interval is None) == bool(savings.why_none)


def test_what_one_more_problem_at_the_cap_would_change() -> None:
    """All sixty were solved by the first reply, whose price varies little; one that takes all of 50 would cost as much
    as they did together. No interval of what was seen can know of it.
    """
    model = ModelSettings("small", "ollama", "small")
    arm = [ran(number, price=f"0.00{1 + number % 3}") for number in range(60)]
    control = [ran(number, "frontier", price="0.004") for number in range(60)]
    capped = compare(arm, control, definitions=[Arm("koderz", model, max_iterations=50)]).savings
    assert capped.share == pytest.approx(0.5)
    assert capped.one_more == pytest.approx(1 - (0.12 + 50 * 0.002) / (0.24 * 61 / 60))
    assert (capped.share_interval, capped.interval) == (None, None)
    assert capped.why_none == "one more problem at the cap would leave it"
    short = compare(arm, control, definitions=[Arm("koderz", model, max_iterations=2)]).savings
    assert short.share_interval is not None
    assert short.one_more is not None
    assert short.one_more in short.share_interval


def test_a_checkpoint_that_nobody_came_to_is_priced_like_the_spec() -> None:
    """Nine of them come in 50 iterations, and the fallback after that."""
    model = ModelSettings("small", "ollama", "small")
    arm = Arm("koderz", model, spec=model, checkpoint=model, fallback=model)
    tries = list(by_problem([ran(number, price="0", spec="0.01") for number in range(3)]).values())
    assert dearest_of(tries, [arm]) == pytest.approx(0.01 + 9 * 0.01 + 0.01)
    assert dearest_of(tries, []) == pytest.approx(0.01)


def test_free_tokens_save_everything_and_have_no_interval() -> None:
    """What they cost is the GPU, which is not counted."""
    arm = [ran(number, price="0") for number in range(60)]
    savings = compare(arm, [ran(number, "frontier", price="0.004") for number in range(60)]).savings
    assert savings.free
    assert (savings.share, savings.share_interval, savings.interval) == (1.0, None, None)


def test_estimate_says_what_it_assumes() -> None:
    """Tokens, model, price, its day and source, in one line."""
    control = estimate_control("claude-opus-5-5", PRICE, EACH)
    assert control.dollars_per_problem == Decimal("0.0045")
    assert control.assumption == (
        "assuming 500 tokens in and 200 out per problem in one try by claude-opus-5-5 "
        "at its list price of 2026-11-01 (genai-prices)"
    )


def test_estimated_savings_count_settled_problems() -> None:
    """What was invalid would have cost the frontier something too, but nothing is known of it here."""
    control = estimate_control("claude-opus-5-5", PRICE, EACH)
    arm = [ran(1), ran(2, solved_at=None, tried=3), ran(3, solved_at=None, status=Status.INVALID)]
    savings = estimated(arm, control)
    assert (savings.kind, savings.problems, savings.assumption) == ("estimate", 2, control.assumption)
    assert savings.dollars == Decimal("0.009") - Decimal("0.004")
    assert savings.interval is None


def test_estimate_without_a_price_is_unknown_and_says_so() -> None:
    """Never a saving of everything."""
    savings = estimated([ran(1)], estimate_control("new-model", None, EACH))
    assert savings.dollars is None
    assert savings.share is None
    assert savings.assumption.endswith("whose price is not known")


def test_estimate_of_nothing_settled_is_unknown() -> None:
    """No problem, no saving."""
    assert estimated([], ControlEstimate(Decimal(1), "assuming a dollar")).dollars is None


prices = st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), min_size=1, max_size=12)


@settings(deadline=None)
@given(prices)
def test_savings_add_up_and_mirror(pairs: list[tuple[int, int]]) -> None:
    """What one arm saves the other loses, and the interval holds the figure."""
    arm = [ran(number, price=str(ours)) for number, (ours, _) in enumerate(pairs)]
    control = [ran(number, "frontier", price=str(theirs)) for number, (_, theirs) in enumerate(pairs)]
    savings, mirror = compare(arm, control).savings, compare(control, arm).savings
    assert savings.dollars == sum(theirs - ours for ours, theirs in pairs)
    assert mirror.dollars is not None
    assert savings.dollars == -mirror.dollars
    if savings.interval is not None:
        assert savings.interval.low - 1e-9 <= float(savings.dollars) <= savings.interval.high + 1e-9
