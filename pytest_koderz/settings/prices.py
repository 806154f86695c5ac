"""What a model costs: by koderz.yaml, by the rule of its back end, or by the price list, offline."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Literal

from pytest_koderz.backends.backend import CostRule
from pytest_koderz.core.money import Price, Rates

from .schema import ModelEntry, PriceEntry

if TYPE_CHECKING:
    from genai_prices.types import ModelPrice, TieredPrices


FRONTIER_PROVIDER = "anthropic"
"""Whose price list is asked for a name that belongs to no back end: a `control_model`, a `priced_as`."""


@dataclass(frozen=True, slots=True)
class PriceBook:
    """The section `prices` of koderz.yaml, and the price list behind it."""

    entries: Mapping[str, PriceEntry | Literal["free"]]
    today: date

    def of_model(self, entry: ModelEntry, rule: CostRule) -> Price | None:
        """None: not known. What runs on the user's own machine is free where nobody says otherwise."""
        if entry.priced_as is None and entry.model not in self.entries and rule.own_machine:
            return self._free("runs on your own machine")
        provider = rule.provider or (FRONTIER_PROVIDER if entry.priced_as else "")
        if rule.elsewhere and entry.priced_as is None:
            provider = ""
        return self.listed(provider, entry.priced_as or entry.model)

    def listed(self, provider: str, model: str) -> Price | None:
        """The user's own price before the provider's."""
        own = self.entries.get(model)
        if own == "free":
            return self._free("koderz.yaml")
        if own is not None:
            return _price_of_entry(own)
        return price_of(provider, model, self.today) if provider else None

    def _free(self, source: str) -> Price:
        zero = Decimal(0)
        return Price(zero, zero, zero, zero, self.today, source)


def _price_of_entry(own: PriceEntry) -> Price:
    write = own.input if own.cache_write is None else own.cache_write
    read = own.input if own.cache_read is None else own.cache_read
    return Price(own.input, own.output, write, read, own.as_of, own.source)


def price_of(provider: str, model: str, on: date) -> Price | None:
    """The list price of a provider's model on a day, from genai-prices; None where it is not known, never 0.

    Where cache prices are not published, cached tokens are taken at the price of input, which is never too low for
    reading; that of a write is the one kept for five minutes.
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
    short = _rates(prices, -1)
    if short is None:
        return None
    longer = tuple(rates for above in _lengths(prices) if (rates := _rates(prices, above)) is not None)
    return Price(short.input, short.output, short.cache_write, short.cache_read, on, price_source(), longer)


def _rates(prices: ModelPrice, above: int) -> Rates | None:
    """Those of prompts just longer than *above*."""
    into, out = _at(prices.input_mtok, above), _at(prices.output_mtok, above)
    if into is None or out is None:
        return None
    written, read = _at(prices.cache_write_mtok, above), _at(prices.cache_read_mtok, above)
    return Rates(above, into, out, into if written is None else written, into if read is None else read)


def _lengths(prices: ModelPrice) -> list[int]:
    """The prompt lengths, in tokens, beyond which any of the four prices is another."""
    kinds = (prices.input_mtok, prices.output_mtok, prices.cache_write_mtok, prices.cache_read_mtok)
    return sorted({tier.start for price in kinds for tier in getattr(price, "tiers", ())})


def _at(price: Decimal | TieredPrices | None, above: int) -> Decimal | None:
    if price is None or isinstance(price, Decimal):
        return price
    return next((tier.price for tier in reversed(price.tiers) if tier.start <= above), price.base)
