"""A benchmark as Markdown: the verdict and the arms first, the whole summary and what was not solved folded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pytest_koderz.core.experiment import Experiment
from pytest_koderz.evidence.findings import Frame, findings_of
from pytest_koderz.evidence.places import Places

from .arm_row import table_rows
from .claim_lines import verdict_lines
from .markdown import cut, fenced, inline, table
from .place_lines import file_rows, folder_of, heading, heads
from .summary import SIMULATED, WIDEST, summary_lines
from .text import counted, headline

ROWS = 200
"""Experiments that were not solved and are listed; the rest is counted."""
LONGEST = 300
"""Letters of why one was not."""


def markdown_of(frame: Frame, experiments: Sequence[Experiment], closing: Sequence[str] = ()) -> str:
    """At most 1 MiB, which is what GitHub takes of a step's summary. *closing* are lines of gates and the like."""
    findings = findings_of(frame, experiments)
    mark = SIMULATED if frame.simulated else ""
    claims = [mark + line for line in verdict_lines(frame, findings)]
    head, *rows = table_rows(findings.arms)
    whole = summary_lines(frame, experiments, WIDEST, whole=True)
    parts = [
        f"## {mark}koderz {inline(frame.benchmark_id)}\n",
        *([fenced(claims)] if claims else []),
        table(head, rows),
        *([] if frame.shard else (_files(places, mark) for places in findings.places)),
        *([fenced(closing)] if closing else []),
        _folded("Summary", fenced(whole)),
        *_unsolved(experiments),
    ]
    return cut("\n".join(parts) + "\n")


def _files(places: Places, mark: str) -> str:
    """Who should be asked for the functions of which file, ranked."""
    rows = [row for _, row in file_rows(places)]
    more = f"\n{counted(len(rows) - ROWS, 'more file')}\n" if len(rows) > ROWS else ""
    words = inline(mark + heading(places, folder_of(places)))
    return f"{words}\n\n{table(('', 'file', *heads(places)), rows[:ROWS])}{more}"


def _unsolved(experiments: Sequence[Experiment]) -> Iterator[str]:
    found = [one for one in experiments if not one.solved]
    if not found:
        return
    rows = [(_cut(one.problem_id), _cut(one.arm), str(one.status), _cut(headline(one))) for one in found[:ROWS]]
    more = f"\n{counted(len(found) - ROWS, 'more experiment')}\n" if len(found) > ROWS else ""
    yield _folded(f"Not solved: {len(found)}", table(("problem", "arm", "outcome", "why"), rows) + more)


def _folded(heading: str, text: str) -> str:
    return f"<details><summary>{heading}</summary>\n\n{text}\n</details>\n"


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 3] + "..."
