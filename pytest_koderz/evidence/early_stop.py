"""Whether a benchmark has come to its claim before its end."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from math import ceil

from pytest_koderz.core.experiment import Experiment

from .compare import LEVEL, Claim, claim_at
from .findings import Frame, primary_pair
from .looks import Look, level_at, with_current
from .pairing import Pairing
from .tables import without_floor

LOOKS = 20
"""Evenly over the problems that were planned, the last of them at the end."""
FIRST = 2
"""Of these; before it hardly anything may be spent."""


def stops_of(planned: int) -> tuple[int, ...]:
    """At how many problems it is asked whether there is a claim; laid down before anything is known."""
    return tuple(sorted({ceil(planned * number / LOOKS) for number in range(FIRST, LOOKS)} - {planned}))


def decided(frame: Frame, experiments: Sequence[Experiment], problems: Collection[str]) -> tuple[Look, Claim] | None:
    """The look at the first arm on *problems*, and its claim at the level of that look.

    None: it is no look, since no more problems are settled by both than at the last one. *problems* must be taken
    without regard to what came of them, such as the first ones of a random order: those that end first are not.
    """
    pair = primary_pair(frame, [one for one in experiments if one.problem_id in problems])
    pairing = None if pair is None else Pairing.of(*pair)
    last = max((look.problems for look in frame.looks), default=0)
    if pairing is None or len(pairing.tries) <= last:
        return None
    looks = with_current(frame.looks, len(pairing.tries), frame.planned)
    strength = pairing.worst(frame.margin)
    if pairing.floor(frame.margin) is not None:
        strength = without_floor(strength)
    return looks[-1], claim_at(strength, level_at(looks, LEVEL))
