"""What other set-ups would have given, as drawings: solved against dollars for each number of tries."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from pytest_koderz.core.money import total
from pytest_koderz.evidence.cut_short import Answered, Way
from pytest_koderz.evidence.intervals import wilson_clustered
from pytest_koderz.evidence.problems import cost_of

from . import chart
from .claim_lines import FOR_DECISIONS, at_rate
from .money_lines import TELLING
from .page_charts import Curve, Drawing, labels_apart, shortened
from .text import counted, dollars

APART = 14
"""Pixels between two numbers of tries that are named."""
ABOVE = 10
"""Pixels from a mark to its number."""


@dataclass(frozen=True, slots=True)
class _Spot:
    """A way in a drawing."""

    way: Way
    paid: Decimal
    share: float
    x: float
    y: float


def ways_drawings(answers: Iterable[Answered], arms: Sequence[str], local_rate: Decimal | None) -> Iterator[Drawing]:
    """One for each arm of which anything is answered and all prices are known; *arms* give colours and shapes."""
    for answer in answers:
        costs = [total(cost_of(one, local_rate) for one in way.tried) for way in answer.ways]
        paid = [cost for cost in costs if cost is not None]
        if paid and len(paid) == len(costs) and max(paid):
            yield _drawing(answer, _spots(answer.ways, paid), arms, local_rate)


def _spots(ways: Sequence[Way], paid: Sequence[Decimal]) -> list[_Spot]:
    most = float(max(paid))
    shares = [sum(one.solved for one in way.tried) / len(way.tried) for way in ways]
    return [
        _Spot(way, cost, share, chart.across(float(cost), most), chart.height(share))
        for way, cost, share in zip(ways, paid, shares, strict=True)
    ]


def _drawing(answer: Answered, spots: Sequence[_Spot], arms: Sequence[str], local_rate: Decimal | None) -> Drawing:
    control = "" if answer.control is None else answer.control.name
    kinds = [
        (answer.arm, _number(answer.arm, arms), [spot for spot in spots if not spot.way.hands_over]),
        (f"then {control}", len(arms), [spot for spot in spots if spot.way.hands_over and spot.way.tries]),
        (control, _number(control, arms), [spot for spot in spots if not spot.way.tries]),
    ]
    drawn = [kind for kind in kinds if kind[2]]
    labels = labels_apart([line[-1].y for _, _, line in drawn])
    curves = tuple(_curve(*kind, label) for kind, label in zip(drawn, labels, strict=True))
    axis = "US dollars" if local_rate is None else f"US dollars, {at_rate(local_rate)}"
    ticks = chart.dollar_ticks(float(max(spot.paid for spot in spots)))
    title = f"What other set-ups of {answer.arm} would have given"
    return Drawing(title, axis, curves, ticks, chart.share_ticks(), _note(answer))


def _number(arm: str, arms: Sequence[str]) -> int:
    return arms.index(arm) if arm in arms else len(arms) + 1


def _curve(name: str, number: int, line: Sequence[_Spot], label_y: float) -> Curve:
    places, end = tuple((spot.x, spot.y) for spot in line), line[-1]
    limits = wilson_clustered([(tries.solved, tries.settled) for tries in end.way.problems.values()])
    interval = None if limits is None else (end.x, chart.height(limits.low), chart.height(limits.high))
    label = f"{shortened(name)} {end.share:.0%}"
    named = tuple(_named(line)) if len(line) > 1 else ()
    return Curve(number, name, label, places, places, interval, label_y, names=named, spent=dollars(end.paid))


def _named(line: Sequence[_Spot]) -> Iterator[tuple[float, float, str]]:
    """Telling numbers of tries, where there is room: left of what is tried alone, above what is handed over."""
    last: _Spot | None = None
    for spot in line:
        is_far = last is None or max(abs(spot.x - last.x), abs(spot.y - last.y)) >= APART
        if is_far and spot.way.tries in (*TELLING, line[-1].way.tries):
            last = spot
            x, y = (spot.x, spot.y - ABOVE) if spot.way.hands_over else (spot.x - ABOVE, spot.y + 4)
            yield round(x, 1), round(y, 1), str(spot.way.tries)


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
