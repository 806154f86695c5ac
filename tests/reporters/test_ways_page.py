"""What other set-ups would have given, drawn: on a page of its own, and on the run's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

import pytest

from pytest_koderz.core.arm import Arm
from pytest_koderz.core.experiment import Experiment
from pytest_koderz.core.money import Spending
from pytest_koderz.evidence.cut_short import Answered, Calls, answers_of
from pytest_koderz.reporters.chart import HEIGHT, LEFT, WIDTH, lowest_of, share_ticks
from pytest_koderz.reporters.page import html_of
from pytest_koderz.reporters.page_charts import shortened
from pytest_koderz.reporters.ways_drawing import ways_drawings
from pytest_koderz.reporters.ways_page import page_of_ways
from tests.core.worlds import FRONTIER, KODERZ, LOCAL
from tests.evidence.experiments import CALL, ran

from .test_page import Page
from .test_summary import FRAME

ARM = Arm("koderz", local=LOCAL, max_iterations=5)
CONTROL = Arm("frontier-only", local=FRONTIER, max_iterations=1)
ARMS = ("koderz", "frontier-only")


def _experiments(price: str | None = "0.001") -> list[Experiment]:
    """Solved at the first to fourth try, and not at all; the control solves all but one."""
    tried = [ran(place, solved_at=place or None, tried=5, price=price) for place in range(5)]
    return [*tried, *(ran(place, "frontier-only", None if place == 3 else 1, price="0.02") for place in range(5))]


def _calls(experiments: Sequence[Experiment]) -> Calls:
    """One for each iteration."""
    return {
        one.id: [Spending("local", "small", 1, CALL, each.cost, 1.0) for each in one.iterations] for one in experiments
    }


def _answers(price: str | None = "0.001", arm: Arm = ARM) -> list[Answered]:
    experiments = _experiments(price)
    return list(answers_of((arm, CONTROL), experiments, _calls(experiments), "frontier-only"))


def test_a_drawing_has_each_number_of_tries() -> None:
    """Alone, then handed to the control, and the control alone; dearer is right of cheaper, more solved is higher."""
    (drawing,) = ways_drawings(_answers(), ARMS, None)
    alone, cascade, _ = drawing.curves
    assert [len(curve.points) for curve in drawing.curves] == [5, 5, 1]
    assert [curve.number for curve in drawing.curves] == [0, 2, 1]
    assert sorted(name for _, _, name in alone.names) == ["1", "2", "3", "5"]
    assert [curve.label for curve in drawing.curves] == ["koderz 80%", "then frontier-only 100%", "frontier-only 80%"]
    assert [curve.spent for curve in drawing.curves] == ["$0.0150", "$0.0350", "$0.1000"]
    assert alone.points == tuple(sorted(alone.points, key=lambda place: (place[0], -place[1])))
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for curve in drawing.curves for x, y in curve.points)
    assert "koderz" in drawing.title
    assert "5 problems, without another call" in drawing.note
    assert "Oracle stop" in drawing.note
    assert cascade.interval is not None


def test_numbers_cover_neither_lines_nor_the_axis() -> None:
    """Also where all of it costs nothing, so that its marks stand on the axis."""
    experiments = [*_experiments("0")[:5], *_experiments()[5:]]
    (drawing,) = ways_drawings(
        answers_of((ARM, CONTROL), experiments, _calls(experiments), "frontier-only"), ARMS, None
    )
    alone, cascade, control = drawing.curves
    assert {x for x, _ in alone.points} == {LEFT}
    assert all(x > LEFT for x, _, _ in alone.names)
    assert alone.label_at[0] > LEFT
    marks = [place for curve in (alone, cascade, control) for place in curve.points]
    for x, y, name in (*alone.names, *cascade.names):
        assert not any(abs(x - at) < 3.5 * len(name) and abs(y - height) < 7 for at, height in marks)


def test_the_axis_begins_below_the_least_that_is_drawn() -> None:
    """So that its room is not left to nothing."""
    (drawing,) = ways_drawings(_answers(), ARMS, None)
    assert [label for _, label in drawing.y_ticks] == ["0%", "25%", "50%", "75%", "100%"]
    assert [lowest_of([least, 1.0]) for least in (0.1, 0.25, 0.6, 0.9, 1.0)] == [0.0, 0.25, 0.5, 0.75, 0.75]
    assert [label for _, label in share_ticks(0.75)] == ["75%", "80%", "85%", "90%", "95%", "100%"]


def test_an_unknown_price_is_not_drawn() -> None:
    """Nor what costs nothing anywhere."""
    assert list(ways_drawings(_answers(None), ARMS, None)) == []


def test_what_cannot_be_handed_over_is_drawn_alone() -> None:
    """With the reason."""
    experiments = [one for one in _experiments() if one.arm == "koderz"]
    answers = answers_of((ARM,), experiments, _calls(experiments), "frontier-only")
    (drawing,) = ways_drawings(answers, ARMS, None)
    assert [curve.label for curve in drawing.curves] == ["koderz 80%"]
    assert "No cascades: the control did not run" in drawing.note


def test_the_page_of_a_run_has_it_where_its_calls_are_known() -> None:
    """And nothing where they are not, or some are missing."""
    experiments, frame = _experiments(), replace(FRAME, definitions=(ARM, CONTROL))
    words = "What other set-ups of koderz would have given"
    assert words in Page(html_of(frame, {}, experiments, calls=_calls(experiments))).words
    assert words not in Page(html_of(frame, {}, experiments)).words
    assert words not in Page(html_of(frame, {}, experiments, calls={})).words
    assert words not in Page(html_of(replace(frame, definitions=()), {}, experiments, calls=_calls(experiments))).words


@pytest.mark.parametrize("simulated", [False, True])
def test_a_page_of_its_own_has_every_way_as_a_row(simulated: bool) -> None:
    """With what is best, and what cannot be answered; nothing is fetched, and nothing but the page's program runs."""
    (answer,) = _answers()
    refused = Answered("<b>swarm</b>", KODERZ, None, (), "it recalls what others learnt")
    told = [(answer, ["best: <i>3 tries</i>"]), (refused, [])]
    page = Page(page_of_ways("bench_1a2b3c4d", told, ARMS, None, simulated=simulated))
    words = " ".join(page.words.split())
    assert "3 tries, then frontier-only5/5" in words
    assert "frontier-only alone4/5" in words
    assert "best: <i>3 tries</i>" in words
    assert "<b>swarm</b> This benchmark answers nothing of it: it recalls what others learnt." in words
    assert "svg" in page.tags
    assert ("SIMULATED" in words) == simulated
    assert page.links == [link for link in page.links if link.startswith("#")]


def test_a_rate_of_ones_own_machines_is_on_the_axis() -> None:
    """Where GPU-seconds are known."""
    experiments = [replace(one, ledger=one.ledger) for one in _experiments("0")]
    calls = {name: [replace(call, gpu_seconds=1.0) for call in each] for name, each in _calls(experiments).items()}
    answers = answers_of((ARM, CONTROL), experiments, calls, "frontier-only")
    assert all("with the GPU at $2.00 per hour" in each.x_title for each in ways_drawings(answers, ARMS, Decimal(2)))


@pytest.mark.parametrize(
    ("arm", "short"),
    [
        ("koderz", "koderz"),
        ("bench_5e47659b:koderz", "5e47659b:koderz"),
        ("bench_5e47659b:frontier-only", "5e47659b:frontier-only"),
        ("results.json:frontier-only", "results…:frontier-only"),
        ("a-very-long-name-of-an-arm", "a-very-long-name-of-a…"),
        ("r.json:a-very-long-name-of-an-arm", "r.json:a-very-long-na…"),
    ],
)
def test_a_name_is_as_long_as_a_drawing_has_room_for(arm: str, short: str) -> None:
    """Of two runs of one arm the names differ."""
    assert shortened(arm) == short
