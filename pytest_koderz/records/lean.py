"""What of an ended experiment its figures need; its texts stand in the journal, and are read there when asked for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from pytest_koderz.core.experiment import Advice, Experiment, Guidance, Spec
from pytest_koderz.core.iteration import Candidate, Failure, Iteration, Verdict

from .codec import Malformed, parsed
from .events import Ended, event_of, journals_in

ELSEWHERE = "(in the journal)"
"""In the place of a text that is left out: an empty one is no reply."""
BEGINNING = 100
"""Bytes in which a line says what it is."""

Said = TypeVar("Said", Spec, Guidance, Advice)
_CODE = Candidate("")


def lean(experiment: Experiment) -> Experiment:
    """Without what models wrote and programs printed; what failed last stays, as a line. One that is not settled stays
    whole: the journal may not have taken its end.
    """
    if not experiment.status.settled:
        return experiment
    return replace(
        experiment,
        spec=None if experiment.spec is None else _quiet(experiment.spec),
        iterations=tuple(_bare(each, last=each is experiment.iterations[-1]) for each in experiment.iterations),
        checkpoints=tuple(map(_quiet, experiment.checkpoints)),
        advice=tuple(map(_quiet, experiment.advice)),
        graded=None if experiment.graded is None else _silent(experiment.graded, last=True),
    )


def whole(folder: Path, wanted: Iterable[Experiment]) -> dict[str, Experiment]:
    """By id those of *wanted* that the journals in *folder* hold, with all texts, as their last end there is."""
    ids, found = {one.id: one for one in wanted}, dict[str, Experiment]()
    for path in journals_in(folder):
        with path.open("rb") as lines:
            for line in lines:
                record = _ended_in(line)
                if record is not None and record.id in ids and _is_same(record, ids[record.id]):
                    found[record.id] = record
    return found


def is_end(line: bytes) -> bool:
    """Whether a journal's line is of an experiment's end."""
    return b'"event":"ended"' in line[:BEGINNING]


def _ended_in(line: bytes) -> Experiment | None:
    """None for a line of another kind, and for one that cannot be read, which is somebody else's to name."""
    if not is_end(line):
        return None
    try:
        what = event_of(parsed(line)).what
    except Malformed:
        return None
    return what.record if isinstance(what, Ended) else None


def _is_same(recorded: Experiment, known: Experiment) -> bool:
    """An earlier attempt is another one."""
    return (recorded.status, len(recorded.iterations)) == (known.status, len(known.iterations))


def _quiet(said: Said) -> Said:
    return replace(said, text=ELSEWHERE) if said.text.strip() else said


def _bare(iteration: Iteration, *, last: bool) -> Iteration:
    return replace(
        iteration,
        candidates=tuple(None if each is None else _CODE for each in iteration.candidates),
        verdicts=tuple(_silent(each, last=last) for each in iteration.verdicts),
        feedback="",
    )


def _silent(verdict: Verdict, *, last: bool) -> Verdict:
    kept = verdict.failures[:1] if last else ()
    first = tuple(Failure(each.exception or each.explanation or each.summary) for each in kept)
    return replace(verdict, failures=first, stdout="", stderr="")
