"""Two arms on the problems that both settled, and what tests say of them there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from pytest_koderz.core.experiment import Experiment, Status

from .intervals import mcnemar_exact, wilson_clustered
from .missing import LOST, Missing
from .problems import Tries, by_problem
from .tables import Solves, Strength, Table, pairs_of, strength_of

ASSAY = 0.5
"""The margin is at most this part of what the control is sure to solve."""


@dataclass(frozen=True, slots=True)
class Pairing:
    """An arm and the control; experiments of different prompt versions are not held against each other."""

    arm: Sequence[Experiment]
    control: Sequence[Experiment]
    tries: Mapping[str, tuple[Tries, Tries]]
    """By problem, of those that both settled."""

    @classmethod
    def of(cls, arm: Sequence[Experiment], control: Sequence[Experiment]) -> Self:
        ours, theirs = by_problem(arm), by_problem(control)
        shared = [key for key in ours if key in theirs and _versions(ours[key]) == _versions(theirs[key])]
        return cls(arm, control, {key: (ours[key], theirs[key]) for key in shared})

    @property
    def sides(self) -> tuple[Sequence[Experiment], Sequence[Experiment]]:
        return self.arm, self.control

    @property
    def mine(self) -> list[Tries]:
        return [mine for mine, _ in self.tries.values()]

    @property
    def others(self) -> list[Tries]:
        return [other for _, other in self.tries.values()]

    @property
    def solves(self) -> dict[str, tuple[Solves, Solves]]:
        return {key: (mine.solves, other.solves) for key, (mine, other) in self.tries.items()}

    @property
    def table(self) -> Table | None:
        return pairs_of(list(self.solves.values()))

    @property
    def discordant(self) -> tuple[int, int]:
        """Problems that one of the two solved, or solved more often: the arm, the control."""
        return _discordant(self.tries.values())

    @property
    def p_value(self) -> float:
        """Of the exact test that they are equal."""
        return mcnemar_exact(*_discordant([_even(*pair) for pair in self.tries.values()]))

    @property
    def left_out(self) -> int:
        """Problems that at least one of the two did not settle."""
        return len({one.problem_id for side in self.sides for one in side}) - len(self.tries)

    @property
    def skipped(self) -> int:
        return len({one.problem_id for side in self.sides for one in side if one.status is Status.SKIPPED})

    def missing(self, margin: float, statuses: tuple[Status, ...] = LOST) -> Missing:
        return Missing.of(self.sides, self.solves, margin, statuses)

    def strength(self, margin: float) -> Strength:
        return strength_of(self.table, self.p_value, margin)

    def worst(self, margin: float) -> Strength:
        """The strength if all that was lost had gone against each claim."""
        begun, strength = self.missing(margin), self.strength(margin)
        return strength.weaker(begun.strength()) if begun.gaps else strength

    def floor(self, margin: float) -> float | None:
        """The lower Wilson limit of the control's share, where there can be no match."""
        sure = wilson_clustered([(other.solved, other.settled) for other in self.others])
        if sure is None or (margin <= ASSAY * sure.low and any(mine.solved for mine in self.mine)):
            return None
        return sure.low


def _discordant(pairs: Iterable[tuple[Tries, Tries]]) -> tuple[int, int]:
    differences = [mine.share - other.share for mine, other in pairs]
    return sum(each > 0 for each in differences), sum(each < 0 for each in differences)


def _even(mine: Tries, other: Tries) -> tuple[Tries, Tries]:
    """As many epochs of each: of equal arms the one with more epochs has all solved less often, and none less often."""
    epochs = min(mine.settled, other.settled)
    return mine.first(epochs), other.first(epochs)


def _versions(tries: Tries) -> set[str]:
    """Of what prompts are made of; an arm may have texts of its own, which is then what is compared."""
    return {experiment.prompt_version.partition("-")[0] for experiment in tries.experiments}
