"""Arms of all benchmarks beside each other: what each solved, and for how much."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pytest_koderz.evidence.arms import ArmFigures, figures_of
from pytest_koderz.records.reader import Archived

from .arm_row import percents
from .fixed_width import Table
from .overview import began_words
from .summary import SIMULATED
from .text import dollars


@dataclass(frozen=True, slots=True)
class BoardRow:
    """An arm of a benchmark."""

    benchmark: Archived
    figures: ArmFigures
    model: str
    """That writes candidates, as its back end calls it; empty where it is not known."""

    @property
    def per_solved(self) -> tuple[bool, Any]:
        """Where nothing is solved or a price is not known, it comes last."""
        each = self.figures.dollars_per_solved
        return (each is None, each or 0)


SORTS: Mapping[str, Callable[[BoardRow], Any]] = {
    "solved": lambda place: -(place.figures.solved_share or 0.0),
    "cost": lambda place: place.per_solved,
    "date": lambda place: tuple(-ord(letter) for letter in place.benchmark.began),
    "arm": lambda place: place.figures.arm,
    "model": lambda place: place.model,
}
"""What --koderz-sort takes: the best, cheapest, latest or first one stands at the top."""

_HEAD = ("model", "arm", "solved", "95 %", "per solved", "date", "benchmark")


def board_lines(benchmarks: Iterable[Archived], key: str) -> Iterator[str]:
    """The arms of *benchmarks*, sorted by a key of SORTS; nothing where there is none."""
    places = sorted((place for each in benchmarks for place in _places(each)), key=SORTS[key])
    if not places:
        return
    rows = [_HEAD, *map(_cells, places)]
    table = Table("<1  <1  >1  >1  >1  <1  <1", rows, None)
    for row, place in zip(rows, (None, *places), strict=True):
        mark = SIMULATED if place is not None and place.benchmark.simulated else ""
        room = " " * (len(SIMULATED) - len(mark)) if any(each.benchmark.simulated for each in places) else ""
        yield from (mark + room + line for line in table.lines(row))


def _places(benchmark: Archived) -> Iterator[BoardRow]:
    known = {arm.name: ", ".join(model.model for model in arm.writers) for arm in benchmark.head.definitions}
    for arm in dict.fromkeys(one.arm for one in benchmark.experiments):
        yield BoardRow(benchmark, figures_of(arm, benchmark.experiments), known.get(arm, ""))


def _cells(place: BoardRow) -> tuple[str, ...]:
    figures = place.figures
    return (
        place.model or "-",
        figures.arm,
        f"{figures.solved}/{figures.settled}",
        percents(figures.solved_interval),
        dollars(figures.dollars_per_solved) if figures.solved else "-",
        began_words(place.benchmark),
        place.benchmark.id,
    )
