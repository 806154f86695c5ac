"""Tokens, prices and the ledger."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from pytest_koderz.core.money import Ledger, Price, Spending, Usage, cost_of, total

from .worlds import PRICE

usages = st.builds(Usage, *[st.integers(0, 10**7)] * 4)


def test_each_kind_of_token_has_its_own_price() -> None:
    """A million of each: 4 + 20 + 5 + 0.2 dollars."""
    million = 1_000_000
    assert cost_of(Usage(million, million, million, million), PRICE) == Decimal("29.2")


def test_an_unknown_price_is_an_unknown_cost() -> None:
    """Never 0, and no sum with it is known."""
    assert cost_of(Usage(1, 1), None) is None
    assert total([Decimal(1), None]) is None
    known = Spending("local", "a", 1, Usage(1, 1), Decimal(1), 1.0)
    unknown = Spending("spec", "b", 1, Usage(1, 1), None, 1.0)
    assert (Ledger() + known + unknown).cost is None
    assert (Ledger() + known + unknown).of_role("local").cost == 1


def test_an_empty_ledger_cost_nothing() -> None:
    """Nothing was called, so the sum is known."""
    assert Ledger().cost == 0


@given(st.lists(usages, max_size=8))
def test_costs_add_up_without_loss(parts: list[Usage]) -> None:
    """The cost of a sum is the sum of the costs, to the last digit."""
    whole = sum(parts, Usage())
    assert cost_of(whole, PRICE) == total(cost_of(part, PRICE) for part in parts)


def test_cached_tokens_are_part_of_the_prompt() -> None:
    """`prompt` counts all that went in; the four counts do not overlap."""
    assert Usage(1, 2, 3, 4).prompt == 8


def test_a_ledger_adds_rows_of_the_same_role_and_model() -> None:
    """Rows stay apart by role and model."""
    free = Price(Decimal(0), Decimal(0), Decimal(0), Decimal(0), date(2026, 1, 1), "a test")
    rows = [Spending(role, "m", 1, Usage(5, 5), cost_of(Usage(5, 5), free), 1.0) for role in ("spec", "local", "local")]
    ledger = Ledger()
    for row in rows:
        ledger = ledger + row
    assert [(row.role, row.calls) for row in ledger.spendings] == [("spec", 1), ("local", 2)]
    assert ledger.usage == Usage(15, 15)
