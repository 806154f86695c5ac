"""The most that a call can cost, before or without its answer."""

from __future__ import annotations

from decimal import Decimal

from .arm import ModelSettings
from .money import MILLION, Price
from .ports import Prompt

TOKENS_BESIDE = 128
"""Tokens that a server's template may add to a prompt: marks of turns, a date, a line of its own."""


def prompt_tokens(prompt: Prompt) -> int:
    """More tokens than any of the models' tokenizers makes of *prompt*: none makes a token of less than a byte."""
    return len((prompt.system + prompt.user).encode(errors="surrogatepass")) + TOKENS_BESIDE


def bound_of(prompt: Prompt, settings: ModelSettings, price: Price) -> Decimal:
    """The US dollars that one sending of *prompt* cannot pass: the dearest way to read it, and the longest reply."""
    longest = prompt_tokens(prompt)
    return (
        max(
            longest * max(rates.input, rates.cache_write, rates.cache_read) + settings.max_tokens * rates.output
            for rates in (price.rates(0), *price.longer)
            if rates.above < longest
        )
        / MILLION
    )
