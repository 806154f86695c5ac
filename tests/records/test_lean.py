"""What is kept of an experiment comes to the same figures as all of it, and all of it is in the journal."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from pytest_koderz.core.experiment import Guidance, Spec, Status
from pytest_koderz.core.iteration import Candidate, Failure, Iteration, Outcome, Verdict
from pytest_koderz.evidence.findings import Frame
from pytest_koderz.records.journal import Journal
from pytest_koderz.records.lean import lean, whole
from pytest_koderz.reporters.results import results_of
from pytest_koderz.reporters.run_markdown import markdown_of
from pytest_koderz.reporters.summary import summary_lines
from tests.core.worlds import START

LONG = "x" * 10_000
FAILED = Verdict(
    Outcome.WRONG,
    1,
    3,
    (Failure("it is wrong", LONG, "assert 1 == 2", None), Failure(LONG)),
    stdout=LONG,
    stderr=LONG,
)
ENDED = replace(
    START,
    spec=Spec(LONG, "frontier", leaks=("a value",)),
    iterations=(
        Iteration(1, (Candidate(LONG), None), (FAILED, Verdict(Outcome.NO_CODE)), feedback=LONG),
        Iteration(2, (Candidate(LONG),), (FAILED,), feedback=LONG, repeated=True),
    ),
    checkpoints=(Guidance(1, 1, LONG, "frontier"),),
).ended(Status.UNSOLVED, 2.5)


def test_the_figures_are_the_same() -> None:
    """And the rest is small."""
    frame = Frame("bench_1", (ENDED.arm,), "control", 0.05, None)
    kept = lean(ENDED)
    assert summary_lines(frame, [kept], whole=True) == summary_lines(frame, [ENDED], whole=True)
    assert markdown_of(frame, [kept]) == markdown_of(frame, [ENDED])
    assert json.dumps(results_of(frame, {}, [kept])) == json.dumps(results_of(frame, {}, [ENDED]))
    assert len(repr(kept.iterations)) < 2_000
    assert kept.spec is not None
    assert kept.spec.usable


def test_what_is_not_settled_stays_whole() -> None:
    """The journal may not have it."""
    invalid = ENDED.ended(Status.INVALID, 1.0, "the disk is full")
    assert lean(invalid) is invalid


def test_the_journal_has_the_rest(tmp_path: Path) -> None:
    """Of the attempt that is known."""
    journal = Journal(tmp_path, "main", MappingProxyType({"id": "bench_1"}))
    journal.pytest_koderz_ended(replace(ENDED, iterations=ENDED.iterations[:1]))
    journal.pytest_koderz_ended(ENDED)
    journal.pytest_koderz_ended(replace(ENDED, iterations=()).ended(Status.INVALID, 0.0, "later"))
    journal.close()
    with journal.path.open("ab") as file:
        file.write(b'{"v":3,"event":"ended","at":"to')
    assert whole(tmp_path, [lean(ENDED)]) == {ENDED.id: ENDED}
    assert whole(tmp_path, []) == {}
