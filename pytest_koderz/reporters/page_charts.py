"""The drawings of a page: solved against dollars, solved by iteration, dollars by role."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from pytest_koderz.evidence.arms import ArmFigures, Point
from pytest_koderz.evidence.findings import Findings

from . import chart
from .text import dollars

RIGHT = 70
"""Room for labels beyond the width of `chart`."""
LINE = 16
"""Pixels between two labels."""
BAR = 26
"""Pixels of a bar and the gap after it."""
ASIDE = 7
"""Pixels between two intervals that would stand in one place."""
LABEL = 27
"""Characters that fit to the right of a drawing."""
NAMED = 18
"""Characters of an arm's name in a drawing."""

Place = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Curve:
    """An arm in a drawing. Colour and shape follow from its number, the same in all drawings."""

    number: int
    arm: str
    label: str
    points: tuple[Place, ...]
    marks: tuple[Place, ...]
    """Where a step ended, also where it cost nothing."""
    interval: tuple[float, float, float] | None
    """Of the share of solved: where it stands, from which height to which."""
    label_y: float
    band: tuple[Place, ...] = ()
    """The outline of the 95 % intervals at each mark; empty: there are none."""
    names: tuple[tuple[float, float, str], ...] = ()
    """Of some marks, each with its place."""
    spent: str = ""
    """Dollars, where they are an axis; narrow screens leave them out of the label."""

    @property
    def words(self) -> str:
        return f"{self.label}, {self.spent}" if self.spent else self.label

    @property
    def has_room(self) -> bool:
        """Whether the dollars fit behind the label."""
        return bool(self.spent) and len(self.words) <= LABEL

    @property
    def end(self) -> Place:
        return self.points[-1]


@dataclass(frozen=True, slots=True)
class Drawing:
    """Curves over two axes; places are in pixels from the upper left corner."""

    title: str
    x_title: str
    curves: tuple[Curve, ...]
    x_ticks: tuple[tuple[float, str], ...]
    y_ticks: tuple[tuple[float, str], ...]
    note: str = ""

    @property
    def words(self) -> str:
        """For those who hear it."""
        return f"{self.title}. At the end: {'; '.join(curve.words for curve in self.curves)}."


@dataclass(frozen=True, slots=True)
class Bar:
    """An arm's dollars: for each role where its part begins, how long it is, and its words."""

    arm: str
    y: int
    parts: tuple[tuple[str, float, float, str], ...]
    whole: str
    end: float


def drawings_of(findings: Findings) -> Iterator[Drawing]:
    """Those for which there is anything to draw."""
    numbers = {figures.arm: number for number, figures in enumerate(findings.arms)}
    money = _against_dollars(findings, numbers)
    if money.curves:
        yield money
    if any(len(figures.curve) > 1 for figures in findings.arms):
        yield _by_iteration(findings.arms, numbers)


def _against_dollars(findings: Findings, numbers: dict[str, int]) -> Drawing:
    drawn = chart.chart_of(findings.arms, findings.steps)
    figures = {one.arm: one for one in findings.arms}
    labels = labels_apart([line.end[1] for line in drawn.lines])
    curves = tuple(
        Curve(
            numbers[line.arm],
            line.arm,
            _share(figures[line.arm]),
            line.points,
            line.points[2::2],
            line.interval and (line.end[0], *line.interval),
            label,
            spent=dollars(figures[line.arm].dollars),
        )
        for line, label in zip(drawn.lines, labels, strict=True)
    )
    unpriced = f"Not shown, since a price is unknown: {', '.join(drawn.unpriced)}." if drawn.unpriced else ""
    title = "Solved against dollars, after each step of the loop"
    return Drawing(title, "US dollars spent", curves, drawn.x_ticks, drawn.y_ticks, unpriced)


