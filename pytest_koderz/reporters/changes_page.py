"""What changed between two runs as one HTML page: the problems gained and lost lead to their stories side by side."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pytest_koderz.core.experiment import Experiment
from pytest_koderz.evidence.changes import Candidacy, Change
from pytest_koderz.evidence.findings import Frame, findings_of
from pytest_koderz.evidence.problems import by_problem

from .changed_lines import REASON, REASONS, besides, change_lines
from .claim_lines import pair_lines
from .fixed_width import fitting
from .page import rendered, table_and_stories
from .page_table import DISAGREE, MARKS, ProblemRow, counts_of
from .page_verdict import Sentence, sentence_of
from .plain_text import LONGEST_NAME, cut
from .summary import WIDEST
from .text import LONGEST, last_words

GAINED, LOST = "gained", "lost"
NAMES = {LOST: "lost", GAINED: "gained", **{mark: name for mark, name in MARKS.items() if mark != DISAGREE}}
"""What a row can be picked by: that two arms disagree is what `gained` and `lost` say, and in which direction."""


@dataclass(frozen=True, slots=True)
class Turned:
    """A problem that is gained or lost."""

    problem: str
    address: str
    """Of the two stories side by side."""
    reason: str = ""
    """How one that is lost failed."""


@dataclass(frozen=True, slots=True)
class Told:
    """A pair of arms as the page tells of it."""

    sentence: Sentence
    lost: tuple[Turned, ...]
    gained: tuple[Turned, ...]


def page_of_changes(
    changes: Sequence[Change], pairs: Sequence[tuple[Candidacy, Candidacy]], frame: Frame, notes: Sequence[str]
) -> str:
    """*changes* are those of *pairs*, in their order."""
    sides = {side.label: side for pair in pairs for side in pair}
    experiments = [replace(one, arm=label) for label, side in sides.items() for one in side.experiments]
    definitions = tuple(replace(arm, name=label) for label, side in sides.items() for arm in side.definitions)
    within = replace(frame, arms=tuple(sides), control="", definitions=definitions)
    shared = [one for pair in pairs for one in _of_both(*pair)]
    shown = table_and_stories(within, findings_of(within, shared), experiments, {})
    rows = [_row(row, changes) for row in shown["rows"]]
    told = [_told(change, pair, frame) for change, pair in zip(changes, pairs, strict=True)]
    lines = change_lines(changes, frame, notes, WIDEST, whole=True)
    nothing: dict[str, Any] = {"places": [], "advice": {}}  # of the sides by themselves, which are not asked about here
    marks = {"rows": rows, "counts": counts_of(rows, NAMES), "names": NAMES, "summary": lines, "what_if": [], **nothing}
    both = len({one.problem_id for one in shared})
    changed: dict[str, Any] = {"told": told, "notes": [cut(note, LONGEST) for note in notes], "frame": frame}
    changed |= {"shared": both, "left_out": both < len(rows), "reasons": REASONS}
    return rendered("changes.html.jinja", frame.simulated, **{**shown, **marks, **changed})


def _of_both(before: Candidacy, after: Candidacy) -> Iterator[Experiment]:
    """Of each side the settled ones of the problems that both settled, so that their dollars can be compared."""
    then, now = by_problem(before.experiments), by_problem(after.experiments)
    for side, tries in ((before, then), (after, now)):
        known = [one for name, each in tries.items() if name in then and name in now for one in each.experiments]
        yield from (replace(one, arm=side.label) for one in known)


def _row(row: ProblemRow, changes: Sequence[Change]) -> ProblemRow:
    turned = [word for word in (LOST, GAINED) if any(row.problem in getattr(change, word) for change in changes)]
    return replace(row, marks=(*turned, *(mark for mark in row.marks if mark != DISAGREE)))


def _told(change: Change, pair: tuple[Candidacy, Candidacy], frame: Frame) -> Told:
    lines = [*pair_lines(change.comparison, frame, whole=True), *besides(change)]
    addresses = _addresses(*pair)
    reasons = {one.problem_id: fitting(last_words(one), REASON) for one in change.lost_in}
    lost, gained = (tuple(_turned(each, addresses, reasons)) for each in (change.lost, change.gained))
    return Told(sentence_of([cut(line.strip(), LONGEST) for line in lines]), lost, gained)


def _turned(problems: Iterable[str], addresses: Mapping[str, str], reasons: Mapping[str, str]) -> Iterator[Turned]:
    return (Turned(cut(name, LONGEST_NAME), addresses[name], reasons.get(name, "")) for name in problems)


def _addresses(before: Candidacy, after: Candidacy) -> dict[str, str]:
    """By problem the address of what came before and after, of the first epochs that ended differently."""
    then, now = _by_problem(before), _by_problem(after)
    return {name: "#" + "+".join(_unlike(then[name], now[name])) for name in then if name in now}


def _by_problem(side: Candidacy) -> dict[str, list[Experiment]]:
    found: dict[str, list[Experiment]] = {}
    for one in side.experiments:
        found.setdefault(one.problem_id, []).append(one)
    return found


def _unlike(then: Sequence[Experiment], now: Sequence[Experiment]) -> tuple[str, str]:
    pairs = [(one, other) for one in then for other in now]
    one, other = next(((one, other) for one, other in pairs if one.status is not other.status), pairs[0])
    return one.id, other.id
