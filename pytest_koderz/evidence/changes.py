"""What changed between two runs of the same problems."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from pytest_koderz.core.arm import Arm
from pytest_koderz.core.experiment import Experiment

from .compare import Comparison, compare, judge
from .places import Places, places_of
from .problems import Tries, by_problem


@dataclass(frozen=True, slots=True)
class Candidacy:
    """One arm of one run, with the name by which it is asked for."""

    label: str
    """`bench_1a2b3c4d:koderz`."""
    experiments: tuple[Experiment, ...]
    definitions: tuple[Arm, ...] = ()
    """Of the arm, where it is known."""


@dataclass(frozen=True, slots=True)
class Change:
    """From the one before to the one after, on the problems that both settled."""

    before: str
    after: str
    gained: tuple[str, ...]
    """Problems that are solved now and were not; with several epochs solved more often."""
    lost: tuple[str, ...]
    lost_in: tuple[Experiment, ...]
    """For each that is lost the first experiment after that did not solve it."""
    comparison: Comparison
    """The one after is its arm, the one before its control."""
    seconds: float
    """Wall-clock of one epoch of these problems, after."""
    seconds_before: float
    prompts: tuple[str, ...]
    """Their versions, where the two differ."""
    places: Places | None = None
    """By file of a repository, the one before as the control. None: of no function of a repository."""


def changes_of(
    pairs: Sequence[tuple[Candidacy, Candidacy]], margin: float, local_rate: Decimal | None = None
) -> tuple[Change, ...]:
    """Of pairs of before and after: the first is tested at the full level, the others share one (Holm).

    Other prompts are a change like any other here, and no reason to leave a problem out.
    """
    compared = [_compared(before, after, margin, local_rate) for before, after in pairs]
    told = zip(pairs, judge(compared), strict=True)
    return tuple(
        replace(_change(before, after, comparison), places=_by_file(before, after, margin, local_rate))
        for (before, after), comparison in told
    )


def _compared(before: Candidacy, after: Candidacy, margin: float, local_rate: Decimal | None) -> Comparison:
    # The experiments take the labels, so that the lines name the run as well as the arm.
    definitions = [replace(arm, name=side.label) for side in (before, after) for arm in side.definitions]
    return compare(_labelled(after), _labelled(before), margin, local_rate, definitions)


def _by_file(before: Candidacy, after: Candidacy, margin: float, local_rate: Decimal | None) -> Places | None:
    return places_of(_labelled(after), _labelled(before), margin, local_rate)


def _labelled(side: Candidacy) -> list[Experiment]:
    return [replace(one, arm=side.label, prompt_version="") for one in side.experiments]


def _change(before: Candidacy, after: Candidacy, comparison: Comparison) -> Change:
    then, now = by_problem(before.experiments), by_problem(after.experiments)
    both = [key for key in now if key in then]
    lost = tuple(key for key in both if now[key].share < then[key].share)
    versions = tuple(" and ".join(sorted(_versions(side))) for side in (before, after))
    return Change(
        before.label,
        after.label,
        gained=tuple(key for key in both if now[key].share > then[key].share),
        lost=lost,
        lost_in=tuple(next(one for one in now[key].experiments if not one.solved) for key in lost),
        comparison=replace(comparison, arm=after.label, control=before.label),
        seconds=sum(_seconds(now[key]) for key in both),
        seconds_before=sum(_seconds(then[key]) for key in both),
        prompts=versions if versions[0] != versions[1] else (),
    )


def _seconds(tries: Tries) -> float:
    return sum(one.seconds for one in tries.experiments) / tries.settled


def _versions(side: Candidacy) -> set[str]:
    return {one.prompt_version for one in side.experiments if one.prompt_version}
