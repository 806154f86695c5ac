"""What the tests that were not iterated on say, and what of them got out beforehand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pytest_koderz.core.audit import COMPLETE_SOLUTION, HIDDEN_VALUE
from pytest_koderz.core.experiment import Experiment


@dataclass(frozen=True, slots=True)
class HoldOut:
    """Settled experiments that passed the tests they were iterated on, judged by tests that were held out."""

    settled: int
    passed_base: int
    """Of them, those that the held-out tests judged."""
    passed_plus: int
    """Of these, those that passed them too."""
    ungraded: int
    """Passed the base tests of a problem that has no others."""

    @property
    def gap(self) -> float:
        """By how much the share of solved would be overstated without the held-out tests."""
        return (self.passed_base - self.passed_plus) / self.settled


@dataclass(frozen=True, slots=True)
class Leaks:
    """What the audit found in specs, guidance and advice; see `core.audit`."""

    experiments: int
    """Settled experiments with any."""
    hidden_values: int
    complete_solutions: int


def hold_out_of(settled: Sequence[Experiment]) -> HoldOut | None:
    """None where no experiment was graded by other tests than those it was iterated on."""
    settled = [experiment for experiment in settled if experiment.accept_on == "base"]
    graded = [experiment.graded for experiment in settled if experiment.graded is not None]
    if not graded:
        return None
    passed = sum(bool(experiment.iterations) and experiment.iterations[-1].passed for experiment in settled)
    return HoldOut(len(settled), len(graded), sum(verdict.passed for verdict in graded), passed - len(graded))


def leaks_in(experiment: Experiment) -> Iterator[str]:
    """All that was found in what *experiment* worked from."""
    if experiment.spec is not None:
        yield from experiment.spec.leaks
    for guidance in experiment.checkpoints:
        yield from guidance.leaks
    for advice in experiment.advice:
        yield from advice.leaks


def leaks_of(settled: Sequence[Experiment]) -> Leaks:
    found = [list(leaks_in(experiment)) for experiment in settled]
    whole = [leak for leaks in found for leak in leaks]
    return Leaks(
        experiments=sum(map(bool, found)),
        hidden_values=sum(leak.startswith(HIDDEN_VALUE) for leak in whole),
        complete_solutions=sum(leak.startswith(COMPLETE_SOLUTION) for leak in whole),
    )
