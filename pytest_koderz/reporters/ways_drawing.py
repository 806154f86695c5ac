"""What other set-ups would have given, as drawings: solved against dollars for each number of tries."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from pytest_koderz.core.money import total
from pytest_koderz.evidence.cut_short import Answered, Way
from pytest_koderz.evidence.intervals import Interval, wilson_clustered
from pytest_koderz.evidence.problems import cost_of

from . import chart
from .claim_lines import FOR_DECISIONS, at_rate
from .label_places import FreeSpace, Place, beside
from .money_lines import TELLING
from .page_charts import Curve, Drawing, room_of, shortened, with_labels
from .text import counted, dollars


@dataclass(frozen=True, slots=True)
class _Spot:
    """A way in a drawing."""

    way: Way
    paid: Decimal

    @property
    def share(self) -> float:
        return sum(one.solved for one in self.way.tried) / len(self.way.tried)

    @property
    def limits(self) -> Interval | None:
        return wilson_clustered([(tries.solved, tries.settled) for tries in self.way.problems.values()])


_Kind = tuple[str, int, Sequence[_Spot]]
"""A curve's name, its number and its ways."""


@dataclass(frozen=True, slots=True)
class _Axes:
    """Dollars up to *most*, shares of solved from *lowest* on."""

    most: float
    lowest: float

    def place(self, spot: _Spot) -> Place:
        return chart.across(float(spot.paid), self.most), chart.height(spot.share, self.lowest)

    def heights(self, limits: Interval) -> Place:
        return chart.height(limits.low, self.lowest), chart.height(limits.high, self.lowest)


def ways_drawings(answers: Iterable[Answered], arms: Sequence[str], local_rate: Decimal | None) -> Iterator[Drawing]:
    """One for each arm of which anything is answered and all prices are known; *arms* give colours and shapes."""
    for answer in answers:
        costs = [total(cost_of(one, local_rate) for one in way.tried) for way in answer.ways]
        spots = [_Spot(way, cost) for way, cost in zip(answer.ways, costs, strict=True) if cost is not None]
        if spots and len(spots) == len(costs) and max(spot.paid for spot in spots):
            yield _drawing(answer, spots, arms, local_rate)


def _drawing(answer: Answered, spots: Sequence[_Spot], arms: Sequence[str], local_rate: Decimal | None) -> Drawing:
    control = "" if answer.control is None else answer.control.name
    kinds: list[_Kind] = [
        (answer.arm, _number(answer.arm, arms), [spot for spot in spots if not spot.way.hands_over]),
        (f"then {control}", len(arms), [spot for spot in spots if spot.way.hands_over and spot.way.tries]),
        (control, _number(control, arms), [spot for spot in spots if not spot.way.tries]),
    ]
    axes = _axes_of(spots, drawn := [kind for kind in kinds if kind[2]])
    curves = [_curve(*kind, axes) for kind in drawn]
    room = room_of(curves)
    named = [
        replace(curve, names=tuple(_named(line, axes, room)) if len(line) > 1 else ())
        for curve, (_, _, line) in zip(curves, drawn, strict=True)
    ]
    axis = "US dollars" if local_rate is None else f"US dollars, {at_rate(local_rate)}"
    ticks = chart.dollar_ticks(axes.most), chart.share_ticks(axes.lowest)
    title = f"What other set-ups of {answer.arm} would have given"
    return Drawing(title, axis, with_labels(named, room), *ticks, _note(answer))


def _axes_of(spots: Sequence[_Spot], drawn: Sequence[_Kind]) -> _Axes:
    ends = [line[-1].limits for _, _, line in drawn]
    shares = [*(spot.share for spot in spots), *(limits.low for limits in ends if limits is not None)]
    return _Axes(float(max(spot.paid for spot in spots)), chart.lowest_of(shares))


def _number(arm: str, arms: Sequence[str]) -> int:
    return arms.index(arm) if arm in arms else len(arms) + 1


def _curve(name: str, number: int, line: Sequence[_Spot], axes: _Axes) -> Curve:
    places, end = tuple(map(axes.place, line)), line[-1]
    interval = None if (limits := end.limits) is None else (places[-1][0], *axes.heights(limits))
    return Curve(number, name, f"{shortened(name)} {end.share:.0%}", places, places, interval, spent=dollars(end.paid))


def _named(line: Sequence[_Spot], axes: _Axes, room: FreeSpace) -> Iterator[tuple[float, float, str]]:
    """Telling numbers of tries, the last one first, as far as there is *room*: of what is handed over above, of what is
    tried alone at the left.
    """
    tries = {spot.way.tries: spot for spot in line}
    for number in dict.fromkeys((line[-1].way.tries, *(each for each in TELLING if each in tries))):
        spot = tries[number]
        boxes = beside(axes.place(spot), str(number))
        sides = ("above", "below", "right", "left") if spot.way.hands_over else ("left", "right", "above", "below")
        if (box := room.take(boxes[side] for side in sides)) is not None:
            yield round((box.left + box.right) / 2, 1), round(box.middle, 1), str(number)


def _note(answer: Answered) -> str:
    """What the numbers mean, and how far they may be believed."""
    known = counted(len(answer.ways[0].problems), "problem")
    handed = ""
    if answer.control is not None and not answer.no_cascade:
        handed = f", alone or with what is left handed to {answer.control.name}"
    told = [
        f"The numbers are tries of {answer.arm}{handed}, on {known}, without another call.",
        "Whoever picks the best of them afterwards flatters it: --koderz-whatif tells what the choice gains.",
    ]
    if answer.no_cascade:
        told.append(f"No cascades: {answer.no_cascade}.")
    if answer.definition is not None and answer.definition.accept_on == "base":
        told.append(f"Oracle stop: no user has the tests that ended it; decide by {FOR_DECISIONS}.")
    return " ".join(told)
