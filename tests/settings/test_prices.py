"""List prices."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from pytest_koderz.backends.backend import NOT_LISTED, OWN_MACHINE, CostRule
from pytest_koderz.core.money import Usage, cost_of
from pytest_koderz.settings.prices import PriceBook, price_of, price_source
from pytest_koderz.settings.schema import ModelEntry, PriceEntry

DAY = date(2026, 11, 22)


def test_a_price_has_a_day_and_a_source() -> None:
    """Dollars per million tokens, for each of the four counts."""
    price = price_of("anthropic", "claude-sonnet-4-5", DAY)
    assert price is not None
    assert (price.input, price.output) == (Decimal(3), Decimal(15))
    assert (price.cache_write, price.cache_read) == (Decimal("3.75"), Decimal("0.3"))
    assert (price.as_of, price.source) == (DAY, price_source())
    assert price_source().startswith("genai-prices ")


def test_costs_follow_by_hand() -> None:
    """1,000 x 3 + 100 x 15 + 2,000 x 3.75 + 10,000 x 0.30 = 15,000 millionths of a dollar."""
    usage = Usage(1000, 100, 2000, 10_000)
    assert cost_of(usage, price_of("anthropic", "claude-sonnet-4-5", DAY)) == Decimal("0.015")


@pytest.mark.parametrize(
    ("provider", "model"),
    [("anthropic", "qwen-none"), ("anthropic", ""), ("nobody", "claude-sonnet-4-5"), ("ollama", "qwen2.5-coder:7b")],
)
def test_an_unknown_price_is_unknown(provider: str, model: str) -> None:
    """None, which is not zero."""
    assert price_of(provider, model, DAY) is None


def test_missing_cache_prices_are_those_of_input() -> None:
    """Claude 2 had no cache; tokens are then never counted too cheap."""
    price = price_of("anthropic", "claude-2", DAY)
    assert price is not None
    assert price.cache_read == price.cache_write == price.input == Decimal(8)


TODAY = date(2026, 11, 27)
BOOK = PriceBook(
    {"mine": PriceEntry(input=Decimal(1), output=Decimal(2), as_of=TODAY, source="me"), "given": "free"}, TODAY
)


def source_of(rule: CostRule, model: str, priced_as: str | None = None) -> str | None:
    price = BOOK.of_model(ModelEntry(backend="any", model=model, priced_as=priced_as), rule)
    return None if price is None else price.source


def test_a_price_of_the_users_own_comes_first() -> None:
    """Whatever the back end."""
    for rule in (OWN_MACHINE, NOT_LISTED, CostRule("anthropic")):
        assert source_of(rule, "mine") == "me"
        assert source_of(rule, "given") == "koderz.yaml"
        assert source_of(rule, "other", priced_as="mine") == "me"


def test_then_the_back_ends_rule_decides() -> None:
    """One's own machine is free, a service has its list, and what neither knows is unknown."""
    assert source_of(OWN_MACHINE, "claude-opus-5-5") == "runs on your own machine"
    assert source_of(CostRule("anthropic"), "claude-opus-5-5") == price_source()
    assert source_of(NOT_LISTED, "claude-opus-5-5") is None
    assert source_of(CostRule("anthropic"), "claude-zeta-99") is None


def test_a_name_at_another_place_says_nothing_of_the_price() -> None:
    """Such as `gpt-4` of a server of one's own; the name in `priced_as` does, and so does the user's own price."""
    elsewhere = CostRule("openai", elsewhere=True)
    assert source_of(CostRule("openai"), "gpt-4") == price_source()
    assert source_of(elsewhere, "gpt-4") is None
    assert source_of(elsewhere, "small", priced_as="gpt-4") == price_source()
    assert source_of(elsewhere, "mine") == "me"


def test_a_model_may_be_priced_as_a_frontiers() -> None:
    """By its name alone, also where the model itself runs at home."""
    for rule in (OWN_MACHINE, NOT_LISTED):
        assert source_of(rule, "small", priced_as="claude-opus-5-5") == price_source()
        assert source_of(rule, "small", priced_as="claude-zeta-99") is None


def test_a_cache_costs_as_much_as_input_unless_it_is_said() -> None:
    """Never less than it may."""
    price = BOOK.listed("", "mine")
    assert price is not None
    assert (price.cache_write, price.cache_read) == (Decimal(1), Decimal(1))


def test_long_prompts_have_their_own_price() -> None:
    """Claude Opus 4.6 cost twice as much beyond 200,000 tokens until 2026-03-13, cached ones counted in."""
    price = price_of("anthropic", "claude-opus-4-6", date(2026, 3, 1))
    assert price is not None
    short, long = Usage(150_000, 1000, cache_read=50_000), Usage(150_001, 1000, cache_read=50_000)
    assert cost_of(short, price) == Decimal("0.8")
    assert cost_of(long, price) == Decimal("1.587510")
