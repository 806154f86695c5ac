"""What the journals of a benchmark hold, for one that goes on."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from operator import itemgetter
from pathlib import Path
from typing import Any

from pytest_koderz.core.errors import JournalFault
from pytest_koderz.core.experiment import Advice, Experiment, Guidance, Spec
from pytest_koderz.core.iteration import Iteration
from pytest_koderz.core.ports import Reply
from pytest_koderz.files.usage_error import UsageError

from .codec import value_of
from .conditions import digest_of
from .journal import VERSION

UNKNOWN = "journal version (an older one, which does not say under which conditions)"


@dataclass(frozen=True, slots=True)
class Event:
    """A line of a journal."""

    place: str
    """`file:line`."""
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Past:
    """What is recorded of one experiment under the same conditions; empty where nothing is."""

    started: str = ""
    """ISO 8601, UTC; empty: it never began."""
    replies: Mapping[tuple[str, str], Reply] = field(default_factory=dict)
    """By role and prompt digest: what was paid for."""
    specs: tuple[Spec, ...] = ()
    iterations: tuple[Iteration, ...] = ()
    checkpoints: tuple[Guidance, ...] = ()
    advice: tuple[Advice, ...] = ()
    settled: Experiment | None = None
    """The whole record, where it was solved or unsolved. None: it was cut short, invalid or skipped."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """The journals of one benchmark."""

    heads: tuple[Mapping[str, Any], ...] = ()
    """What each process said first, the earliest first."""
    experiments: Mapping[str, Mapping[str, tuple[Event, ...]]] = field(default_factory=dict)
    """By experiment and digest of its conditions: what happened, the earliest first."""

    def past(self, experiment_id: str, conditions: Mapping[str, str]) -> Past:
        """What can be taken over. Raises JournalFault for a line that is no record."""
        return _past(self.experiments.get(experiment_id, {}).get(digest_of(conditions), ()))

    def changes(self, experiment_id: str, conditions: Mapping[str, str]) -> tuple[str, ...]:
        """Which conditions differ from those it was last recorded under; none where nothing is in the way."""
        runs = self.experiments.get(experiment_id, {})
        if not runs or digest_of(conditions) in runs:
            return ()
        return _changes([run[0] for run in runs.values()], conditions)

    def changes_of_arm(self, arm: str, conditions: Mapping[str, str]) -> tuple[str, ...]:
        """The same for all experiments of an arm; *conditions* are those that do not depend on the problem."""
        starts = [
            run[0] for runs in self.experiments.values() for run in runs.values() if run[0].values.get("arm") == arm
        ]
        unlike = [start for start in starts if _changes([start], conditions)]
        return _changes(unlike, conditions) if len(unlike) == len(starts) and starts else ()

    def calls(self) -> Iterator[Event]:
        """Every answered call, under whatever conditions."""
        for runs in self.experiments.values():
            for run in runs.values():
                yield from (event for event in run if event.values["event"] == "called")

    def counts(self) -> tuple[int, int]:
        """How many experiments are settled, and how many began and are not, under whatever conditions."""
        settled = sum(
            any(_is_settled(event) for event in run) for runs in self.experiments.values() for run in runs.values()
        )
        return settled, sum(len(runs) for runs in self.experiments.values()) - settled


def _changes(starts: Iterable[Event], conditions: Mapping[str, str]) -> tuple[str, ...]:
    """How *conditions* differ from those of the latest of *starts*; of a problem only where it is among them."""
    before: Mapping[str, str] | None = max(starts, key=lambda start: str(start.values["at"])).values.get("under")
    if before is None:
        return (UNKNOWN,)
    names = dict.fromkeys((*conditions, *(name for name in before if name != "problem")))
    return tuple(name for name in names if conditions.get(name) != before.get(name))


def read_folder(folder: Path) -> Recorded:
    """All journals of *folder*. Raises UsageError, with file and line, for what cannot be a journal of ours.

    A torn last line is what a killed process leaves, and is passed over.
    """
    events = _in_order([list(_events(path)) for path in sorted(folder.glob("*.jsonl"))])
    grouped: dict[str, dict[str, list[Event]]] = {}
    for event in events:
        if "experiment" in event.values:
            runs = grouped.setdefault(str(event.values["experiment"]), {})
            runs.setdefault(str(event.values.get("conditions", "")), []).append(event)
    heads = tuple(event.values for event in events if event.values["event"] == "benchmark")
    return Recorded(heads, {key: {name: tuple(run) for name, run in runs.items()} for key, runs in grouped.items()})


def _in_order(journals: Iterable[Sequence[Event]]) -> list[Event]:
    """By time across journals; within one as it was written, also where the clock was set back meanwhile."""
    timed: list[tuple[str, Event]] = []
    for events in journals:
        times = accumulate((str(event.values["at"]) for event in events), max)
        timed += zip(times, events, strict=True)
    return [event for _, event in sorted(timed, key=itemgetter(0))]


def _events(path: Path) -> Iterator[Event]:
    try:
        lines = path.read_bytes().split(b"\n")[:-1]
    except OSError as fault:
        raise UsageError(f"{path}: {fault.strerror or fault}") from None
    for number, line in enumerate(lines, 1):
        values = _values(line)
        if values is not None:
            yield Event(f"{path}:{number}", _checked(values, f"{path}:{number}"))
        elif number < len(lines):
            raise UsageError(f"{path}:{number}: is no line of a journal; remove it to go on without what it held")


def _values(line: bytes) -> dict[str, Any] | None:
    try:
        values = json.loads(line)
    except ValueError:
        return None
    return values if isinstance(values, dict) and {"v", "event", "at"} <= values.keys() else None


def _checked(values: dict[str, Any], place: str) -> dict[str, Any]:
    """Without the prompt's text, which nobody needs here."""
    version = values["v"]
    if not isinstance(version, int) or version > VERSION:
        newer = f"was written by a newer version of pytest-koderz (format {version!r}, this one reads up to {VERSION})"
        raise UsageError(f"{place}: {newer}")
    if isinstance(values.get("prompt"), dict):
        values["prompt"] = {"digest": values["prompt"].get("digest")}
    return values


