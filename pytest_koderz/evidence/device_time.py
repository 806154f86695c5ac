"""What calls took of the devices that they shared: the time of one server is the union of its busy intervals."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

from pytest_koderz.core.experiment import Experiment
from pytest_koderz.core.money import DeviceUse, Ledger, Spending


def shared_out(experiments: Sequence[Experiment]) -> tuple[Experiment, ...]:
    """*experiments*, each with its own share of the GPU-seconds.

    Where calls overlap on one server, whichever experiments, threads or processes they are of, each moment is shared
    equally among those in flight, so that no more is counted than the device was busy. A call whose interval is not
    known, such as an earlier version's, keeps what the server reported. Done again it changes nothing.
    """
    shares = _shares(use for one in experiments for row in one.ledger.spendings for use in row.uses)
    if not shares:
        return tuple(experiments)
    adjusted = [replace(one, ledger=_ledger(one.ledger, shares)) for one in experiments]
    specs = {one.id: row for one in adjusted for row in one.ledger.of_role("spec").spendings if row.calls == 1}
    return tuple(_with_spec(one, specs) for one in adjusted)


Shares = Mapping[DeviceUse, float]
"""Seconds by use; uses that are equal have equal shares."""


def _ledger(ledger: Ledger, shares: Shares) -> Ledger:
    return Ledger(tuple(_row(row, shares) for row in ledger.spendings))


def _row(row: Spending, shares: Shares) -> Spending:
    if row.gpu_seconds is None:
        return row
    told, taken = sum(use.seconds for use in row.uses), sum(shares[use] for use in row.uses)
    return replace(row, gpu_seconds=max(row.gpu_seconds - told, 0.0) + taken, uses=())


def _with_spec(experiment: Experiment, specs: Mapping[str, Spending]) -> Experiment:
    """A spec counts the same in every arm that works from it."""
    spec = experiment.spec
    row = None if spec is None else specs.get(spec.recalled_from or experiment.id)
    if spec is None or row is None or spec.gpu_seconds is None:
        return experiment
    return replace(experiment, spec=replace(spec, gpu_seconds=row.gpu_seconds))


def _shares(uses: Iterable[DeviceUse]) -> Shares:
    places: dict[str, list[DeviceUse]] = {}
    for use in uses:
        places.setdefault(use.place, []).append(use)
    return {use: share for one in places.values() for use, share in _shares_of_one(one)}


def _shares_of_one(uses: Sequence[DeviceUse]) -> Iterator[tuple[DeviceUse, float]]:
    """Each moment is divided by the number of calls in flight; equal uses are as many calls."""
    marks = sorted({moment for use in uses for moment in (use.ended - use.seconds, use.ended)})
    begins = sorted(uses, key=lambda use: use.ended - use.seconds)
    taken = [0.0] * len(begins)
    flying: list[int] = []
    upcoming = 0
    for moment, following in pairwise(marks):
        while upcoming < len(begins) and begins[upcoming].ended - begins[upcoming].seconds <= moment:
            flying.append(upcoming)
            upcoming += 1
        flying = [each for each in flying if begins[each].ended > moment]
        for each in flying:
            taken[each] += (following - moment) / len(flying)
    yield from zip(begins, taken, strict=True)
