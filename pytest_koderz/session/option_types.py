"""What the values of our options must be: argparse's `type=`, which names the option in its error.

Amounts stay the text that the user wrote: xdist carries no Decimal to its workers, and a float is not the same sum.
"""

from __future__ import annotations

from argparse import ArgumentTypeError
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from decimal import Decimal

AUTO = "auto"


def count(text: str) -> int:
    """A whole number of at least 1."""
    try:
        number = int(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is not a whole number such as 3") from None
    if number < 1:
        raise ArgumentTypeError(f"{number} is less than 1")
    return number


def count_or_auto(text: str) -> int | str:
    """A whole number of at least 1, or `auto`."""
    if text == AUTO:
        return text
    try:
        return count(text)
    except ArgumentTypeError as fault:
        raise ArgumentTypeError(f"{fault}, nor {AUTO}") from None


def part(text: str) -> str:
    """Which of how many parts, such as 2/8."""
    number, slash, parts = text.partition("/")
    if not (slash and number.isdecimal() and parts.isdecimal() and 1 <= int(number) <= int(parts)):
        raise ArgumentTypeError(f"{text!r} is no part of a whole such as 2/8")
    return f"{int(number)}/{int(parts)}"


def sum_of_dollars(text: str) -> str:
    """US dollars above 0."""
    amount = _number(text)
    if amount is None:
        raise ArgumentTypeError(f"{text!r} is not an amount of US dollars such as 2.50")
    if not (amount.is_finite() and amount > 0):
        raise ArgumentTypeError(f"{text} is not an amount of US dollars above 0")
    return text


def at_least_zero(text: str) -> str:
    """A number from 0."""
    amount = _number(text)
    if amount is None or not (amount.is_finite() and amount >= 0):
        raise ArgumentTypeError(f"{text!r} is not a number from 0")
    return text


def share(text: str) -> str:
    """A number from 0 to 1."""
    amount = _number(text)
    if amount is None or not (amount.is_finite() and 0 <= amount <= 1):
        raise ArgumentTypeError(f"{text!r} is not a number from 0 to 1")
    return text


def _number(text: str) -> Decimal | None:
    """None: it is no number."""
    from decimal import Decimal, InvalidOperation

    try:
        return Decimal(text)
    except InvalidOperation:
        return None
