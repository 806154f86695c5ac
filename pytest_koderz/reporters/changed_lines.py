"""What changed between two runs, as lines for people and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from pytest_koderz.core.experiment import Experiment
from pytest_koderz.evidence.changes import Change
from pytest_koderz.evidence.findings import Frame

from .claim_lines import pair_lines
from .fixed_width import fitting
from .place_lines import changed_file_lines
from .plain_text import LONGEST_NAME, cut
from .results import comparison_json
from .summary import SIMULATED, WIDEST, WIDTH, in_parts
from .text import LONGEST, counted, last_words

NAMED = 40
"""Problems that are named; with -v all are."""
REASONS = 10
"""Of those that are lost, problems of which it is told how; with -v of all."""
REASON = 160
"""Columns of a reason."""
FORMAT = 1
"""Of the JSON. Keys may be added to it."""


def change_lines(
    changes: Sequence[Change], frame: Frame, notes: Sequence[str], columns: int = WIDTH, *, whole: bool = False
) -> list[str]:
    """For each pair the claim, what was gained and lost by name, dollars and seconds; then *notes*."""
    mark = SIMULATED if frame.simulated else ""
    width = min(columns, WIDEST) - len(mark)
    lines: list[str] = []
    for change in changes:
        lines += [*_change(change, frame, whole, width), ""]
    lines = [*lines, *(f"note: {cut(note, LONGEST)}" for note in notes)] if notes else lines[:-1]
    return [mark + part if part else "" for line in lines for part in in_parts(line, width)]


def change_json(changes: Sequence[Change], frame: Frame, notes: Sequence[str]) -> dict[str, Any]:
    """The same for other programs. Dollars are numbers; null is unknown."""
    return {
        "version": FORMAT,
        "kind": "changes",
        "simulated": frame.simulated,
        "margin": frame.margin,
        "notes": list(notes),
        "changes": [_told(change) for change in changes],
    }


def _told(change: Change) -> dict[str, Any]:
    return {
        "before": change.before,
        "after": change.after,
        "gained": list(change.gained),
        "lost": list(change.lost),
        "lost_in": [_loss(one) for one in change.lost_in],
        "seconds": change.seconds,
        "seconds_before": change.seconds_before,
        "prompt_versions": list(change.prompts) or None,
        "comparison": comparison_json(change.comparison),
    }


def _loss(one: Experiment) -> dict[str, str]:
    return {"problem": one.problem_id, "experiment": one.id, "reason": cut(last_words(one), LONGEST)}


def _change(change: Change, frame: Frame, whole: bool, width: int) -> Iterator[str]:
    comparison = change.comparison
    first, *rest = pair_lines(comparison, frame, whole=whole)
    yield cut(first, LONGEST)
    if comparison.problems:
        yield (
            f"  solved {comparison.solved:g} of {counted(comparison.problems, 'problem')}"
            f" instead of {comparison.control_solved:g}"
        )
    yield _named(f"  gained {len(change.gained)}", change.gained, whole)
    yield from _lost(change.lost_in, whole)
    yield from (cut(line, LONGEST) for line in (*rest, *besides(change)))
    if change.places is not None:
        yield from changed_file_lines(change.places, width, whole=whole)


def besides(change: Change) -> Iterator[str]:
    """What stands behind the claim and the dollars."""
    if change.comparison.problems:
        yield f"  seconds: {change.seconds:,.1f} instead of {change.seconds_before:,.1f}"
    if change.prompts:
        yield f"  prompts: version {change.prompts[1] or 'unknown'} instead of {change.prompts[0] or 'unknown'}"


def _named(word: str, problems: Sequence[str], whole: bool) -> str:
    shown = problems if whole else problems[:NAMED]
    more = f" and {len(problems) - len(shown)} more (-v names them)" if len(shown) < len(problems) else ""
    names = ", ".join(cut(each, LONGEST_NAME) for each in shown)
    return f"{word}{': ' if problems else ''}{names}{more}"


def _lost(lost: Sequence[Experiment], whole: bool) -> Iterator[str]:
    """Each with what to ask `--koderz-analyze` for, and how it failed."""
    yield f"  lost {len(lost)}{':' if lost else ''}"
    shown = lost if whole else lost[:REASONS]
    for one in shown:
        yield f"    {cut(one.problem_id, LONGEST_NAME)}: {one.id}: {fitting(last_words(one), REASON)}"
    if len(lost) > len(shown):
        others = [one.problem_id for one in lost[len(shown) :]]
        yield _named(f"    {len(others)} more", others, whole)
