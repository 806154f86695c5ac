"""The page: one file, true to the summary, safe with whatever a model wrote, and all of it told on demand."""

from __future__ import annotations

import json
import re
import zlib
from base64 import b64decode, b64encode
from dataclasses import replace
from decimal import Decimal
from hashlib import sha256
from html.parser import HTMLParser
from itertools import pairwise
from typing import Any

import pytest

from pytest_koderz.core.experiment import Experiment, Spec, Status
from pytest_koderz.core.iteration import Candidate, Failure, Outcome, Verdict
from pytest_koderz.evidence.compare import Claim
from pytest_koderz.evidence.findings import Findings, Frame, findings_of
from pytest_koderz.reporters.asked import asked_for_candidate
from pytest_koderz.reporters.chart import HEIGHT, WIDTH, chart_of
from pytest_koderz.reporters.packed_stories import LINE, MOST
from pytest_koderz.reporters.page import html_of
from pytest_koderz.reporters.page_charts import drawings_of
from pytest_koderz.reporters.page_verdict import sentences_of
from pytest_koderz.reporters.results import results_of
from pytest_koderz.reporters.summary import summary_lines
from pytest_koderz.testing import ScriptedModel
from tests.core.worlds import ADD, KODERZ, RIGHT, run, wrong

from .test_summary import FRAME, SITUATIONS

VOID = {"meta", "line", "circle", "polyline", "path", "use", "rect", "input", "wbr"}
HOSTILE = "</pre></script><script>alert(1)</script><img src=x onerror=alert(2)>"


class Page(HTMLParser):
    """What a page holds: its elements' ids, its links, its text; AssertionError for an element that is left open."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.source = source
        self.open: list[str] = []
        self.links: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.words = ""
        self.texts: dict[str, list[str]] = {"style": [], "script": []}
        self.feed(source)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.links += [values[name] or "" for name in ("href", "src") if name in values]
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)
            self.texts.get(tag, []).append("")

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in self.texts:
            self.texts[self.open[-1]][-1] += data
        else:
            self.words += data

    @property
    def parts(self) -> list[dict[str, Any]]:
        return [json.loads(zlib.decompress(b64decode(text))) for text in self.texts["script"][:-1]]

    @property
    def stories(self) -> dict[str, Any]:
        return {name: story for part in self.parts for name, story in part["stories"].items()}

    @property
    def story_links(self) -> list[str]:
        return [link for link in self.links if link.startswith("#exp_")]


LONG = ("five_arms", "five_arms_epochs", "just_ask")
"""What their pages have, those of `ablation` and `epochs` have too."""


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow) if name in LONG else name for name in SITUATIONS]
)
def test_a_page_holds_the_summary_and_every_experiment(name: str) -> None:
    """In every situation; each cell leads to an experiment's story, and nothing is fetched from elsewhere."""
    frame, experiments = SITUATIONS[name]()
    page = Page(html_of(frame, {"profile": "a test"}, experiments))
    assert "\n".join(summary_lines(frame, experiments, whole=True)) in page.words
    assert sorted(page.story_links) == sorted(f"#{one.id}" for one in experiments)
    assert {one.id for one in experiments} == page.stories.keys()
    assert all(link.startswith("#") for link in page.links)
    for sentence in sentences_of(frame, findings_of(frame, experiments)):
        assert all(line in page.words for line in (sentence.head, *sentence.details))


def test_a_verdict_has_its_interval_and_its_dollars() -> None:
    """In the summary's words; negative savings are said as they are."""
    found = {name: sentences_of(*_found(name)) for name in ("measured", "worse", "negative_savings", "no_control")}
    first = {name: next(iter(sentences)) for name, sentences in found.items()}
    assert first["measured"].head.startswith(
        "koderz against frontier-only, measured on 40 problems (oracle stop): INCONCLUSIVE"
    )
    assert re.match(r"solved -7\.5 points \[[-+]\d+, [-+]\d+\]", first["measured"].details[0])
    assert [first[name].claim for name in ("worse", "measured")] == [Claim.WORSE, Claim.INCONCLUSIVE]
    assert any("-$0.0960 (-266.7 %)" in line for line in first["negative_savings"].details)
    assert first["no_control"].head.startswith("frontier-only did not run")
    assert first["no_control"].claim is None
    assert "an ESTIMATE" in first["no_control"].details[0]


