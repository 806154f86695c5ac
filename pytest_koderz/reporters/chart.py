"""Solved against dollars, as the coordinates of a drawing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import floor, log10

from pytest_koderz.evidence.arms import ArmFigures
from pytest_koderz.evidence.spending import Step

WIDTH, HEIGHT = 640, 300
LEFT, RIGHT, TOP, BOTTOM = 52, 130, 12, 34
"""Margins, which hold the labels."""
TICKS = 4
"""About how many labels the axis of dollars has."""
_STEPS = {0.0: 25, 0.25: 25, 0.5: 10, 0.75: 5}
"""Shares at which an axis may begin, with the percents between two of its labels."""


@dataclass(frozen=True, slots=True)
class Line:
    """An arm's way, with a corner at each step of the loop."""

    arm: str
    points: tuple[tuple[float, float], ...]
    interval: tuple[float, float] | None
    """The heights between which the share of solved lies at the end."""

    @property
    def end(self) -> tuple[float, float]:
        return self.points[-1]


@dataclass(frozen=True, slots=True)
class Chart:
    """Points are pixels from the upper left corner; ticks are places on an axis with their labels."""

    lines: tuple[Line, ...]
    x_ticks: tuple[tuple[float, str], ...]
    y_ticks: tuple[tuple[float, str], ...]
    unpriced: tuple[str, ...]
    """Arms that are not in it, since a price is unknown."""


def chart_of(arms: Sequence[ArmFigures], steps: Mapping[str, Sequence[Step]]) -> Chart:
    """The share of settled experiments solved after each step, over the dollars spent until then."""
    settled = [figures for figures in arms if figures.settled]
    priced = [figures for figures in settled if figures.dollars is not None]
    most = float(max((figures.dollars or Decimal(0) for figures in priced), default=Decimal(0))) or 1.0
    return Chart(
        lines=tuple(_line(figures, steps[figures.arm], most) for figures in priced),
        x_ticks=dollar_ticks(most),
        y_ticks=share_ticks(),
        unpriced=tuple(figures.arm for figures in settled if figures.dollars is None),
    )


def _line(figures: ArmFigures, steps: Sequence[Step], most: float) -> Line:
    points = [(across(0, most), height(0))]
    for step in steps:
        # First it is paid, then it is solved.
        x = across(float(step.dollars or 0), most)
        points += [(x, points[-1][1]), (x, height(step.solved / figures.settled))]
    interval = figures.solved_interval
    return Line(figures.arm, tuple(points), None if interval is None else (height(interval.low), height(interval.high)))


def across(dollars: float, most: float) -> float:
    """The place of *dollars* on an axis that ends at *most*."""
    return round(LEFT + dollars / most * (WIDTH - LEFT - RIGHT), 1)


def height(share: float, lowest: float = 0.0) -> float:
    """The place of a share of solved, where the axis begins at *lowest*."""
    return round(TOP + (1 - share) / (1 - lowest) * (HEIGHT - TOP - BOTTOM), 1)


def lowest_of(shares: Iterable[float]) -> float:
    """Where an axis may begin so that all *shares* are on it, and none of its room is left to nothing."""
    least = min(shares, default=0.0)
    return max(begin for begin in _STEPS if begin <= least)


def dollar_ticks(most: float) -> tuple[tuple[float, str], ...]:
    """Places with their labels."""
    return tuple((across(dollars, most), f"${dollars:,.10g}") for dollars in _ticks(most))


def share_ticks(lowest: float = 0.0) -> tuple[tuple[float, str], ...]:
    """Places with their labels."""
    percents = range(round(lowest * 100), 101, _STEPS[lowest])
    return tuple((height(percent / 100, lowest), f"{percent}%") for percent in percents)


def _ticks(most: float) -> list[float]:
    """From 0 up to *most* in steps of 1, 2 or 5 times a power of ten."""
    rough = most / TICKS
    power = 10.0 ** floor(log10(rough))
    step = next(size * power for size in (1, 2, 5, 10) if size * power >= rough)
    return [number * step for number in range(int(most / step + 1e-9) + 1)]
