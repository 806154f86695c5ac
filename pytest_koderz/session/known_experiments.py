"""What the controller knows of the experiments."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from pytest_koderz.core.experiment import Experiment
from pytest_koderz.records.reader import in_order

from .runner import Benchmark


class KnownExperiments:
    """Those that were reported, those that this process began, and those that others left in their journals."""

    def __init__(self, benchmark: Benchmark) -> None:
        self._benchmark = benchmark
        self._reported: dict[str, Experiment] = {}
        self._left: dict[str, Experiment] = {}
        self._complaints: Counter[str] = Counter()

    def report(self, experiment: Experiment, complaints: Mapping[str, int]) -> Experiment:
        """Take an ended one from its report, with what observers in its process complained of; as it counts now."""
        self._complaints.update(complaints)
        before = self._reported.get(experiment.id)
        if before is not None:
            # Run again by a plugin such as pytest-rerunfailures: one experiment, and all of its attempts are paid for.
            experiment = experiment.after(before)
        self._reported[experiment.id] = experiment
        return experiment

    def find(self, left: Iterable[Experiment]) -> None:
        """Take those of a process that was cut short; what is known better stays as it is."""
        self._left.update({one.id: one for one in left})

    def complain(self, what: str) -> None:
        self._complaints[what] += 1

    def complaints(self) -> Mapping[str, int]:
        """What went wrong beside the experiments, and how often."""
        return self._complaints + self._benchmark.hooks.complaints

    def in_order(self) -> tuple[Experiment, ...]:
        """All that began, by problem and arm."""
        begun = {one.id: one for one in self._benchmark.unreported()}
        known = self._left | begun | self._reported
        return in_order(known.values(), [arm.name for arm in self._benchmark.settings.arms])
