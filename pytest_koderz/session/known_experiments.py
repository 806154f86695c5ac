"""What the controller knows of the experiments."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from pytest_koderz.core.experiment import Experiment, Status
from pytest_koderz.records.lean import lean, whole
from pytest_koderz.records.reader import in_order

from .runner import Benchmark


class KnownExperiments:
    """Those that were reported, those that this process began, and those that stand in the journals alone."""

    def __init__(self, benchmark: Benchmark) -> None:
        self._benchmark = benchmark
        self._reported: dict[str, Experiment] = {}
        self._recorded: dict[str, Experiment] = {}
        """As the journals have them, which know of attempts in other processes too."""
        self._complaints: Counter[str] = Counter()

    def report(self, experiment: Experiment, complaints: Mapping[str, int]) -> None:
        """Take an ended one from its report, with what observers in its process complained of."""
        self._complaints.update(complaints)
        # Run again by a plugin such as pytest-rerunfailures it is one experiment: the last attempt counts.
        self._reported[experiment.id] = lean(experiment)

    @property
    def reported(self) -> int:
        """How many a report told of."""
        return len(self._reported)

    @property
    def behind(self) -> bool:
        """Whether this process was charged for something that no report has told of, such as of a plugin's retry."""
        charged = self._benchmark.hooks.charged
        return any(one.id in charged and one.charged.calls < charged[one.id].calls for one in self._reported.values())

    def settle(self, recorded: Mapping[str, Experiment]) -> list[Experiment]:
        """Take what the journals hold of this run; those that ended and of which no report told."""
        self._recorded.update({name: lean(one) for name, one in recorded.items()})
        lost = [one for one in recorded.values() if one.id not in self._reported and one.status is not Status.RUNNING]
        self._reported.update({one.id: lean(one) for one in lost})
        return lost

    def complain(self, what: str) -> None:
        self._complaints[what] += 1

    def complaints(self) -> Mapping[str, int]:
        """What went wrong beside the experiments, and how often."""
        return self._complaints + self._benchmark.hooks.complaints

    def whole(self, folder: Path) -> tuple[Experiment, ...]:
        """The same as `in_order` with all texts, from the journals in *folder*."""
        known = self.in_order()
        texts = whole(folder, known)
        return tuple(texts[one.id].with_charged(one.charged) if one.id in texts else one for one in known)

    def in_order(self) -> tuple[Experiment, ...]:
        """All that began, by problem and arm; settled ones without their texts, so that many fit into memory."""
        begun = {one.id: one for one in self._benchmark.unreported()}
        known = self._recorded | begun | self._reported
        return in_order(map(self._as_recorded, known.values()), [arm.name for arm in self._benchmark.settings.arms])

    def _as_recorded(self, known: Experiment) -> Experiment:
        """A journal may have a later attempt than was heard of; one that it could not take to its end it has not."""
        recorded = self._recorded.get(known.id, known)
        return recorded if recorded.status is not Status.RUNNING else known.with_charged(recorded.charged)
