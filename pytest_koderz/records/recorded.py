"""What the journals of a benchmark hold, for one that goes on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from itertools import accumulate
from operator import attrgetter, itemgetter
from pathlib import Path
from typing import TypeVar

from pytest_koderz.core.arm import Arm, Role
from pytest_koderz.core.experiment import Advice, Experiment, Guidance, Spec
from pytest_koderz.core.iteration import Iteration
from pytest_koderz.core.money import Ledger
from pytest_koderz.core.ports import Made, Reply, Taken
from pytest_koderz.core.problem import Problem

from .conditions import changes, conditions_of, conditions_of_role, unlike
from .earlier_journals import FIRST_WITH_DATA, digest_of_model, digests_of
from .events import (
    About,
    Advised,
    Asked,
    Began,
    Called,
    Checkpointed,
    Ended,
    Event,
    Happening,
    Head,
    Iterated,
    SpecWritten,
    events_in,
    journals_in,
)

T = TypeVar("T", bound=Happening)

UNKNOWN = "journal version (an older one, which does not say under which conditions)"

Run = Sequence[Event]
"""What happened to one experiment under the same conditions, the earliest first."""


@dataclass(frozen=True, slots=True)
class Past:
    """What is recorded of one experiment under the same conditions; empty where nothing is."""

    started: str = ""
    """ISO 8601, UTC; empty: it never began."""
    replies: Mapping[tuple[str, str], Reply] = field(default_factory=dict)
    """By role and prompt digest, in the order in which they came: what was paid for, each with what it cost then, and
    with what was made of it then, whatever its text gives now.
    """
    places: Mapping[tuple[str, int], tuple[str, str]] = field(default_factory=dict)
    """By role and seed, which each call of an experiment has of its own, the key of the reply: the latest, where a
    place was asked with several prompts.
    """
    specs: tuple[Spec, ...] = ()
    iterations: tuple[Iteration, ...] = ()
    checkpoints: tuple[Guidance, ...] = ()
    advice: tuple[Advice, ...] = ()
    settled: Experiment | None = None
    """The whole record, where it was solved or unsolved. None: it was cut short, invalid or skipped."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """The journals of one benchmark."""

    heads: tuple[Head, ...] = ()
    """What each process said first, the earliest first."""
    experiments: Mapping[str, Mapping[str, Run]] = field(default_factory=dict)
    """By experiment and by what stands for its conditions."""

    def past(self, experiment_id: str, problem: Problem, arm: Arm) -> Past:
        """What can be taken over."""
        key = self.run_key(experiment_id, problem, arm)
        return Past() if key is None else _past(self.experiments[experiment_id][key])

    def run_key(self, experiment_id: str, problem: Problem, arm: Arm) -> str | None:
        """What stands for these conditions where the experiment was recorded under them. None: it was not."""
        runs = self.experiments.get(experiment_id, {})
        return next((key for key, run in runs.items() if not _changes(run, problem, arm)), None)

    def changes(self, experiment_id: str, problem: Problem, arm: Arm) -> tuple[str, ...]:
        """Which conditions differ from those it was last recorded under; none where nothing is in the way."""
        runs = self.experiments.get(experiment_id, {})
        if not runs or self.run_key(experiment_id, problem, arm) is not None:
            return ()
        return _changes(max(runs.values(), key=_at), problem, arm)

    def changes_of_arm(self, arm: Arm) -> tuple[str, ...]:
        """The same for all experiments of an arm, in what does not depend on the problem."""
        runs = [run for runs in self.experiments.values() for run in runs.values() if about_of(run).arm == arm.name]
        changed = [run for run in runs if _changes(run, None, arm)]
        return _changes(max(changed, key=_at), None, arm) if runs and len(changed) == len(runs) else ()

    def charged(self, experiment_id: str) -> Ledger:
        """What was charged for the experiment, under whatever conditions; see `charged_in`."""
        return charged_in(list(self.experiments.get(experiment_id, {}).values()))

    def calls(self) -> Iterator[Event]:
        """Every answered call, under whatever conditions."""
        for run in self._runs():
            yield from (event for event in run if isinstance(event.what, Called))

    def calls_for_spec(self, arm: Arm) -> Iterator[Event]:
        """The answered calls for a spec that *arm* could work from: of the same model, with the same options; each with
        what was made of it.
        """
        for run in self._runs():
            if _has_spec_model(run, arm):
                yield from (event for event, call in _calls(run) if call.role is Role.SPEC)

    def counts(self) -> tuple[int, int]:
        """How many experiments are settled, and how many began and are not, under whatever conditions."""
        runs = list(self._runs())
        settled = sum(any(record.status.settled for record in _records(run)) for run in runs)
        return settled, len(runs) - settled

    def _runs(self) -> Iterator[Run]:
        for runs in self.experiments.values():
            yield from runs.values()


def read_folder(folder: Path) -> Recorded:
    """All journals of *folder*, without the prompts' texts. Raises UsageError, with file and line, for what is none."""
    events = in_order([[_lean(event) for event in events_in(path)] for path in journals_in(folder)])
    return Recorded(tuple(each_of(events, Head)), runs_in(events))


def runs_in(events: Iterable[Event]) -> Mapping[str, Mapping[str, Run]]:
    """By experiment and by what stands for its conditions."""
    grouped: dict[str, dict[str, list[Event]]] = {}
    for event in events:
        if event.about is not None:
            grouped.setdefault(event.about.experiment, {}).setdefault(event.about.conditions, []).append(event)
    return {key: {name: tuple(run) for name, run in runs.items()} for key, runs in grouped.items()}


def each_of(run: Run, kind: type[T]) -> list[T]:
    """What happened of one kind, in order."""
    return [event.what for event in run if isinstance(event.what, kind)]