def _by_iteration(arms: Sequence[ArmFigures], numbers: dict[str, int]) -> Drawing:
    settled = [one for one in arms if one.settled]
    most = max(len(one.curve) for one in settled)
    shares = [[point.solved / one.settled for point in one.curve] for one in settled]
    labels = labels_apart([chart.height(each[-1]) if each else chart.height(0) for each in shares])
    curves = []
    for place, (one, each, label) in enumerate(zip(settled, shares, labels, strict=True)):
        marks = tuple((_across(number, most), chart.height(share)) for number, share in enumerate(each, start=1))
        # What an arm no longer tries it does not solve: its line goes on as it is.
        points = (*marks, (_across(most, most), marks[-1][1] if marks else chart.height(0)))
        # All end in the same column, where their intervals would cover each other.
        x, limits = points[-1][0] - place * ASIDE, one.solved_interval
        interval = None if limits is None else (x, chart.height(limits.low), chart.height(limits.high))
        band = _band(one.curve, most)
        curves.append(Curve(numbers[one.arm], one.arm, _share(one), points, marks, interval, label, band))
    step = max(1, -(-most // 10))
    ticks = tuple((_across(number, most), str(number)) for number in range(1, most + 1) if (number - 1) % step == 0)
    title, note = "Solved within so many iterations", "The band is that of each number of iterations by itself."
    return Drawing(title, "iterations", tuple(curves), ticks, chart.share_ticks(), note)


def _band(curve: Sequence[Point], most: int) -> tuple[Place, ...]:
    """To the right along the upper limits, and back along the lower ones; it goes on as the line does."""
    known = [(point.iterations, point.interval) for point in curve if point.interval is not None]
    if len(known) < len(curve) or not known or most < 2:
        return ()
    known += [(most, known[-1][1])] if known[-1][0] < most else []
    upper = [(_across(number, most), chart.height(limits.high)) for number, limits in known]
    return (*upper, *((_across(number, most), chart.height(limits.low)) for number, limits in reversed(known)))


def bars_of(arms: Sequence[ArmFigures]) -> list[Bar]:
    """Where the money went, by role; empty where nothing is known to have cost anything."""
    most = max((one.dollars for one in arms if one.dollars is not None), default=Decimal(0))
    return [_bar(one, number * BAR, float(most)) for number, one in enumerate(arms)] if most else []


def _bar(figures: ArmFigures, y: int, most: float) -> Bar:
    parts, end = [], float(chart.RIGHT)
    for role, amount in figures.dollars_by_role.items():
        length = float(amount or 0) / most * (chart.WIDTH - chart.RIGHT)
        parts.append((str(role), round(end, 1), round(length, 1), f"{role} {dollars(amount)}"))
        end += length
    return Bar(shortened(figures.arm), y, tuple(parts), dollars(figures.dollars), round(end, 1))


def _share(figures: ArmFigures) -> str:
    share = figures.solved_share
    return f"{shortened(figures.arm)} {'-' if share is None else f'{share:.0%}'}"


def shortened(arm: str) -> str:
    """As a drawing has room for it; of a run and its arm the run is shortened first."""
    run, colon, name = arm.rpartition(":")
    run = run.removeprefix("bench_")
    if len(run + colon + name) <= NAMED:
        return run + colon + name
    room = NAMED - len(colon + name) - 1
    return f"{run[:room]}…{colon}{name}" if room > 0 and run else f"{arm[: NAMED - 1]}…"


def _across(iteration: int, most: int) -> float:
    room = chart.WIDTH - chart.LEFT - chart.RIGHT
    return round(chart.LEFT + (iteration - 1) / max(most - 1, 1) * room, 1)


def labels_apart(heights: Sequence[float]) -> list[float]:
    """Places for labels as near to *heights* as they can stand without covering each other."""
    placed = dict[int, float]()
    above, floor = -float(LINE), float(chart.HEIGHT - chart.BOTTOM)
    for place in sorted(range(len(heights)), key=lambda each: heights[each]):
        above = placed[place] = max(heights[place], above + LINE)
    for place in sorted(placed, key=lambda each: placed[each], reverse=True):
        floor = placed[place] = min(placed[place], floor)
        floor -= LINE
    return [round(placed[place], 1) for place in range(len(heights))]
