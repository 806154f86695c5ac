"""What --koderz-quote says of a run that is still to come, against figures of its own making."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from pytest_koderz.commands.earlier_runs import earlier_of
from pytest_koderz.commands.quote import quote_lines
from pytest_koderz.core.arm import Arm, ModelSettings
from pytest_koderz.core.money import Ledger, Spending, Usage
from pytest_koderz.records.conditions import conditions_of
from pytest_koderz.records.events import About, Began, Ended, Event, Head, line_of
from pytest_koderz.settings import Choice, Settings, load_settings
from tests.core.worlds import ADD
from tests.evidence.experiments import ran
from tests.recomputing import wilson

AT = "2026-11-01T10:00:00.000+00:00"
KODERZ_YAML = """
profile: two
control: strong
profiles: {two: {arms: [weak, strong], models: {}}}
arms: {weak: {local: dull}, strong: {local: bright, max_iterations: 1}}
models:
  dull: {backend: simulated, model: dull, priced_as: claude-haiku-5-5}
  bright: {backend: simulated, model: bright, priced_as: claude-opus-5-5}
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "koderz.yaml").write_text(KODERZ_YAML)
    return load_settings(None, tmp_path, {}, Choice())


def _earlier(arm: Arm) -> Arm:
    """As it was recorded on another day, at the same price."""
    price = arm.local.price
    assert price is not None
    before = replace(price, as_of=date(2026, 11, 1), source="genai-prices 0.0.1")
    return replace(arm, local=replace(arm.local, price=before, identity={"digest": "abc"}))


def _record(settings: Settings, arms: tuple[Arm, ...], problems: int = 20) -> None:
    """A benchmark: `weak` pays 2 cents where it solves and 4 where it does not, `strong` 10 cents."""
    lines = [line_of(Event(AT, Head(id="bench_00000001", arms=("weak", "strong"), definitions=arms)))]
    for number in range(problems):
        for arm, solved, cost in (("weak", number % 4 < 3, "0.02"), ("strong", number % 2 > 0, "0.10")):
            definition = next(each for each in arms if each.name == arm)
            dollars = Decimal(cost) * (1 if solved or arm == "strong" else 2)
            ledger = Ledger() + Spending("local", "m", 1, Usage(10, 10), dollars, 1.0)
            record = replace(ran(number, arm, 1 if solved else None), ledger=ledger, benchmark_id="bench_00000001")
            about = About(record.id, record.problem_id, arm)
            under = conditions_of(replace(ADD, id=record.problem_id), definition)
            lines += [line_of(Event(AT, what, about)) for what in (Began(AT, under), Ended(record))]
    folder = settings.folder / "bench_00000001"
    folder.mkdir(parents=True)
    (folder / "main.jsonl").write_bytes(b"".join(lines))


def test_an_earlier_benchmark_tells_also_of_another_day(settings: Settings) -> None:
    """Each day's list has its own date, which changes no arm. 20 problems: 15 at 2 cents and 5 at 4, 20 at 10; of each
    four problems `weak` alone solves the first and the third, and `strong` alone the last.
    """
    _record(settings, tuple(map(_earlier, settings.arms)))
    found = earlier_of(settings)
    assert found.dollars == {"weak": Decimal("0.025"), "strong": Decimal("0.1")}
    assert found.discordant is not None
    assert (found.discordant.low, found.discordant.high) == pytest.approx(wilson(15, 20))


def test_what_it_will_likely_cost_is_so_many_times_the_mean(settings: Settings) -> None:
    """50 experiments at 2.5 cents, and 50 at 10."""
    _record(settings, settings.arms)
    pairs = [(arm, replace(ADD, id=f"Sum/{number}")) for number in range(50) for arm in settings.arms]
    told = " ".join(line.replace("SIMULATED", "").strip() for line in quote_lines(settings, pairs))
    assert "likely, as bench_00000001 went: weak $1.2500, strong $5.0000" in " ".join(told.split())
    low, high = wilson(15, 20)
    assert f"on 50 problems, {low * 100:.0f} to {high * 100:.0f} % of them solved by one alone, as earlier" in told


def _other_model(model: ModelSettings) -> ModelSettings:
    return replace(model, options={"strength": 0.1})


def _dearer(model: ModelSettings) -> ModelSettings:
    assert model.price is not None
    return replace(model, price=replace(model.price, output=model.price.output * 2))


@pytest.mark.parametrize("change", [_other_model, _dearer])
def test_an_arm_that_has_changed_tells_nothing(
    settings: Settings, change: Callable[[ModelSettings], ModelSettings]
) -> None:
    """Another model under its name, or another price."""
    _record(settings, tuple(replace(arm, local=change(arm.local)) for arm in settings.arms))
    assert earlier_of(settings).dollars == {}
