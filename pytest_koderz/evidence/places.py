"""Which files of a repository an arm can be left to, and what is known of it by what its functions are like."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from itertools import pairwise
from typing import Self

from pytest_koderz.core.experiment import Experiment
from pytest_koderz.core.function_traits import FunctionTraits
from pytest_koderz.core.money import total
from pytest_koderz.core.problem import Traits

from .adequacy import Adequacy, adequacy_of
from .bounded_means import ROUNDING
from .compare import LEVEL
from .families import holm
from .intervals import Interval, wilson_clustered
from .pairing import Pairing
from .problems import Tries, by_problem
from .tables import CONFIDENCE, pairs_of, without_floor

LEAST = 5
"""Problems. Of a file with fewer nothing is advised."""
LEAST_APART = 3
"""Problems that one of the two must have solved more for that to count: one or two say nothing."""
HALF = 0.5
"""Of a file's problems: an arm must solve more to be left with it where no control ran."""


class By(StrEnum):
    """By what functions are put together."""

    FILE = "file"
    LENGTH = "length"
    """Lines of the body."""
    BRANCHES = "branches"
    CALLERS = "callers"


BORDERS: Mapping[By, tuple[int, int, int]] = {By.LENGTH: (1, 6, 16), By.BRANCHES: (0, 2, 5), By.CALLERS: (0, 1, 3)}
"""The least of each class. They are set beforehand: classes that follow the outcomes would show what one looks for."""


class PlaceAdvice(StrEnum):
    """Who should be asked for the functions of a file."""

    LOCAL = "local"
    """The arm: it solves as much, up to the margin, for less, or it solves more; without a control it solves more than
    half of them.
    """
    OPEN = "open"
    """What would decide are fewer than LEAST_APART problems; without a control one more or one less would turn it."""
    HAND_OVER = "hand over"
    """The control: the arm solves less by more than the margin, or costs as much or more and solves no more."""
    NEITHER = "neither"
    """Nobody who ran: none of them was solved."""
    TOO_FEW = "too few"
    """Fewer than LEAST problems."""


@dataclass(frozen=True, slots=True)
class Rival:
    """The control on the same problems."""

    solved: float
    """Its share."""
    dollars: Decimal | None
    interval: Interval
    """Of the difference of the shares, arm minus control."""


@dataclass(frozen=True, slots=True)
class Place:
    """Some functions, and what an arm came to on these; of several epochs a problem counts with their mean."""

    by: By
    name: str
    """A file, or a class such as `6 to 15`."""
    problems: int
    """Settled by the arm, and by the control where it ran."""
    solved: float
    """The arm's share."""
    solved_interval: Interval
    dollars: Decimal | None
    """Of one epoch, with the GPU where a rate is given."""
    rival: Rival | None
    """None: the control did not run."""
    adequacy: Adequacy | None
    advice: PlaceAdvice | None = None
    """None: of a class nothing is advised."""
    sure: bool = False
    """The advice holds by its interval or test, too, for all files of which this is said at once. Of solved alone:
    dollars are what they were.
    """

    @property
    def difference(self) -> float | None:
        return None if self.rival is None else self.solved - self.rival.solved

    @property
    def saved(self) -> Decimal | None:
        """Dollars. None: nobody knows a price, or the control did not run."""
        if self.rival is None or self.dollars is None or self.rival.dollars is None:
            return None
        return self.rival.dollars - self.dollars


@dataclass(frozen=True, slots=True)
class Places:
    """What one arm can be left with."""

    arm: str
    control: str | None
    """None: it did not run."""
    files: tuple[Place, ...]
    """First those to be left to the arm, the best shown first; then those to hand over, and those of which little is
    known.
    """
    classes: tuple[Place, ...]


def places_of(
    arm: Sequence[Experiment], control: Sequence[Experiment] | None, margin: float, local_rate: Decimal | None = None
) -> Places | None:
    """None where no function of a repository was settled. *control* is None where it did not run."""
    measured = _Measured.of(_with_place(arm), None if control is None else _with_place(control), margin, local_rate)
    if not measured.shared:
        return None
    parts = measured.by_file()
    files = [measured.place(By.FILE, name, part) for name, part in parts.items()]
    known = [one for one in files if one.problems >= LEAST]
    advised = dict(zip((one.name for one in known), measured.advised(known, parts), strict=True))
    ranked = sorted((advised.get(one.name) or replace(one, advice=PlaceAdvice.TOO_FEW) for one in files), key=_rank)
    classes = (measured.place(by, name, part) for by in BORDERS for name, part in measured.by_class(by))
    return Places(arm[0].arm, control[0].arm if control else None, tuple(ranked), tuple(classes))


def _with_place(experiments: Sequence[Experiment]) -> list[Experiment]:
    return [one for one in experiments if one.traits.function is not None]


