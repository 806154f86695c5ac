"""Megabytes in one line, and what acts on terminals and pages: text everywhere, cut where it says so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from pytest_koderz.core.experiment import Experiment, Status
from pytest_koderz.core.iteration import Candidate, Failure, Outcome, Verdict
from pytest_koderz.evidence.changes import Candidacy, changes_of
from pytest_koderz.evidence.findings import Frame
from pytest_koderz.reporters.changed_lines import change_lines
from pytest_koderz.reporters.changes_page import page_of_changes
from pytest_koderz.reporters.github_annotations import Annotation, commands_of
from pytest_koderz.reporters.markdown import MOST_BYTES, inline
from pytest_koderz.reporters.run_markdown import markdown_of
from pytest_koderz.reporters.story import story_lines
from pytest_koderz.reporters.text import failure_lines

from .test_page import HOSTILE, Page
from .test_summary import FRAME, _experiment

ENDLESS = "x" * 2_000_000
BETWEEN = Frame("b", (), "a", 0.05, None)


def _endless() -> Experiment:
    """Of which each text is one line without an end."""
    one = _experiment("HumanEval/0", "koderz", Status.UNSOLVED, 1)
    verdict = Verdict(Outcome.WRONG, failures=(Failure(ENDLESS, assertion=ENDLESS, exception=ENDLESS),), stdout=ENDLESS)
    (tried,) = one.iterations
    last = replace(tried, candidates=(Candidate(ENDLESS),), verdicts=(verdict,), feedback=ENDLESS, question=ENDLESS)
    return replace(one, reason=ENDLESS, iterations=(last,))


@pytest.mark.parametrize("told", [story_lines, failure_lines])
def test_a_line_without_an_end_is_cut_in_the_terminal(told: Callable[[Experiment], list[str]]) -> None:
    """And what is missing is counted; an invalid experiment's reason too."""
    for one in (_endless(), replace(_endless(), status=Status.INVALID)):
        lines = [*told(one)]
        assert sum(map(len, lines)) < 200_000
        assert "more characters)" in "".join("".join(lines).split("\n")).replace("    ", "")


def _compared(name: str, label: str) -> tuple[list[str], str]:
    """As lines and as a page: a problem that is lost."""
    before = replace(_experiment(name, "koderz", Status.SOLVED, 1), id="exp_00000001")
    after = replace(before, id="exp_00000002", status=Status.UNSOLVED)
    pair = Candidacy(f"a:{label}", (before,)), Candidacy(f"b:{label}", (after,))
    changes, notes = changes_of([pair], 0.05), [f"profile {name} instead of {label}"]
    return change_lines(changes, BETWEEN, notes, 100), page_of_changes(changes, [pair], BETWEEN, notes)


def test_what_changed_is_cut_too() -> None:
    """Names of problems and arms come from anybody's file of results."""
    lines, page = _compared(ENDLESS[:200_000], ENDLESS[:200_000])
    assert sum(map(len, lines)) < 20_000
    assert len(page) < 300_000
    assert "more characters)" in "".join(lines).replace("    ", " ")
    assert "more characters)" in page


def test_what_changed_is_text() -> None:
    """As lines, which are then made visible, and on the page."""
    lines, page = _compared(f"own/{HOSTILE}", f"{HOSTILE}\x1b[31m\u202e")
    assert HOSTILE in "".join(lines).replace("     ", "") or "<img" in "".join(lines)
    assert Page(page).tags.count("img") == 0
    assert not set("\x1b\u202e") & set(page)


def test_a_summary_of_two_thousand_long_reasons_fits_its_step() -> None:
    """Within GitHub's limit, whatever the names are; ten annotations of a kind."""
    many = [
        replace(_experiment(f"own/{number}-{'é' * 2_000}", "koderz", Status.INVALID, 0), reason="ü" * 5_000)
        for number in range(2_000)
    ]
    text = markdown_of(FRAME, many)
    assert len(text.encode()) <= MOST_BYTES
    assert "Not solved: 2000" in text
    assert "1800 more experiments" in text
    assert inline("own/199-é") in text
    told = list(commands_of([Annotation("warning", one.problem_id, one.reason) for one in many]))
    assert len(told) == 10
    assert max(map(len, told)) < 2_000


def test_a_name_without_an_end_is_cut_in_a_summary() -> None:
    """And in an annotation."""
    one = replace(_endless(), problem_id=ENDLESS)
    assert len(markdown_of(FRAME, [one])) < 20_000
    (line,) = commands_of([Annotation("warning", ENDLESS, ENDLESS)])
    assert len(line) < 2_000
