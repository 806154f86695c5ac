"""The drawings of a page: solved against dollars, solved by iteration, dollars by role."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from pytest_koderz.evidence.arms import ArmFigures, Point
from pytest_koderz.evidence.findings import Findings

from . import chart
from .label_places import LINE, Box, FreeSpace, Place, around, beside
from .text import dollars

RIGHT = 108
"""Room for labels beyond the width of `chart`."""
COLUMN = chart.WIDTH - chart.RIGHT + 15
"""Pixels to the column of labels."""
FAR = 40
"""Pixels from a curve's end to that column from which on its label stands beside its end, if there is room."""
MOST_BANDS = 3
"""Arms of which each has its band; those of more would cover each other."""
ASIDE = 7
"""Pixels between two intervals that would stand in one place."""
LABEL = 27
"""Characters that fit to the right of a drawing."""
NAMED = 22
"""Characters of an arm's name in a drawing."""


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
    label_at: Place = (0.0, 0.0)
    """Where its label begins, or ends where it stands at the left of its curve's end, and the middle of its height."""
    has_leader: bool = False
    """Whether a line leads from its end to its label, which then stands in the column at the right."""
    band: tuple[Place, ...] = ()
    """The outline of the 95 % intervals at each mark; empty: there are none."""
    names: tuple[tuple[float, float, str], ...] = ()
    """Of some marks, each with its place: its middle."""
    spent: str = ""
    """Dollars, where they are an axis; narrow screens leave them out of the label."""

    @property
    def words(self) -> str:
        return f"{self.label}, {self.spent}" if self.spent else self.label

    @property
    def shown(self) -> str:
        """The dollars too, where they fit behind the label."""
        return self.words if len(self.words) <= LABEL else self.label

    @property
    def end(self) -> Place:
        return self.points[-1]

    @property
    def anchor(self) -> str:
        """Of the label."""
        return "end" if self.label_at[0] < self.end[0] and self.label_at[1] == self.end[1] else "start"


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
    """An arm's dollars: for each role where its part begins and how long it is, in percent, and its words."""

    arm: str
    parts: tuple[tuple[str, float, float, str], ...]
    whole: str


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
    curves = [
        Curve(
            numbers[line.arm],
            line.arm,
            _share(figures[line.arm]),
            line.points,
            line.points[2::2],
            line.interval and (line.end[0], *line.interval),
            spent=dollars(figures[line.arm].dollars),
        )
        for line in drawn.lines
    ]
    unpriced = f"Not shown, since a price is unknown: {', '.join(drawn.unpriced)}." if drawn.unpriced else ""
    title = "Solved against dollars, after each step of the loop"
    shown = with_labels(curves, room_of(curves))
    return Drawing(title, "US dollars spent", shown, drawn.x_ticks, drawn.y_ticks, unpriced)


def _by_iteration(arms: Sequence[ArmFigures], numbers: dict[str, int]) -> Drawing:
    settled = [one for one in arms if one.settled]
    most = max(len(one.curve) for one in settled)
    has_bands = len(settled) <= MOST_BANDS
    lowest = chart.lowest_of(share for one in settled for share in _shares(one, has_bands))
    curves = [
        _curve(one, numbers[one.arm], place, most, lowest, has_band=has_bands) for place, one in enumerate(settled)
    ]
    step = max(1, -(-most // 10))
    ticks = tuple((_across(number, most), str(number)) for number in range(1, most + 1) if (number - 1) % step == 0)
    title = "Solved within so many iterations"
    note = "The band is that of each number of iterations by itself." if has_bands else ""
    return Drawing(title, "iterations", with_labels(curves, room_of(curves)), ticks, chart.share_ticks(lowest), note)


def _shares(figures: ArmFigures, has_band: bool) -> Iterator[float]:
    """What is drawn of it; nothing was solved before the first iteration."""
    yield from (point.solved / (figures.settled or 1) for point in figures.curve)
    yield from (point.interval.low for point in figures.curve if has_band and point.interval is not None)
    yield 0.0 if figures.solved_interval is None or not figures.curve else figures.solved_interval.low


def _curve(figures: ArmFigures, number: int, place: int, most: int, lowest: float, *, has_band: bool) -> Curve:
    shares = [point.solved / (figures.settled or 1) for point in figures.curve]
    marks = tuple((_across(tries, most), chart.height(share, lowest)) for tries, share in enumerate(shares, start=1))
    # What an arm no longer tries it does not solve: its line goes on as it is.
    points = (*marks, (_across(most, most), marks[-1][1] if marks else chart.height(0)))
    # All end in the same column, where their intervals would cover each other.
    x, limits = points[-1][0] - place * ASIDE, figures.solved_interval
    heights = None if limits is None else (chart.height(limits.low, lowest), chart.height(limits.high, lowest))
    interval = None if heights is None else (x, *heights)
    band = _band(figures.curve, most, lowest) if has_band else ()
    return Curve(number, figures.arm, _share(figures), points, marks, interval, band=band)


def _band(curve: Sequence[Point], most: int, lowest: float) -> tuple[Place, ...]:
    """To the right along the upper limits, and back along the lower ones; it goes on as the line does."""
    known = [(point.iterations, point.interval) for point in curve if point.interval is not None]
    if len(known) < len(curve) or not known or most < 2:
        return ()
    known += [(most, known[-1][1])] if known[-1][0] < most else []
    upper = [(_across(number, most), chart.height(limits.high, lowest)) for number, limits in known]
    lower = [(_across(number, most), chart.height(limits.low, lowest)) for number, limits in reversed(known)]
    return (*upper, *lower)


def bars_of(arms: Sequence[ArmFigures]) -> list[Bar]:
    """Where the money went, by role; empty where nothing is known to have cost anything."""
    most = max((one.dollars for one in arms if one.dollars is not None), default=Decimal(0))
    return [_bar(one, float(most)) for one in arms] if most else []


def _bar(figures: ArmFigures, most: float) -> Bar:
    parts, end = [], 0.0
    for role, amount in figures.dollars_by_role.items():
        length = float(amount or 0) / most * 100
        parts.append((str(role), round(end, 2), round(length, 2), f"{role} {dollars(amount)}"))
        end += length
    return Bar(shortened(figures.arm), tuple(parts), dollars(figures.dollars))


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


def room_of(curves: Iterable[Curve]) -> FreeSpace:
    """What the lines, the marks at their ends and the intervals of *curves* leave free."""
    room = FreeSpace(Box(chart.LEFT, 0, COLUMN, chart.HEIGHT - chart.BOTTOM))
    for curve in curves:
        room.draw(curve.points)
        room.taken.append(around(curve.end))
        if curve.interval is not None:
            x, low, high = curve.interval
            room.draw([(x, low), (x, high)])
    return room


def with_labels(curves: Sequence[Curve], room: FreeSpace) -> tuple[Curve, ...]:
    """Each label beside its curve's end, where there is *room*; else in a column at the right, apart from the others,
    with a line that leads to it.
    """
    placed = {}
    for number, curve in enumerate(curves):
        if curve.end[0] <= COLUMN - FAR and (box := room.take(beside(curve.end, curve.shown).values())):
            x = box.right if box.right < curve.end[0] else box.left
            placed[number] = replace(curve, label_at=(round(x, 1), round(box.middle, 1)))
    others = [number for number in range(len(curves)) if number not in placed]
    for number, y in zip(others, labels_apart([curves[number].end[1] for number in others]), strict=True):
        placed[number] = replace(curves[number], label_at=(COLUMN, y), has_leader=True)
    return tuple(placed[number] for number in range(len(curves)))


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