@dataclass(frozen=True, slots=True)
class _Measured:
    arm: Sequence[Experiment]
    control: Sequence[Experiment] | None
    margin: float
    local_rate: Decimal | None
    shared: Mapping[str, tuple[Tries, ...]]
    """By problem the tries of all who ran."""
    several: bool
    """Suites, whose names stand before the files."""

    @classmethod
    def of(
        cls,
        arm: Sequence[Experiment],
        control: Sequence[Experiment] | None,
        margin: float,
        local_rate: Decimal | None,
    ) -> Self:
        alone = {name: (tries,) for name, tries in by_problem(arm).items()}
        shared = alone if control is None else Pairing.of(arm, control).tries
        return cls(arm, control, margin, local_rate, shared, len({one.traits.dataset for one in arm}) > 1)

    def by_file(self) -> dict[str, list[str]]:
        """Problems."""
        found: dict[str, list[str]] = {}
        for name, (mine, *_) in self.shared.items():
            found.setdefault(self._file(mine.traits), []).append(name)
        return found

    def _file(self, traits: Traits) -> str:
        return f"{traits.dataset}/{_function(traits).file}" if self.several else _function(traits).file

    def by_class(self, by: By) -> Iterator[tuple[str, list[str]]]:
        """Those that have any; what is not known of a problem puts it in none."""
        found: dict[str, list[str]] = {name: [] for name in classes_of(by)}
        for name, (mine, *_) in self.shared.items():
            number = _number(_function(mine.traits), by)
            if number is not None:
                found[class_of(by, number)].append(name)
        yield from ((name, part) for name, part in found.items() if part)

    def place(self, by: By, name: str, problems: Sequence[str]) -> Place:
        sides = list(zip(*(self.shared[each] for each in problems), strict=True))
        shares = [sum(tries.share for tries in side) / len(problems) for side in sides]
        dollars = [total(tries.cost(self.local_rate) for tries in side) for side in sides]
        table = pairs_of([(mine.solves, other.solves) for mine, other in zip(sides[0], sides[-1], strict=True)])
        rival = Rival(shares[1], dollars[1], table.interval) if self.control is not None and table else None
        interval = wilson_clustered([(tries.solved, tries.settled) for tries in sides[0]])
        assert interval is not None  # noqa: S101 - there is a problem
        return Place(by, name, len(problems), shares[0], interval, dollars[0], rival, adequacy_of(sides[0]))

    def advised(self, files: Sequence[Place], parts: Mapping[str, Sequence[str]]) -> list[Place]:
        """Each with its advice, and whether it is sure; all *files* share the level of each kind of advice."""
        advices = [_advice(one, self.margin) for one in files]
        if self.control is None:
            apart = [self._is_apart(parts[one.name], len(files)) for one in files]
            sure = [advice is not PlaceAdvice.NEITHER and told for advice, told in zip(advices, apart, strict=True)]
        else:
            pairings = [self._pairing(one.name, parts[one.name]) for one in files]
            kinds = {
                PlaceAdvice.LOCAL: holm([_p_of_local(each, self.margin) for each in pairings], LEVEL),
                PlaceAdvice.HAND_OVER: holm([each.worst(self.margin).worse for each in pairings], LEVEL),
            }
            sure = [advice in kinds and kinds[advice][place] for place, advice in enumerate(advices)]
        told = zip(files, advices, sure, strict=True)
        return [replace(one, advice=advice, sure=certain) for one, advice, certain in told]

    def _is_apart(self, problems: Sequence[str], files: int) -> bool:
        """Whether HALF lies outside of the share's interval, at a level that all *files* share (Bonferroni)."""
        tries = [self.shared[each][0] for each in problems]
        interval = wilson_clustered([(each.solved, each.settled) for each in tries], 1 - (1 - CONFIDENCE) / files)
        return interval is not None and HALF not in interval

    def _pairing(self, file: str, problems: Sequence[str]) -> Pairing:
        """With what was lost of the file, as the claims have it."""
        sides = [[one for one in side if self._file(one.traits) == file] for side in (self.arm, self.control or ())]
        tries = {each: (pair[0], pair[1]) for each in problems if len(pair := self.shared[each]) > 1}
        return Pairing(sides[0], sides[1], tries)


def _advice(one: Place, margin: float) -> PlaceAdvice:
    if not one.solved and not (one.rival and one.rival.solved):
        return PlaceAdvice.NEITHER
    if one.difference is None:
        beyond = (one.solved - HALF) * one.problems
        return PlaceAdvice.OPEN if abs(beyond) < 1 else PlaceAdvice.LOCAL if beyond > 0 else PlaceAdvice.HAND_OVER
    apart = abs(one.difference) * one.problems > LEAST_APART - ROUNDING
    if one.difference < -margin or not one.solved:
        return PlaceAdvice.HAND_OVER if apart else PlaceAdvice.OPEN
    if one.saved is None or one.saved > 0:
        return PlaceAdvice.LOCAL
    if one.difference <= 0:
        return PlaceAdvice.HAND_OVER
    return PlaceAdvice.LOCAL if apart else PlaceAdvice.OPEN


def _p_of_local(pairing: Pairing, margin: float) -> float:
    """One-sided, that the arm solves less by *margin* or more; at the floor, where that says nothing, that it does not
    solve more.
    """
    strength = pairing.worst(margin)
    if pairing.floor(margin) is not None:
        strength = without_floor(strength)
    return min(strength.matches, strength.better)


_ORDER = list(PlaceAdvice)


def _rank(one: Place) -> tuple[int, bool, float, float, int, str]:
    """Of each advice the sure ones first, and those that the intervals bear best; then what saves more."""
    advice = one.advice or PlaceAdvice.TOO_FEW
    limits = one.solved_interval if one.rival is None else one.rival.interval
    shown = limits.high if advice is PlaceAdvice.HAND_OVER else -limits.low
    return (_ORDER.index(advice), not one.sure, shown, -float(one.saved or 0), -one.problems, one.name)


def _function(traits: Traits) -> FunctionTraits:
    assert traits.function is not None  # noqa: S101 - the others were left aside
    return traits.function


def _number(function: FunctionTraits, by: By) -> int | None:
    return {By.LENGTH: function.lines, By.BRANCHES: function.branches, By.CALLERS: function.callers}[by]


def classes_of(by: By) -> list[str]:
    """`1 to 5`, `6 to 15`, `16 or more`."""
    least = BORDERS[by]
    words = [f"{low}" if low == above - 1 else f"{low} to {above - 1}" for low, above in pairwise(least)]
    return [*words, f"{least[-1]} or more"]


def class_of(by: By, number: int) -> str:
    return classes_of(by)[max(sum(number >= least for least in BORDERS[by]) - 1, 0)]