def ledger_of(calls: Iterable[Called]) -> Ledger:
    """What those calls cost."""
    return reduce(lambda ledger, call: ledger + call.spending, calls, Ledger())


def charged_in(runs: Iterable[Run]) -> Ledger:
    """What all calls of *runs* cost; empty where a journal of an earlier version did not say which model was asked."""
    calls = [call for run in runs for call in each_of(run, Called)]
    return ledger_of(calls) if all(call.spending.model for call in calls) else Ledger()


def _lean(event: Event) -> Event:
    if not isinstance(event.what, Called):
        return event
    prompt = event.what.prompt
    return replace(event, what=replace(event.what, prompt=Asked(prompt.digest, seed=prompt.seed)))


def in_order(journals: Iterable[Run]) -> list[Event]:
    """By time across journals; within one as it was written, also where the clock was set back meanwhile."""
    timed: list[tuple[str, Event]] = []
    for events in journals:
        timed += zip(accumulate(map(attrgetter("at"), events), max), events, strict=True)
    return [event for _, event in sorted(timed, key=itemgetter(0))]


def _at(run: Run) -> str:
    return run[0].at


def about_of(run: Run) -> About:
    """Which experiment it is of."""
    about = run[0].about
    assert about is not None  # noqa: S101 - or it would not be in a run
    return about


def _beginning(run: Run) -> tuple[Event, Began] | None:
    """None where the journal does not say under which conditions it ran."""
    return next(((event, event.what) for event in run if isinstance(event.what, Began)), None)


def _changes(run: Run, problem: Problem | None, arm: Arm) -> tuple[str, ...]:
    found = _beginning(run)
    if found is None:
        return (UNKNOWN,)
    event, began = found
    if event.version < FIRST_WITH_DATA:
        return unlike(began.under, digests_of(problem, arm))
    return changes(began.under, conditions_of(problem, arm))


def _has_spec_model(run: Run, arm: Arm) -> bool:
    found = _beginning(run)
    if found is None or arm.spec is None:
        return False
    event, began = found
    if event.version < FIRST_WITH_DATA:
        return began.under.get(f"{Role.SPEC} model") == digest_of_model(arm.spec)
    return not unlike(
        conditions_of_role(began.under, Role.SPEC), conditions_of_role(conditions_of(None, arm), Role.SPEC)
    )


def key_of(call: Called) -> tuple[str, str]:
    """By which an answer is found again."""
    return str(call.role), call.prompt.digest


def made_of(run: Run) -> Mapping[tuple[str, str], Made]:
    """By role and prompt digest what the loop made of the answers, as far as it came to that.

    A reply may since have been cut, or had a secret taken out of it, and a later version may read it otherwise: what
    was made of it is recorded beside it, and was judged, paid for and gone on with.
    """
    made: dict[tuple[str, str], Made] = {}
    waiting: dict[tuple[str, str], None] = {}
    for event in run:
        if isinstance(event.what, Called) and not event.what.reply.cancelled and key_of(event.what) not in made:
            waiting[key_of(event.what)] = None
            continue
        roles, gave = _gave(event.what)
        keys = [key for key in waiting if key[0] in roles]
        if len(keys) == len(gave):  # or a line of the journal is missing
            made |= zip(keys, gave, strict=True)
        waiting = {key: None for key in waiting if key not in keys}
    return made


def _gave(what: Happening) -> tuple[tuple[Role, ...], Sequence[Made]]:
    """The roles of the answers that led to it, and what each of them gave, in the order in which they came."""
    if isinstance(what, SpecWritten):
        return (Role.SPEC,), [] if what.spec.recalled_from else [what.spec]
    if isinstance(what, Checkpointed):
        return (Role.CHECKPOINT,), [what.guidance]
    if isinstance(what, Iterated):
        tried = what.iteration
        return (Role.LOCAL, Role.FALLBACK), [
            Taken(candidate, tried.question, verdict, tried)
            for candidate, verdict in zip(tried.candidates, tried.verdicts, strict=True)
        ]
    return (), []


def _calls(run: Run) -> Iterator[tuple[Event, Called]]:
    """The answered calls, each with what was made of it."""
    made = made_of(run)
    for event in run:
        if isinstance(event.what, Called):
            reply = replace(event.what.reply, taken=made.get(key_of(event.what)))
            call = replace(event.what, reply=reply)
            yield replace(event, what=call), call


def _records(run: Run) -> list[Experiment]:
    return [ended.record for ended in each_of(run, Ended)]


def _first_of_each(calls: Iterable[tuple[tuple[str, str], Reply]]) -> Mapping[tuple[str, str], Reply]:
    """In the order in which they came: the first of two answers to one prompt is what the experiment went on with, but
    for one that was cancelled, which it did not go on with.
    """
    found: dict[tuple[str, str], Reply] = {}
    for key, reply in calls:
        if key in found and found[key].cancelled:
            del found[key]
        found.setdefault(key, reply)
    return found


def _past(run: Run) -> Past:
    settled = [record for record in _records(run) if record.status.settled]
    called = [call for _, call in _calls(run)]
    replies = [(key_of(call), replace(call.reply, charged=call.spending.cost)) for call in called]
    return Past(
        started=next((began.started for began in each_of(run, Began)), ""),
        replies=_first_of_each(replies),
        places={(str(call.role), call.prompt.seed): key_of(call) for call in called},
        specs=tuple(each.spec for each in each_of(run, SpecWritten)),
        iterations=tuple(each.iteration for each in each_of(run, Iterated)),
        checkpoints=tuple(each.guidance for each in each_of(run, Checkpointed)),
        advice=tuple(each.advice for each in each_of(run, Advised)),
        settled=settled[-1] if settled else None,
    )
