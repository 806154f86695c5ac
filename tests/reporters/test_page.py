"""The page: one file, true to the summary, safe with whatever a model wrote."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal
from html.parser import HTMLParser

import pytest

from pytest_koderz.core.experiment import Experiment, Status
from pytest_koderz.core.iteration import Candidate
from pytest_koderz.evidence.findings import findings_of
from pytest_koderz.reporters.chart import HEIGHT, WIDTH, chart_of
from pytest_koderz.reporters.page import html_of
from pytest_koderz.reporters.summary import summary_lines

from .test_summary import FRAME, SITUATIONS

VOID = {"meta", "line", "circle", "polyline"}


class Page(HTMLParser):
    """What a page holds: its elements' ids, its links, its text; AssertionError for an element that is left open."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.scripts = 0
        self.words = ""
        self.feed(source)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.ids += [values["id"] or ""] if "id" in values else []
        self.links += [values[name] or "" for name in ("href", "src") if name in values]
        self.scripts += tag == "script"
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += data


@pytest.mark.parametrize("name", SITUATIONS)
def test_a_page_holds_the_summary_and_every_experiment(name: str) -> None:
    """In every situation; each cell leads to an experiment, and nothing is fetched from elsewhere."""
    frame, experiments = SITUATIONS[name]()
    page = Page(html_of(frame, {"profile": "a test"}, experiments))
    assert "\n".join(summary_lines(frame, experiments, whole=True)) in page.words
    assert page.ids == [experiment.id for experiment in experiments]
    assert sorted(page.links) == sorted(f"#{identity}" for identity in page.ids)


def test_all_that_is_not_counted_is_said() -> None:
    """As in the summary, with what was under way when the run was interrupted."""
    _, experiments = SITUATIONS["measured"]()
    cut = [replace(experiments[0], status=Status.RUNNING), replace(experiments[1], status=Status.RUNNING)]
    words = " ".join(Page(html_of(FRAME, {}, [*cut, *experiments[2:]])).words.split())
    assert "1 unfinished" in words.partition("Solved against dollars")[0]


def test_what_a_model_wrote_is_text() -> None:
    """Code that looks like markup stays code."""
    _, experiments = SITUATIONS["measured"]()
    evil = "</pre><script>alert(1)</script>"
    first = experiments[0]
    iterations = tuple(replace(one, candidates=(Candidate(evil),)) for one in first.iterations)
    page = Page(html_of(FRAME, {}, [replace(first, iterations=iterations), *experiments[1:]]))
    assert page.scripts == 1
    assert evil in page.words


def test_the_chart_ends_where_the_figures_are() -> None:
    """Right is dearer, up is more; all of it within the drawing, and dollars come before what they solved."""
    frame, experiments = SITUATIONS["measured"]()
    findings = findings_of(frame, experiments)
    chart = chart_of(findings.arms, findings.steps)
    ends = {line.arm: line.end for line in chart.lines}
    figures = {one.arm: one for one in findings.arms}
    dearer = figures["frontier-only"].dollars > figures["koderz"].dollars  # type: ignore[operator]  # both are known
    assert (ends["frontier-only"][0] > ends["koderz"][0]) == dearer
    assert (ends["frontier-only"][1] < ends["koderz"][1]) == (
        figures["frontier-only"].solved > figures["koderz"].solved
    )
    for line in chart.lines:
        assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in line.points)
        assert all(
            x == before[0] or y == before[1] for before, (x, y) in zip(line.points, line.points[1:], strict=False)
        )


def test_an_arm_without_a_price_is_named_and_not_drawn() -> None:
    """It is nowhere on an axis of dollars."""
    frame, experiments = SITUATIONS["unknown_price"]()
    findings = findings_of(frame, experiments)
    assert chart_of(findings.arms, findings.steps).lines == ()
    assert set(chart_of(findings.arms, findings.steps).unpriced) == {"koderz", "frontier-only"}


@pytest.mark.parametrize("dollars", ["0", "0.0000004", "0.07", "1", "99.99", "12345"])
def test_the_axis_has_a_few_round_labels(dollars: str) -> None:
    """Whatever was spent."""
    one = Experiment("exp_1", "own/add", "koderz", status=Status.SOLVED)
    findings = findings_of(FRAME, [one])
    figures = replace(findings.arms[0], dollars=Decimal(dollars))
    ticks = chart_of([figures], findings.steps).x_ticks
    assert 2 <= len(ticks) <= 6
    assert all(re.fullmatch(r"\$[\d,.]+(e-\d+)?", label) for _, label in ticks)
