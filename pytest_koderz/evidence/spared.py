"""What a benchmark that ended with its claim did not have to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from pytest_koderz.core.experiment import Experiment
from pytest_koderz.core.money import total

from .looks import Look


@dataclass(frozen=True, slots=True)
class Spared:
    """The problems that were left, and their price."""

    at: Look
    problems: int
    """Planned, and not begun."""
    dollars: Decimal | None
    """An estimate: at what a problem has cost so far, in all arms together. None: a price is not known."""


def spared_of(stopped: Look | None, planned: int | None, experiments: Sequence[Experiment]) -> Spared | None:
    """None where it was not *stopped*, or has gone on since until nothing was left."""
    begun = len({one.problem_id for one in experiments})
    left = (planned or 0) - begun
    if stopped is None or left <= 0 or not begun:
        return None
    paid = total(one.charged.cost for one in experiments)
    return Spared(stopped, left, None if paid is None else paid / begun * left)
