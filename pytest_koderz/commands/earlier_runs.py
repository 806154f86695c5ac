"""What earlier benchmarks tell of one that is still to be run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from pytest_koderz.core.arm import Arm
from pytest_koderz.core.money import Price, total
from pytest_koderz.evidence.compare import compare
from pytest_koderz.evidence.intervals import Interval, wilson
from pytest_koderz.evidence.problems import by_arm, cost_of, settled_of
from pytest_koderz.files.usage_error import UsageError
from pytest_koderz.records.conditions import conditions_of, unlike
from pytest_koderz.records.reader import Archived, archived, folders_in
from pytest_koderz.settings import Settings

ENOUGH = 10
"""Problems from which an earlier benchmark tells anything."""
LATEST = 10
"""Benchmarks that are looked at."""


@dataclass(frozen=True, slots=True)
class Earlier:
    """From the latest benchmark in which the same arms, by definition, settled enough problems."""

    dollars: Mapping[str, Decimal]
    """Of one experiment, by arm, on average."""
    benchmarks: tuple[str, ...]
    """Which these were."""
    discordant: Interval | None
    """The share of problems that the first arm or the control alone solves. None: no benchmark tells."""


def earlier_of(settings: Settings) -> Earlier:
    """What cannot be read tells nothing."""
    dollars: dict[str, Decimal] = {}
    names: list[str] = []
    discordant: Interval | None = None
    for benchmark in _latest(settings):
        groups = by_arm(benchmark.experiments)
        same = [arm for arm in settings.arms if any(_is_same(was, arm) for was in benchmark.head.definitions)]
        settled = {arm.name: settled_of(groups.get(arm.name, ())) for arm in same}
        for name, ended in settled.items():
            cost = total(map(cost_of, ended))
            if name not in dollars and len(ended) >= ENOUGH and cost is not None:
                dollars[name] = cost / len(ended)
                names += [benchmark.id] if benchmark.id not in names else []
        first = next((arm.name for arm in settings.arms if arm.name != settings.control), "")
        if discordant is None and first in settled and settings.control in settled:
            found = compare(settled[first], settled[settings.control], settings.margin)
            if found.problems >= ENOUGH:
                discordant = wilson(found.only_arm + found.only_control, found.problems)
    return Earlier(dollars, tuple(names), discordant)


def _is_same(was: Arm, arm: Arm) -> bool:
    """Under the same conditions and at the same prices, whichever day's list these are from; what the servers said
    counts only where they were asked.
    """
    alike = was.name == arm.name and not unlike(conditions_of(None, was), conditions_of(None, arm))
    return alike and _prices(was) == _prices(arm)


def _prices(arm: Arm) -> list[Price | None]:
    prices = [model.price for _, model in arm.cast]
    return [None if price is None else replace(price, as_of=date.min, source="") for price in prices]


def _latest(settings: Settings) -> Iterator[Archived]:
    if settings.folder.is_dir():
        for folder in folders_in(settings.folder)[:LATEST]:
            with suppress(UsageError):
                yield archived(folder)
