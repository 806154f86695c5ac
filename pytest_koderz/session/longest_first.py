"""What took long before begins first, so that no long experiment is left alone at the end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import TYPE_CHECKING, Any

import pytest

from pytest_koderz.records.past_durations import Durations, past_durations
from pytest_koderz.reporters.text import counted

from .context import BenchmarkRun
from .speaking import shown
from .worker_messages import number_of_workers

if TYPE_CHECKING:
    from .items import ExperimentItem

TOLD = "koderz_durations"
"""To workers: all of them must collect the same order, whatever they could read by then."""


def register(run: BenchmarkRun) -> None:
    """Where several experiments are in flight, nothing else lays down an order, and something is known."""
    if run.is_worker:
        durations = getattr(run.config, "workerinput", {}).get(TOLD, {})
    else:
        durations = _known(run) if may_choose(run) else {}
    if durations:
        run.register(LongestFirst(run, durations), "longest-first")


def may_choose(run: BenchmarkRun) -> bool:
    """Whether the order saves time and means nothing."""
    settings, option = run.settings, run.config.option
    several = settings.jobs > 1 or number_of_workers(run.config) > 1
    # What is cut short by these must be a sample; and stepwise goes on at a place of the order that was.
    drawn = settings.sample is not None or settings.stops_when_decided or settings.max_cost is not None
    in_turn = getattr(option, "stepwise", False)
    return several and not (drawn or in_turn or run.frame.looks or option.collectonly)


def _known(run: BenchmarkRun) -> Durations:
    arms = [arm.name for arm in run.settings.arms]
    return past_durations(run.settings.folder, arms, simulated=run.settings.simulated)


class LongestFirst:
    """In the process that runs the items; with workers of xdist in each of them, as the controller tells them."""

    def __init__(self, run: BenchmarkRun, durations: Mapping[str, Mapping[str, float]]) -> None:
        self._run = run
        self._durations = durations

    def pytest_report_header(self) -> str:
        known = sum(map(len, self._durations.values()))
        words = f"order: longest first, by {counted(known, 'past duration')}; cut short, it is no sample"
        return shown(self._run.config, f"koderz: {self._run.mark}{words}")

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        node.workerinput[TOLD] = self._durations

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """First of all: whatever else puts items in an order, such as --ff, has the last word."""
        from .items import ExperimentItem

        ours = [item for item in items if isinstance(item, ExperimentItem)]
        ordered = iter(self._ordered(ours))
        items[:] = [next(ordered) if isinstance(item, ExperimentItem) else item for item in items]

    def _ordered(self, items: Sequence[ExperimentItem]) -> Sequence[ExperimentItem]:
        """What is not known stands where the median does; what is equally long stays as it was."""
        seconds = [self._durations.get(item.arm.name, {}).get(item.problem.id) for item in items]
        known = [each for each in seconds if each is not None]
        middle = median(known) if known else 0.0
        places = sorted(range(len(items)), key=lambda place: -_or(seconds[place], middle))
        return [items[place] for place in places]


def _or(seconds: float | None, middle: float) -> float:
    return middle if seconds is None else seconds
