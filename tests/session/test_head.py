"""What a benchmark says of itself."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from pytest_koderz.core.arm import Arm
from pytest_koderz.core.money import Price
from pytest_koderz.files.usage_error import UsageError
from pytest_koderz.records.codec import value_of
from pytest_koderz.records.events import Head
from pytest_koderz.session.head import definitions_of, head_of
from pytest_koderz.settings import Choice, Settings, load_settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(None, tmp_path, {}, Choice(profile="simulated"))


def priced(settings: Settings, amount: str) -> Settings:
    """The same with another price of another day."""
    dollars = Decimal(amount)
    price = Price(dollars, dollars, dollars, dollars, date(2027, 1, 1), "a test")
    return replace(settings, arms=tuple(_priced(arm, price) for arm in settings.arms))


def _priced(arm: Arm, price: Price) -> Arm:
    return replace(arm, local=replace(arm.local, price=price))


def test_settings_are_the_same_on_any_day_and_at_any_price(settings: Settings) -> None:
    """A limit makes another benchmark of them."""
    digest = head_of(settings, "bench_1")["settings"]
    assert head_of(priced(settings, "7"), "bench_1")["settings"] == digest
    assert head_of(replace(settings, epochs=9), "bench_1")["settings"] != digest


def test_arms_are_recorded_as_they_are(settings: Settings) -> None:
    """With prices, so that later questions need no koderz.yaml."""
    head = value_of(Head, {**head_of(settings, "bench_1"), **definitions_of(settings)})
    assert head.definitions == settings.arms
    assert (head.control_model, head.control_price) == (settings.control_model, settings.control_price)
    assert (head.timeout, head.memory_mb, head.strict) == (5.0, 1024, False)
    assert head.prompts.keys() == {"spec", "code", "checkpoint"}


def test_what_no_record_can_hold_is_refused_before_anything_is_spent(settings: Settings) -> None:
    """Named as it stands in koderz.yaml."""
    with pytest.raises(
        UsageError, match=r"koderz.yaml: arms.koderz.local.price.input: must be a decimal number within"
    ):
        definitions_of(priced(settings, "1E+999999999"))