def test_a_claim_is_seen_at_once() -> None:
    """Its word stands apart within the sentence, which stays whole."""
    for name in ("measured", "worse", "no_control"):
        for one in sentences_of(*_found(name)):
            before, word, behind = one.parts
            assert f"{before}{word}{behind}" == one.head
            assert word == (one.claim.upper() if one.claim else "")
    page = Page(html_of(*_page_of("worse")))
    assert ("class", "claim") in page.attributes


def _page_of(name: str) -> tuple[Frame, dict[str, Any], list[Experiment]]:
    frame, experiments = SITUATIONS[name]()
    return frame, {}, experiments


def _found(name: str) -> tuple[Frame, Findings]:
    frame, experiments = SITUATIONS[name]()
    return frame, findings_of(frame, experiments)


def test_all_that_is_not_counted_is_said() -> None:
    """As in the summary, with what was under way when the run was interrupted."""
    _, experiments = SITUATIONS["measured"]()
    cut = [replace(experiments[0], status=Status.RUNNING), replace(experiments[1], status=Status.RUNNING)]
    page = Page(html_of(FRAME, {}, [*cut, *experiments[2:]]))
    assert "1 unfinished" in " ".join(page.words.split())
    assert "skipped or unfinished 1" in page.words


def test_what_a_model_wrote_is_text() -> None:
    """Whatever looks like markup stays out of the page's own; its policy lets nothing run but its own program."""
    _, experiments = SITUATIONS["measured"]()
    first = experiments[0]
    iterations = tuple(replace(one, candidates=(Candidate(HOSTILE),), feedback=HOSTILE) for one in first.iterations)
    evil = replace(first, problem_id=f"own/{HOSTILE}", iterations=iterations, reason=HOSTILE, status=Status.INVALID)
    page = Page(html_of(FRAME, {"profile": HOSTILE}, [evil, *experiments[1:]]))
    assert page.tags.count("script") == len(page.parts) + 1
    assert "img" not in page.tags
    assert not any(name.startswith("on") or name == "style" for name, _ in page.attributes)
    assert f"own/{HOSTILE}" in page.words
    assert [HOSTILE, 0] in page.parts[0]["texts"]
    own = {name: _digest(page.texts[name][-1]) for name in page.texts}
    (policy,) = (value or "" for name, value in page.attributes if name == "content" and "default-src" in (value or ""))
    allowed = f"style-src {own['style']}; script-src {own['script']}; base-uri 'none'; form-action 'none'"
    assert policy == f"default-src 'none'; {allowed}"


