"""Whether a claim would hold if what is missing had gone against it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from pytest_koderz.core.experiment import Experiment, Status

from .tables import NOTHING, Solves, Strength, pairs_of, strength_of

LOST = (Status.INVALID, Status.RUNNING)
"""Tries that began and were not settled. Problems on which models fail may well be those on which servers do."""
LEFT_OUT = (*LOST, Status.SKIPPED)
"""And those that a guard, such as the budget, stopped; it knows nothing of how hard they are."""


@dataclass(frozen=True, slots=True)
class Attempts:
    """Of one arm on one problem."""

    solved: int = 0
    settled: int = 0
    missing: int = 0

    def with_missing(self, *, solved: bool) -> Solves:
        return Solves(self.solved + self.missing * solved, self.settled + self.missing)


@dataclass(frozen=True, slots=True)
class Gap:
    """A problem of which a try is missing."""

    mine: Attempts
    other: Attempts

    @property
    def as_seen(self) -> list[tuple[Solves, Solves]]:
        """Without the missing tries; empty where one of the two settled none."""
        if not (self.mine.settled and self.other.settled):
            return []
        return [(Solves(self.mine.solved, self.mine.settled), Solves(self.other.solved, self.other.settled))]

    def turned(self, *, for_arm: bool) -> tuple[Solves, Solves]:
        """With them, all in favour of the arm or all against it."""
        return self.mine.with_missing(solved=for_arm), self.other.with_missing(solved=not for_arm)


@dataclass(frozen=True, slots=True)
class Missing:
    """What two arms came to, apart where something is missing."""

    whole: tuple[tuple[Solves, Solves], ...]
    gaps: tuple[Gap, ...]
    margin: float

    @classmethod
    def of(
        cls,
        sides: tuple[Sequence[Experiment], Sequence[Experiment]],
        settled: Mapping[str, tuple[Solves, Solves]],
        margin: float,
        statuses: Collection[Status],
    ) -> Self:
        """*settled* are the problems that are compared. A problem that one arm never came to is a gap too where tries
        that were skipped are.
        """
        ours, theirs = (_attempts(side, statuses) for side in sides)
        never = Attempts(missing=1) if Status.SKIPPED in statuses else Attempts()
        both = {key: Gap(ours.get(key, never), theirs.get(key, never)) for key in dict.fromkeys((*ours, *theirs))}
        gaps = {
            key: gap
            for key, gap in both.items()
            if gap.mine.missing + gap.other.missing
            and all(side.settled + side.missing for side in (gap.mine, gap.other))
        }
        return cls(tuple(pair for key, pair in settled.items() if key not in gaps), tuple(gaps.values()), margin)

    def strength(self) -> Strength:
        """Of each claim, had all that is missing gone against it."""
        against, in_favour = (self._with_turned(len(self.gaps), for_arm=for_arm) for for_arm in (False, True))
        return Strength(against.matches, against.better, in_favour.worse)

    def turns_at(self, claim: str, level: float) -> int | None:
        """The fewest gaps that undo the *claim* (a field of Strength); None: not even all of them do."""

        def undone(count: int) -> bool:
            strength = self._with_turned(count, for_arm=claim == "worse")
            return bool(getattr(strength, claim) > level)

        low, high = 0, len(self.gaps)
        if not high or not undone(high):
            return None
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if undone(middle) else (middle, high)
        return high

    def _with_turned(self, count: int, *, for_arm: bool) -> Strength:
        """With the *count* gaps that weigh most turned."""
        sign = -1 if for_arm else 1
        ordered = sorted(self.gaps, key=lambda gap: sign * _difference(gap.turned(for_arm=for_arm)))
        turned = [gap.turned(for_arm=for_arm) for gap in ordered[:count]]
        kept = [pair for gap in ordered[count:] for pair in gap.as_seen]
        table = pairs_of([*self.whole, *turned, *kept])
        return NOTHING if table is None else strength_of(table, table.equality_p, self.margin)


def _difference(pair: tuple[Solves, Solves]) -> float:
    return pair[0].share - pair[1].share


def _attempts(experiments: Iterable[Experiment], statuses: Collection[Status]) -> dict[str, Attempts]:
    found: dict[str, Attempts] = {}
    for one in experiments:
        before = found.get(one.problem_id, Attempts())
        found[one.problem_id] = Attempts(
            before.solved + one.solved, before.settled + one.status.settled, before.missing + (one.status in statuses)
        )
    return found
