"""The values of our options: what is taken, and what a user is told of the rest."""

from __future__ import annotations

from argparse import ArgumentTypeError
from collections.abc import Callable

import pytest

from pytest_koderz.session.option_types import at_least_zero, count, share, sum_of_dollars

Type = Callable[[str], object]


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (count, "1", 1),
        (count, "164", 164),
        (sum_of_dollars, "2.50", "2.50"),
        (sum_of_dollars, "1e-3", "1e-3"),
        (at_least_zero, "0", "0"),
        (at_least_zero, "12", "12"),
        (share, "0", "0"),
        (share, "0.85", "0.85"),
        (share, "1", "1"),
    ],
)
def test_what_is_taken(kind: Type, text: str, value: object) -> None:
    """Amounts stay as they were written: xdist carries no Decimal, and a float is not the same sum."""
    assert kind(text) == value


@pytest.mark.parametrize(
    ("kind", "text", "message"),
    [
        (count, "0", "0 is less than 1"),
        (count, "-1", "-1 is less than 1"),
        (count, "1.5", "'1.5' is not a whole number such as 3"),
        (count, "", "'' is not a whole number such as 3"),
        (sum_of_dollars, "much", "'much' is not an amount of US dollars such as 2.50"),
        (sum_of_dollars, "0", "0 is not an amount of US dollars above 0"),
        (sum_of_dollars, "nan", "nan is not an amount of US dollars above 0"),
        (sum_of_dollars, "inf", "inf is not an amount of US dollars above 0"),
        (at_least_zero, "-3", "'-3' is not a number from 0"),
        (at_least_zero, "NaN", "'NaN' is not a number from 0"),
        (at_least_zero, "sNaN", "'sNaN' is not a number from 0"),
        (at_least_zero, "cheap", "'cheap' is not a number from 0"),
        (share, "85", "'85' is not a number from 0 to 1"),
        (share, "-0.1", "'-0.1' is not a number from 0 to 1"),
        (share, "most", "'most' is not a number from 0 to 1"),
    ],
)
def test_what_is_refused(kind: Type, text: str, message: str) -> None:
    """With what would be right; argparse names the option."""
    with pytest.raises(ArgumentTypeError) as caught:
        kind(text)
    assert str(caught.value) == message