def _digest(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def test_what_is_too_long_is_cut_and_counted() -> None:
    """Ten megabytes in one line are not the page's."""
    _, experiments = SITUATIONS["one_problem"]()
    first, endless = experiments[0], "x" * 10_000_000
    verdict = Verdict(Outcome.WRONG, failures=(Failure(endless),), stdout=endless)
    last = replace(first.iterations[-1], candidates=(Candidate(endless),), verdicts=(verdict,), feedback=endless)
    long = replace(first, status=Status.INVALID, reason=endless, iterations=(*first.iterations[:-1], last))
    source = html_of(FRAME, {}, [long, *experiments[1:]])
    assert len(source) < 100_000
    assert "more characters)" in source
    told = f"{endless[:LINE]}... ({MOST - LINE:,} more characters)"
    assert [told, len(endless) - MOST] in Page(source).parts[0]["texts"]


def test_what_cannot_be_seen_stands_by_its_number() -> None:
    """Escapes, and what turns the direction of writing around."""
    _, experiments = SITUATIONS["one_problem"]()
    experiments = [replace(one, problem_id="own/a\x1b[31m\u202eb") for one in experiments]
    source = html_of(FRAME, {"profile": "p\u2066\r\n"}, experiments)
    assert "own/a\\x1b[31m\\u202eb" in source
    assert "p\\u2066\\x0d" in source
    assert not set("\x1b\r\u202e\u2066") & set(source)


def test_the_program_cannot_end_before_its_end() -> None:
    """Nor does it make elements from text."""
    _, experiments = SITUATIONS["one_problem"]()
    program = Page(html_of(FRAME, {}, experiments)).texts["script"][-1]
    assert "</" not in program
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|Function\(", program)


def test_rows_can_be_picked_by_what_happened() -> None:
    """Each button with how many rows have it."""
    _, experiments = SITUATIONS["flagged_leaks"]()
    first = experiments[0]
    repeated = replace(first, iterations=(*first.iterations[:-1], replace(first.iterations[-1], repeated=True)))
    page = Page(html_of(FRAME, {}, [repeated, *experiments[1:]]))
    assert re.findall(r"(?:flagged|repeated code|unsolved|arms disagree) \d+(?=\n)", page.words) == [
        "flagged 4",
        "repeated code 1",
    ]
    disagreeing = Page(html_of(FRAME, {}, SITUATIONS["worse"]()[1]))
    assert "arms disagree 15" in disagreeing.words


def test_epochs_stand_in_one_cell() -> None:
    """With how many of them are solved."""
    _, experiments = SITUATIONS["one_problem"]()
    again = [replace(one, id=f"{one.id}2", epoch=2, status=Status.UNSOLVED) for one in experiments]
    page = Page(html_of(FRAME, {}, [*experiments, *again]))
    assert page.words.count("1/2") >= len(experiments)
    assert ("aria-label", "epoch 2: unsolved after 1") in page.attributes
    assert len(page.story_links) == 4


def test_a_story_has_its_problem_and_each_prompt_and_candidate() -> None:
    """Whole; a text that stands in several places is there once."""
    one = replace(run(local=ScriptedModel([wrong(1), "no code", wrong(2), wrong(1), RIGHT])), prompt_version="1")
    one = replace(one, spec=replace(one.spec or Spec("", ""), text="A specification. " * 9, leaks=("a secret",)))
    frame = replace(FRAME, definitions=(KODERZ,))
    page = Page(html_of(frame, {}, [one], {ADD.id: ADD}))
    (part,), story = page.parts, page.stories[one.id]
    texts = [text for text, _ in part["texts"]]
    assert len(texts) == len(set(texts))
    assert [texts[number] for _, number in part["problems"][ADD.id]] == [
        ADD.prompt.strip(),
        ADD.tests.strip(),
        (ADD.visible or "").strip(),
    ][: len(part["problems"][ADD.id])]
    kinds = [step["kind"] for step in story["steps"]]
    assert kinds == ["spec", "iteration", "iteration", "guidance", "iteration", "iteration", "guidance", "iteration"]
    assert story["steps"][0]["flags"] == ["a secret"]
    candidates = [step["candidates"][0]["source"] for step in story["steps"] if step["kind"] == "iteration"]
    assert [source if source is None else texts[source] for source in candidates] == [
        None if each.candidate is None else each.candidate.source.strip() for each in one.iterations
    ]
    asked = [step["asked"]["user"] for step in story["steps"] if step["kind"] == "iteration"]
    told = ["".join(each if isinstance(each, str) else texts[each] for each in user) for user in asked]
    assert told == [asked_for_candidate(one, each, ADD, KODERZ).user for each in one.iterations]
    assert story["spendings"][-1][:3] == ["all", "", "8"]


def test_a_prompt_that_cannot_be_made_again_is_left_out() -> None:
    """Where another version asked, or the arm or the problem is not known."""
    one = run(local=ScriptedModel([wrong(1), RIGHT]))
    frame = replace(FRAME, definitions=(KODERZ,))
    for each, within, known in (
        (one, frame, {ADD.id: ADD}),
        (replace(one, prompt_version="1"), FRAME, {ADD.id: ADD}),
        (replace(one, prompt_version="1"), frame, {}),
    ):
        steps = Page(html_of(within, {}, [each], known)).stories[one.id]["steps"]
        assert not any(step.get("asked") for step in steps)


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


LONG = ("five_arms", "five_arms_epochs", "just_ask")
"""What their pages have, those of `ablation` and `epochs` have too."""


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow) if name in LONG else name for name in SITUATIONS]
)
def test_every_curve_is_named_at_a_place_of_its_own(name: str) -> None:
    """Within the drawing, beside its end or in the column; with a mark for each step, also where it cost nothing."""
    frame, experiments = SITUATIONS[name]()
    findings = findings_of(frame, experiments)
    for drawing in drawings_of(findings):
        heights = sorted(curve.label_at[1] for curve in drawing.curves if curve.has_leader)
        assert all(low >= high + 16 for high, low in pairwise(heights))
        assert all(-16 * len(heights) <= height <= HEIGHT for height in heights)
        for curve in drawing.curves:
            assert curve.has_leader == (curve.label_at[0] >= WIDTH - 130)
            assert curve.has_leader or abs(curve.label_at[1] - curve.end[1]) <= 15
        assert all(curve.arm in curve.label and curve.marks for curve in drawing.curves)
    steps = {arm: len(steps) for arm, steps in findings.steps.items()}
    for curve in next(drawings_of(findings)).curves if name == "measured" else ():
        assert len(curve.marks) == steps[curve.arm]


