"""A benchmark as one HTML page that needs nothing beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pytest_koderz.core.experiment import Experiment
from pytest_koderz.evidence.findings import Frame, findings_of
from pytest_koderz.evidence.intervals import Interval
from pytest_koderz.files.visible_text import visible

from . import chart
from .story import story_lines
from .summary import SIMULATED, summary_lines
from .text import counted, dollars, headline, tokens


def html_of(frame: Frame, head: Mapping[str, Any], experiments: Sequence[Experiment]) -> str:
    """The summary, a chart, a table of problems by arms, and each experiment's whole story."""
    from jinja2 import Environment, PackageLoader

    environment = Environment(loader=PackageLoader(__package__, ""), autoescape=True, trim_blocks=True, finalize=_shown)
    environment.filters.update(dollars=dollars, tokens=tokens, counted=counted, percents=_percents, headline=headline)
    findings = findings_of(frame, experiments)
    columns = list(dict.fromkeys((one.arm, one.epoch) for one in experiments))
    return environment.get_template("report.html.jinja").render(
        frame=frame,
        head=head,
        mark=SIMULATED.strip() if frame.simulated else "",
        findings=findings,
        summary=summary_lines(frame, experiments, whole=True),
        chart=chart.chart_of(findings.arms, findings.steps),
        size=chart,
        columns=columns,
        epochs=max((epoch for _, epoch in columns), default=1),
        cells={(one.problem_id, one.arm, one.epoch): one for one in experiments},
        problems=list(dict.fromkeys(one.problem_id for one in experiments)),
        stories={one.id: "\n".join(story_lines(one, SIMULATED if frame.simulated else "")) for one in experiments},
        experiments=experiments,
    )


def _shown(value: object) -> object:
    return visible(value) if isinstance(value, str) else value


def _percents(interval: Interval | None) -> str:
    return "" if interval is None else f"{interval.low * 100:.0f} - {interval.high * 100:.0f} %"