def _past(run: Iterable[Event]) -> Past:
    found: dict[str, list[Any]] = {name: [] for name in _READ}
    for event in run:
        name = event.values["event"]
        if name in _READ and (name != "ended" or _is_settled(event)):
            found[name].append(_read(event))
    return Past(
        started=next(iter(found["began"]), ""),
        # The first of two answers to one prompt is what the experiment went on with.
        replies=dict(reversed(found["called"])),
        specs=tuple(found["spec_written"]),
        iterations=tuple(found["iterated"]),
        checkpoints=tuple(found["checkpointed"]),
        advice=tuple(found["advised"]),
        settled=found["ended"][-1] if found["ended"] else None,
    )


def _read(event: Event) -> Any:
    try:
        return _READ[event.values["event"]](event.values)
    except (KeyError, TypeError, ValueError) as fault:
        detail = str(fault).splitlines()[0]
        raise JournalFault(f"{event.place}: is no record of this version ({detail})") from None


def _is_settled(event: Event) -> bool:
    record = event.values.get("record")
    return isinstance(record, dict) and record.get("status") in ("solved", "unsolved")


_READ: Mapping[str, Callable[[Mapping[str, Any]], Any]] = {
    "began": lambda values: str(values["started"]),
    "called": lambda values: ((values["role"], values["prompt"]["digest"]), value_of(Reply, values["reply"])),
    "spec_written": lambda values: value_of(Spec, values["spec"]),
    "iterated": lambda values: value_of(Iteration, values["iteration"]),
    "checkpointed": lambda values: value_of(Guidance, values["guidance"]),
    "advised": lambda values: value_of(Advice, values["advice"]),
    "ended": lambda values: value_of(Experiment, values["record"]),
}
