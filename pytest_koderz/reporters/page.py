"""A benchmark as one HTML page that needs nothing beside it."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from hashlib import sha256
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from pytest_koderz.core.experiment import Experiment
from pytest_koderz.core.function_traits import WEAK
from pytest_koderz.core.problem import Problem
from pytest_koderz.evidence.cut_short import Calls, answers_of
from pytest_koderz.evidence.findings import Findings, Frame, findings_of
from pytest_koderz.evidence.intervals import Interval
from pytest_koderz.files.visible_text import visible

from . import chart
from .header import arm_lines
from .packed_stories import Stories
from .page_charts import RIGHT, bars_of, drawings_of
from .page_table import MARKS, counts_of, grouped, rows_of
from .page_verdict import sentences_of
from .place_lines import advice_by_file, tables_of, weak_words
from .plain_text import LONGEST_NAME, cut
from .strata_lines import strata_rows
from .summary import SIMULATED, lines_of
from .text import counted, dollars, percent, tokens
from .ways_drawing import ways_drawings

if TYPE_CHECKING:
    from jinja2 import Environment


def html_of(
    frame: Frame,
    head: Mapping[str, Any],
    experiments: Sequence[Experiment],
    problems: Mapping[str, Problem] | None = None,
    calls: Calls | None = None,
) -> str:
    """The verdict, drawings, a table of problems by arms, and each experiment's whole story.

    *problems* by id, as far as they are known: their texts and tests, and what the models were asked. *calls* by
    experiment, where they are known: what they answer of other set-ups is drawn too.
    """
    shown = table_and_stories(frame, findings_of(frame, experiments), experiments, problems or {})
    answers = answers_of(frame.definitions, experiments, calls, frame.control) if calls else ()
    what_if = ways_drawings(answers, shown["arms"], frame.local_rate)
    return rendered("report.html.jinja", frame.simulated, frame=frame, head=head, what_if=list(what_if), **shown)


def rendered(template: str, simulated: bool, **shown: Any) -> str:
    """The page that *template* makes of what is *shown*, with the style and the program of all pages."""
    style, program = (files(__package__).joinpath(name).read_text(encoding="utf-8") for name in ("page.css", "page.js"))
    hashes = {"style": _hash(style), "program": _hash(program)}
    common = {"mark": SIMULATED if simulated else "", "size": chart, "right": RIGHT}
    return (
        _environment()
        .get_template(template)
        .render(**{**common, "style": style, "program": program, "hashes": hashes, **shown})
    )


def table_and_stories(
    frame: Frame, findings: Findings, experiments: Sequence[Experiment], problems: Mapping[str, Problem]
) -> dict[str, Any]:
    """What a page of experiments shows, by the names that its template has."""
    arms = list(dict.fromkeys(one.arm for one in experiments))
    stories = Stories(problems, {arm.name: arm for arm in frame.definitions}, SIMULATED if frame.simulated else "")
    parts = list(stories.parts(grouped(experiments)))
    rows = rows_of(experiments, arms, problems)
    return {
        "findings": findings,
        "sentences": list(sentences_of(frame, findings)),
        "summary": lines_of(frame, findings, whole=True) if experiments else [],
        "drawings": list(drawings_of(findings)),
        "bars": bars_of(findings.arms),
        "strata": [] if frame.shard or not findings.control_ran else list(strata_rows(findings.comparisons)),
        "places": [] if frame.shard else list(map(tables_of, findings.places)),
        "weak": weak_words(findings.weak),
        "weak_below": percent(WEAK),
        "about_arms": arm_lines(frame.definitions),
        "rows": rows,
        "has_epochs": any(cell.solved for row in rows for cell in row.cells),
        "counts": counts_of(rows),
        "names": MARKS,
        "files": list(dict.fromkeys(row.file for row in rows if row.file)),
        "advice": {} if frame.shard else advice_by_file(findings.places[:1]),
        "arms": arms,
        "datasets": list(dict.fromkeys(row.dataset for row in rows)),
        "parts": parts,
        "part_of": {problem: number for number, part in enumerate(parts) for problem in part.problems},
        "experiments": len(experiments),
    }


def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader
    from markupsafe import Markup

    def seen(value: Any) -> Any:
        return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value

    loader = PackageLoader(__package__, "")
    environment = Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True, finalize=seen)
    environment.filters.update(
        dollars=dollars, tokens=tokens, counted=counted, percents=_percents, short=lambda text: cut(text, LONGEST_NAME)
    )
    return environment


def _hash(text: str) -> str:
    """By which the page's own policy knows its own style and program, and lets no other take part."""
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def _percents(interval: Interval | None) -> str:
    return "" if interval is None else f"{interval.low * 100:.0f} - {interval.high * 100:.0f} %"


def _short(name: str) -> str:
    return cut(name, LONGEST_NAME)
