"""What a recorded benchmark answers of other set-ups as one HTML page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from pytest_koderz.evidence.cut_short import Answered

from .page import rendered
from .page_charts import Drawing
from .ways_drawing import ways_drawings
from .ways_table import ways_head, ways_rows


@dataclass(frozen=True, slots=True)
class ArmAnswer:
    """What the page shows of one arm."""

    arm: str
    refused: str
    drawings: tuple[Drawing, ...]
    """One, or none where a price is unknown."""
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    closing: tuple[str, ...]
    """The terminal's lines on which way is best, and how it stands in koderz.yaml."""


def page_of_ways(
    benchmark_id: str,
    answers: Sequence[tuple[Answered, Sequence[str]]],
    arms: Sequence[str],
    local_rate: Decimal | None,
    *,
    simulated: bool,
) -> str:
    """*answers* with the closing lines of each; *arms* give colours and shapes, as on the benchmark's own page."""
    told = [_told(answer, lines, arms, local_rate) for answer, lines in answers]
    return rendered("whatif.html.jinja", simulated, benchmark_id=benchmark_id, told=told)


def _told(answer: Answered, closing: Sequence[str], arms: Sequence[str], local_rate: Decimal | None) -> ArmAnswer:
    control = "" if answer.control is None else answer.control.name
    rows = tuple(row for _, row in ways_rows(answer.ways, control, local_rate))
    drawings = tuple(ways_drawings([answer], arms, local_rate))
    return ArmAnswer(answer.arm, answer.refused, drawings, ways_head(local_rate), rows, tuple(closing))
