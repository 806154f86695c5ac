"""What each way to use an arm would have come to, as lines for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from pytest_koderz.evidence.arms import figures_of
from pytest_koderz.evidence.cross_fitting import Chosen
from pytest_koderz.evidence.cut_short import Way

from .arm_row import percents
from .claim_lines import at_rate
from .fixed_width import Table
from .money_lines import TELLING
from .story import folded
from .summary import WIDTH
from .text import dollars, telling

ACROSS, DOWN = 58, 10
"""Characters of the drawing, where there is room."""


def name_of(way: Way, control: str) -> str:
    """`3 tries, then frontier-only`."""
    if not way.tries:
        return f"{control} alone"
    tries = "1 try" if way.tries == 1 else f"{way.tries} tries"
    return f"{tries}, then {control}" if way.hands_over else tries


def curve_lines(ways: Sequence[Way], control: str, local_rate: Decimal | None, columns: int = WIDTH) -> Iterator[str]:
    """Solved against dollars as a table, and drawn, in so many *columns* of a terminal."""
    most = max(way.tries for way in ways)
    found = list(ways_rows(ways, control, local_rate))
    rows = [row for way, (_, row) in zip(ways, found, strict=True) if way.tries in (0, *TELLING, most)]
    points = [point for point, _ in found if point is not None]
    yield from Table("  <34 >7  >10 >9 >10", (ways_head(local_rate), *rows), columns).all_lines(rows)
    yield from _drawing(points, control, columns)


Point = tuple[float, float, str]
"""Dollars, the share of solved, and the sign in the drawing."""


def ways_head(local_rate: Decimal | None) -> tuple[str, ...]:
    """Of the columns of `ways_rows`."""
    return ("" if local_rate is None else at_rate(local_rate), "solved", "95 %", "cost", "per solved")


def ways_rows(
    ways: Sequence[Way], control: str, local_rate: Decimal | None
) -> Iterator[tuple[Point | None, tuple[str, ...]]]:
    """Of each way its point, where its cost is known, and its row of the table."""
    for way in ways:
        found = figures_of(way.tried[0].arm if way.tried else "", way.tried, local_rate)
        cost = found.dollars if local_rate is None else found.dollars_with_gpu
        each = None if cost is None or not found.solved else cost / found.solved
        told = f"{found.solved}/{found.settled}", percents(found.solved_interval), dollars(cost)
        sign = "#" if not way.tries else "o" if way.hands_over else "."
        known = cost is not None and found.solved_share is not None
        point = (float(cost or 0), found.solved_share or 0.0, sign) if known else None
        yield point, (name_of(way, control), *told, dollars(each) if found.solved else "-")


def _drawing(points: Sequence[tuple[float, float, str]], control: str, columns: int) -> Iterator[str]:
    """Solved upwards, dollars to the right."""
    across = min(ACROSS, columns - _BESIDE)
    most = max((paid for paid, _, _ in points), default=0.0)
    if not most:
        return
    rows = [[" "] * (across + 1) for _ in range(DOWN + 1)]
    for paid, share, sign in points:
        rows[DOWN - round(share * DOWN)][round(paid / most * across)] = sign
    for number, row in enumerate(rows):
        label = f"{100 - number * 100 // DOWN} %" if number % 5 == 0 else ""
        yield f"  {label:>5} |{''.join(row)}".rstrip()
    yield f"        +{'-' * across}> {dollars(Decimal(str(most)))}"
    cascades = f"   o tries, then {control}   # {control} alone" if any(sign == "#" for _, _, sign in points) else ""
    yield from folded(f"         . tries alone{cascades}", columns=columns)


_BESIDE = 22
"""Columns of the drawing's labels: `100 % |` and `> $12.3456`."""


def worth_lines(
    ways: Sequence[Way],
    control: str,
    best: Sequence[tuple[float, int]],
    choices: Sequence[Chosen],
    columns: int = WIDTH,
) -> Iterator[str]:
    """Which way is best from which worth of a solved problem on, and what that choice gains."""
    yield "best, by what a solved problem is worth:"
    for worth, place in best:
        yield from folded(f"  from {_usd(worth)} on: {name_of(ways[place], control)}", columns=columns)
    against = f" more than with {control} alone" if ways[0].tries == 0 else ""
    for choice in choices:
        interval = choice.interval
        told = "" if interval is None else f", 95 % {_cents(interval.low, interval.high)}"
        halves = {name_of(ways[place], control) for place in choice.halves}
        doubt = "" if len(halves) == 1 else f" (half of them: {', half: '.join(sorted(halves))})"
        gain = f"{telling(choice.gain * 100, digits=2)} cents a problem{told}{against}"
        way = f"{name_of(ways[choice.best], control)}{doubt}"
        text = f"at {_usd(choice.worth)}: {way}; it leaves {gain}, chosen on one half, scored on the other"
        yield from folded(text, columns=columns)


def _cents(low: float, high: float) -> str:
    return f"[{telling(low * 100, digits=2)}, {telling(high * 100, digits=2)}]"


def _usd(amount: float) -> str:
    return dollars(Decimal(str(amount)))
