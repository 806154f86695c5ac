"""What a pass is worth: the share of wrong versions of a function that its tests refuse."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from pytest_koderz.core.experiment import Experiment
from pytest_koderz.core.function_traits import WEAK

from .problems import Tries


@dataclass(frozen=True, slots=True)
class Adequacy:
    """Of the tests of some problems, each counted once."""

    problems: int
    """Of which it is known."""
    median: float
    lowest: float
    weak: int
    """Problems below WEAK."""


@dataclass(frozen=True, slots=True)
class WeakTests:
    """Of one problem: a pass of them says little, whoever wrote the function."""

    problem_id: str
    file: str
    adequacy: float


def adequacy_of(problems: Iterable[Tries]) -> Adequacy | None:
    """None where it is not known of any."""
    known = [one.adequacy for tries in problems if (one := tries.traits.function) and one.adequacy is not None]
    if not known:
        return None
    return Adequacy(len(known), median(known), min(known), sum(each < WEAK for each in known))


def weak_tests(experiments: Sequence[Experiment]) -> tuple[WeakTests, ...]:
    """Those of the problems that were asked for, the weakest first."""
    functions = {one.problem_id: one.traits.function for one in experiments}
    found = [
        WeakTests(name, one.file, one.adequacy)
        for name, one in functions.items()
        if one and one.adequacy is not None and one.adequacy < WEAK
    ]
    return tuple(sorted(found, key=lambda one: (one.adequacy, one.problem_id)))