def test_an_arm_without_a_price_is_named_and_not_drawn() -> None:
    """It is nowhere on an axis of dollars."""
    frame, experiments = SITUATIONS["unknown_price"]()
    findings = findings_of(frame, experiments)
    assert chart_of(findings.arms, findings.steps).lines == ()
    assert set(chart_of(findings.arms, findings.steps).unpriced) == {"koderz", "frontier-only"}


def test_files_are_ranked_and_the_problems_stand_beneath_them() -> None:
    """Each file leads to its problems; what its functions are like and weak tests are folded."""
    frame, experiments = SITUATIONS["places"]()
    page = Page(html_of(frame, {}, [*experiments[::2], *experiments[1::2]]))
    places = results_of(frame, {}, experiments)["places"]
    ranked = [row["name"] for row in places if row["by"] == "file"]
    assert [link.removeprefix("#file=") for link in page.links if link.startswith("#file=")] == ranked
    rows = re.findall(r'<tr(?: class="(file)")?[^>]* data-file="([^"]+)"', page.source)
    files = list(dict.fromkeys(file for _, file in rows))
    assert sorted(files) == sorted(ranked)
    tasks = {row["name"]: row["problems"] for row in places}
    assert rows == [(mark, file) for file in files for mark in ("file", *[""] * tasks[file])]
    assert "leave to the local model (koderz), not sureprices.py30100 %100 %+0 [-11, +11]$0.060075/50 %" in re.sub(
        r"\n", "", page.words
    )
    assert "6 to 15 lines" in page.words
    assert "Weak tests: 40, which refuse less than 80 % of wrong versions" in page.words


def test_a_page_of_problems_that_stand_alone_has_no_files() -> None:
    """Nor does a part of a run advise anything, though its problems stand beneath their files."""
    assert "<h2>Files</h2>" not in html_of(FRAME, {}, SITUATIONS["measured"]()[1])
    frame, experiments = SITUATIONS["places"]()
    part = html_of(replace(frame, shard=True), {}, experiments)
    assert "<h2>Files</h2>" not in part
    assert "not sure" not in part
    assert part.count('<tr class="file"') == 8


@pytest.mark.parametrize("dollars", ["0", "0.0000004", "0.07", "1", "99.99", "12345"])
def test_the_axis_has_a_few_round_labels(dollars: str) -> None:
    """Whatever was spent."""
    one = Experiment("exp_1", "own/add", "koderz", status=Status.SOLVED)
    findings = findings_of(FRAME, [one])
    figures = replace(findings.arms[0], dollars=Decimal(dollars))
    ticks = chart_of([figures], findings.steps).x_ticks
    assert 2 <= len(ticks) <= 6
    assert all(re.fullmatch(r"\$[\d,.]+(e-\d+)?", label) for _, label in ticks)


def test_where_an_arm_gains_is_a_table_and_its_curve_has_a_band() -> None:
    """A row for each stratum of each comparison; of an arm with one iteration there is no band."""
    frame, experiments = SITUATIONS["strata"]()
    page = Page(html_of(frame, {}, experiments))
    assert "Where an arm gains, and where it loses" in page.words
    assert page.source.count('<tr><th scope="row">koderz</th><td>with ') == 3
    assert page.source.count('class="band"') == sum(
        bool(curve.band) for drawing in drawings_of(findings_of(frame, experiments)) for curve in drawing.curves
    )
    assert "Where an arm gains" not in Page(html_of(FRAME, {}, SITUATIONS["measured"]()[1])).words
