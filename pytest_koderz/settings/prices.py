"""List prices of the frontier's models, offline."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING

from pytest_koderz.core.money import Price

if TYPE_CHECKING:
    from genai_prices.types import ModelPrice, TieredPrices


def price_of(provider: str, model: str, on: date) -> Price | None:
    """The list price of a provider's model on a day, from genai-prices; None where it is not known, never 0.

    Where a price depends on the prompt's length, that of short prompts is taken. Where cache prices are not published,
    cached tokens are taken at the price of input, which is never too low for reading; that of a write is the one kept
    for five minutes.
    """
    from genai_prices import data_snapshot

    if not model:
        return None
    try:
        _, found = data_snapshot.get_snapshot().find_provider_model(model, None, provider, None)
    except LookupError:
        return None
    prices = found.get_prices(datetime.combine(on, time(12), UTC))
    return _price(prices, on)


def price_source() -> str:
    """Where prices come from, for the header."""
    from importlib.metadata import version

    return f"genai-prices {version('genai-prices')}"


def _price(prices: ModelPrice, on: date) -> Price | None:
    """None where input or output has no price: what is sold by the image or the hour is not ours to guess."""
    into, out = _short(prices.input_mtok), _short(prices.output_mtok)
    if into is None or out is None:
        return None
    written, read = _short(prices.cache_write_mtok), _short(prices.cache_read_mtok)
    return Price(into, out, into if written is None else written, into if read is None else read, on, price_source())


def _short(price: Decimal | TieredPrices | None) -> Decimal | None:
    """The price of short prompts."""
    return price if price is None or isinstance(price, Decimal) else price.base
