"""Where words stand in a drawing: beside what they name, covering nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

LETTER = 7.6
"""Pixels of a letter, about."""
LINE = 16
"""Pixels between two lines of words."""
MARK, ASIDE, ABOVE = 7, 9, 15
"""Pixels from the middle of a mark to its edge, to words beside it, and to the middle of words above or below it."""

Place = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Box:
    """What words cover: from the left upper to the right lower corner."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def middle(self) -> float:
        """Of its height."""
        return (self.top + self.bottom) / 2

    def overlaps(self, other: Box) -> bool:
        apart = self.right <= other.left or other.right <= self.left
        return not apart and self.top < other.bottom and other.top < self.bottom

    def holds(self, place: Place) -> bool:
        return self.left <= place[0] <= self.right and self.top <= place[1] <= self.bottom

    def is_in(self, other: Box) -> bool:
        return other.holds((self.left, self.top)) and other.holds((self.right, self.bottom))


def beside(place: Place, words: str) -> dict[str, Box]:
    """Of *words*, by the side of a mark at *place* on which they stand; `beyond` is right of a number beside it."""
    (x, y), wide = place, LETTER * len(words)
    lefts = {"right": (x + ASIDE, y), "left": (x - ASIDE - wide, y)}
    middles = {"above": (x - wide / 2, y - ABOVE), "below": (x - wide / 2, y + ABOVE)}
    found = {**lefts, **middles, "beyond": (x + ASIDE + 3 * LETTER, y)}
    return {side: Box(left, at - LINE / 2, left + wide, at + LINE / 2) for side, (left, at) in found.items()}


def around(place: Place) -> Box:
    """What the mark at *place* covers."""
    x, y = place
    return Box(x - MARK, y - MARK, x + MARK, y + MARK)


@dataclass(slots=True)
class FreeSpace:
    """What is free of a drawing: neither lines nor words are there."""

    within: Box
    dots: list[Place] = field(default_factory=list)
    """Of the lines, one every few pixels."""
    taken: list[Box] = field(default_factory=list)

    def draw(self, line: Sequence[Place]) -> None:
        """What goes along *line* is no longer free."""
        self.dots += line[:1]
        for (x, y), (to_x, to_y) in pairwise(line):
            steps = max(1, round(max(abs(to_x - x), abs(to_y - y)) / 3))
            self.dots += [(x + (to_x - x) * step / steps, y + (to_y - y) * step / steps) for step in range(steps + 1)]

    def take(self, wanted: Iterable[Box]) -> Box | None:
        """The first of *wanted* that is free, which it is then no longer. None: there is none."""
        found = next(filter(self._is_free, wanted), None)
        self.taken += [] if found is None else [found]
        return found

    def _is_free(self, box: Box) -> bool:
        covers = any(map(box.overlaps, self.taken)) or any(map(box.holds, self.dots))
        return box.is_in(self.within) and not covers
