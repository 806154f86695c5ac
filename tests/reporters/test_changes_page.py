"""The page of what changed: what was lost and gained leads to both stories."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_koderz.core.experiment import Experiment, Status
from pytest_koderz.core.iteration import Candidate, Failure, Iteration, Outcome, Verdict
from pytest_koderz.evidence.changes import Candidacy, changes_of
from pytest_koderz.evidence.findings import Frame
from pytest_koderz.reporters.changes_page import page_of_changes
from tests.core.worlds import KODERZ

from .test_page import HOSTILE, Page
from .test_summary import _experiment

BETWEEN = Frame("b", (), "a", 0.05, None)


def _page(number: int = 4, name: str = "HumanEval", frame: Frame = BETWEEN) -> Page:
    """Of so many problems: the first one is gained, the last one lost."""
    names = [f"{name}/{place}" for place in range(number)]
    solved = [_experiment(each, "koderz", Status.SOLVED, 1) for each in names]
    missed = [_experiment(each, "koderz", Status.UNSOLVED, 1) for each in names]
    before = [replace(one, id=f"exp_0000000{place}") for place, one in enumerate((missed[0], *solved[1:]))]
    after = [replace(one, id=f"exp_1000000{place}") for place, one in enumerate((*solved[:-1], missed[-1]))]
    pair = Candidacy("a:koderz", tuple(before), (KODERZ,)), Candidacy("b:koderz", tuple(after), (KODERZ,))
    return Page(page_of_changes(changes_of([pair], 0.05), [pair], frame, ["profile live instead of cheap"]))


def test_what_changed_leads_to_both_stories() -> None:
    """With claim, interval, dollars and seconds; the table has a column for each side, and can be picked by it."""
    page = _page()
    assert {"#exp_00000003+exp_10000003", "#exp_00000000+exp_10000000"} <= set(page.links)
    words = " ".join(page.words.split())
    assert "b:koderz against a:koderz, measured on 4 problems: INCONCLUSIVE (margin 5 points)" in words
    assert "lost 1: HumanEval/3: 1 iteration, wrong (3/7) gained 1: HumanEval/0" in words
    assert "solved +0.0 points [-60, +60]" in words
    assert "dollars saved, measured" in words
    assert "seconds: 8.0 instead of 8.0" in words
    assert "note: profile live instead of cheap" in words
    assert "problema:koderzb:koderzcostseconds" in words
    assert ("data-is", "lost unsolved") in page.attributes
    assert ("value", "gained") in page.attributes
    assert len(page.stories) == 8


def test_each_lost_problem_says_how_it_failed() -> None:
    """In the words of the terminal, as text and cut; beyond ten they are folded."""
    long = f"NameError: {HOSTILE}\x1b\u202e{'x' * 1000}"
    solved = [_experiment(f"HumanEval/{place}", "koderz", Status.SOLVED, 1) for place in range(12)]
    before = [replace(one, id=f"exp_{place:08}") for place, one in enumerate(solved)]
    after = [replace(_crashed(one, long), id=f"exp_1{place:07}") for place, one in enumerate(solved)]
    pair = Candidacy("a:koderz", tuple(before), (KODERZ,)), Candidacy("b:koderz", tuple(after), (KODERZ,))
    page = Page(page_of_changes(changes_of([pair], 0.05), [pair], BETWEEN, []))
    words = " ".join(page.words.split())
    assert f"HumanEval/3: 1 iteration, crashed (0/7): NameError: {HOSTILE}\\x1b\\u202exxx" in words
    assert "x" * 200 not in words[: words.index("Arms")]
    assert "img" not in page.tags
    assert words.index("HumanEval/9:") < words.index("2 more") < words.index("HumanEval/10:")


def _crashed(one: Experiment, words: str) -> Experiment:
    verdict = Verdict(Outcome.CRASHED, 0, 7, failures=(Failure(words, exception=words),))
    return replace(one, status=Status.UNSOLVED, iterations=(Iteration(1, (Candidate("answer"),), (verdict,)),))


def test_figures_are_of_what_both_runs_settled() -> None:
    """Else the dollars of a run of more problems would look dearer; the table has all."""
    one = _experiment("HumanEval/0", "koderz", Status.SOLVED, 1)
    before = [replace(one, id=f"exp_0000000{place}", problem_id=f"HumanEval/{place}") for place in range(5)]
    after = [replace(each, id=each.id.replace("_0", "_1")) for each in before[:3]]
    pair = Candidacy("a:koderz", tuple(before), (KODERZ,)), Candidacy("b:koderz", tuple(after), (KODERZ,))
    page = Page(page_of_changes(changes_of([pair], 0.05), [pair], BETWEEN, []))
    words = " ".join(page.words.split())
    assert "Drawings and figures are of the 3 problems that both settled; the table has all." in words
    assert words.count("3/3") == 4  # solved, and at the first try, of each run
    assert "HumanEval/4" in words
    assert "Drawings and figures" not in _page().words


def test_simulated_runs_are_marked_on_the_page() -> None:
    """Heading and claim."""
    page = _page(frame=replace(BETWEEN, simulated=True))
    assert "SIMULATED koderz: what changed from a to b" in page.words
    assert "SIMULATED b:koderz against" in page.words


def test_arms_of_one_run_are_no_change_of_it() -> None:
    """The heading says what is beside each other."""
    assert "koderz: what changed from a to b" in _page().words
    page = _page(frame=replace(BETWEEN, control="b"))
    assert "koderz: arms of b beside each other" in page.words


@pytest.mark.parametrize("frame", [BETWEEN, replace(BETWEEN, benchmark_id=HOSTILE, control=f"{HOSTILE}2")])
def test_names_of_problems_and_runs_are_text(frame: Frame) -> None:
    """Whatever looks like markup is none, and nothing runs but the page's own program."""
    page = _page(name=f"own/{HOSTILE}\x1b\u202e", frame=frame)
    assert page.tags.count("script") == len(page.parts) + 1
    assert "img" not in page.tags
    assert f"own/{HOSTILE}\\x1b\\u202e/0" in page.words
    assert not set("\x1b\u202e") & set(page.source)
