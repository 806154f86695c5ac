"""`--koderz-jobs auto`: how many experiments are in flight, from what the local models' servers answer at once."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pytest_koderz.backends.http.hosts import is_own
from pytest_koderz.core.arm import ModelSettings, Role
from pytest_koderz.reporters.text import counted
from pytest_koderz.settings import Settings

from .speaking import shown

if TYPE_CHECKING:
    from .context import BenchmarkRun

PER_SLOT = 2
"""While one experiment is judged, or asks the frontier, another one uses the slot."""
ELSEWHERE = 4
"""Of a service that is not one's own, where `max_in_flight` does not say how much may be asked of it at once."""


@dataclass(frozen=True, slots=True)
class ChosenJobs:
    """How many experiments each process keeps in flight, and why so many."""

    number: int
    why: str

    def over(self, workers: int) -> ChosenJobs:
        """The share of each of so many processes, at least one."""
        if workers < 2:
            return self
        return ChosenJobs(-(-self.number // workers), f"in each of {workers} workers, {self.number} in all: {self.why}")


def with_jobs(settings: Settings, workers: int) -> Settings:
    """*settings* with a number, where they leave it to us; asks the servers. A cluster says it itself."""
    if not settings.chooses_jobs or not settings.asks_servers:
        return settings
    chosen = chosen_jobs(settings).over(workers)
    return replace(settings, jobs=chosen.number, why_jobs=chosen.why)


def chosen_jobs(settings: Settings) -> ChosenJobs:
    """The most of what one's own servers, services elsewhere and this machine's cores allow, of the local models that
    take part.
    """
    return max(_choices(settings), key=lambda chosen: chosen.number)


def _choices(settings: Settings) -> Iterator[ChosenJobs]:
    local = {model.name: model for arm in settings.arms for model in arm.players(Role.LOCAL)}
    own, elsewhere, here = dict[str, int | None](), dict[str, int](), False
    for model in local.values():
        places = settings.backend_of(model).slots_of(model, settings.environment)
        here = here or not places
        for place, slots in places.items():
            most = slots or _in_flight(model)
            if is_own(place):
                own[place] = max(own.get(place) or 0, most or 0) or None
            else:
                elsewhere[place] = max(elsewhere.get(place, 0), most or ELSEWHERE)
    if own:
        yield _of_servers(own)
    if elsewhere:
        services = counted(len(elsewhere), "service")
        yield ChosenJobs(sum(elsewhere.values()), f"what {services} elsewhere may be asked at once (`max_in_flight`)")
    if here:
        cores = _cores()
        yield ChosenJobs(cores, f"{counted(cores, 'core')} for models that run in this process")


def _in_flight(model: ModelSettings) -> int | None:
    """How much the settings let be asked of a server at once. None: they do not say."""
    said = model.options.get("max_in_flight")
    return said if isinstance(said, int) else None


def _of_servers(slots: Mapping[str, int | None]) -> ChosenJobs:
    """A server that does not say how many slots it has counts as one of one."""
    number = sum(each or 1 for each in slots.values())
    silent = sum(each is None for each in slots.values())
    told = f"; {silent} of them do not say how many they have, and count as one: set `slots`" if silent else ""
    where = f"{counted(number, 'slot')} of {counted(len(slots), 'server')}"
    return ChosenJobs(PER_SLOT * number, f"{PER_SLOT} for each of the {where}{told}")


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def register(run: BenchmarkRun) -> None:
    if run.settings.why_jobs:
        run.register(AutoJobs(run), "auto-jobs")


class AutoJobs:
    """Tells in the header what was chosen."""

    def __init__(self, run: BenchmarkRun) -> None:
        self._run = run

    def pytest_report_header(self) -> str:
        settings = self._run.settings
        return shown(self._run.config, f"koderz: {self._run.mark}jobs: {settings.jobs} ({settings.why_jobs})")
