"""Where an arm gains on the control, and where it loses: by how hard problems are, and by how they are sorted.

What makes a stratum must not have been chosen by the outcomes that are compared in it. Of the problems that the control
failed in the very run that is compared any arm solves more than the control, by chance alone: regression to the mean.
Therefore an epoch of the control is sorted by its other epochs, which tell nothing of the luck of this one; with one
epoch alone problems are sorted by the length of their published solution, which nobody's luck has changed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from .bounded_means import limits_of, sample_of
from .intervals import Interval, quantile
from .pairing import Pairing
from .problems import Tries
from .tables import CONFIDENCE, pairs_of

LEAST = 10
"""Problems. Of fewer nothing is told by itself."""
THIRDS = ("short", "medium", "long")


class Basis(StrEnum):
    """By what problems are sorted."""

    CONTROL = "control"
    """How often the control solved them in its other epochs."""
    LENGTH = "length"
    """Thirds by the length of the published solution."""
    CATEGORY = "category"
    """As the data set sorts them; a problem may be in several."""


@dataclass(frozen=True, slots=True)
class Stratum:
    """Some of the problems that both settled, and what both came to on these."""

    basis: Basis
    name: str
    """Of how often the control solved them `none`, `some` or `all`; of the length `short`, `medium` or `long`."""
    problems: int
    """By the control's epochs a problem may be in several, with the epochs that belong there."""
    solved: float
    """The arm's share."""
    control_solved: float
    interval: Interval
    """Of the difference. No claim rests on it: of many strata one is soon in front by chance."""

    @property
    def difference(self) -> float:
        return self.solved - self.control_solved


def strata_of(pairing: Pairing) -> tuple[Stratum, ...]:
    """By difficulty, then by category; those with fewer than LEAST problems are left out."""
    pairs = list(pairing.tries.values())
    several = all(other.settled > 1 for _, other in pairs)
    hard = _by_control(pairs) if pairs and several else _by_length(pairs)
    return (*hard, *_by_category(pairs))


Pair = tuple[Tries, Tries]


def _by_length(pairs: Sequence[Pair]) -> list[Stratum]:
    """None where a solution is not known: what is left would not be all."""
    if len(pairs) < len(THIRDS) * LEAST or not all(mine.traits.solution_length for mine, _ in pairs):
        return []
    ordered = sorted(pairs, key=lambda pair: (pair[0].traits.solution_length, pair[0].problem_id))
    cuts = [round(len(ordered) * number / len(THIRDS)) for number in range(len(THIRDS) + 1)]
    parts = {name: ordered[cuts[place] : cuts[place + 1]] for place, name in enumerate(THIRDS)}
    return [_stratum(Basis.LENGTH, name, part) for name, part in parts.items()]


def _by_category(pairs: Sequence[Pair]) -> list[Stratum]:
    groups: dict[str, list[Pair]] = {}
    for mine, other in pairs:
        for name in mine.traits.categories:
            groups.setdefault(name, []).append((mine, other))
    known = {name: group for name, group in groups.items() if len(group) >= LEAST}
    largest = sorted(known, key=lambda name: (-len(known[name]), name))
    return [_stratum(Basis.CATEGORY, name, known[name]) for name in largest]


def _stratum(basis: Basis, name: str, pairs: Sequence[Pair]) -> Stratum:
    table = pairs_of([(mine.solves, other.solves) for mine, other in pairs])
    assert table is not None  # noqa: S101 - there are LEAST pairs
    solved, other = (sum(tries.share for tries in side) / len(pairs) for side in zip(*pairs, strict=True))
    return Stratum(basis, name, len(pairs), solved, other, table.interval)


@dataclass(frozen=True, slots=True)
class _Part:
    """The epochs of the control on one problem that belong to a stratum."""

    solved: float
    """The arm's share, of all its epochs."""
    control_solved: float
    weight: int
    """How many epochs of the control these are."""


def _by_control(pairs: Sequence[Pair]) -> list[Stratum]:
    groups: dict[str, list[_Part]] = {"none": [], "some": [], "all": []}
    for mine, other in pairs:
        for name, outcomes in _sorted_epochs(other).items():
            groups[name].append(_Part(mine.share, sum(outcomes) / len(outcomes), len(outcomes)))
    return [_weighed(name, parts) for name, parts in groups.items() if len(parts) >= LEAST]


def _sorted_epochs(control: Tries) -> Mapping[str, Sequence[bool]]:
    """Whether each epoch solved it, by how many of the others did."""
    found: dict[str, list[bool]] = {}
    for one in control.experiments:
        others, most = control.solved - one.solved, control.settled - 1
        found.setdefault("none" if not others else "all" if others == most else "some", []).append(one.solved)
    return found


def _weighed(name: str, parts: Sequence[_Part]) -> Stratum:
    """Each epoch counts once, or the luck that brought a problem few epochs here would count for more than its due."""
    whole = sum(part.weight for part in parts)

    def mean(share: Callable[[_Part], float]) -> float:
        return sum(share(part) * part.weight for part in parts) / whole

    sample = sample_of(((1 + part.solved - part.control_solved) / 2, part.weight) for part in parts)
    low, high = (2 * limit - 1 for limit in limits_of(sample, quantile(CONFIDENCE)))
    solved, other = mean(lambda part: part.solved), mean(lambda part: part.control_solved)
    return Stratum(Basis.CONTROL, name, len(parts), solved, other, Interval(low, high))
