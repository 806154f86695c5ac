"""The files of a benchmark that was run before: --koderz-json, --koderz-html, --koderz-markdown, --koderz-export and
--junitxml beside --koderz-analyze and --koderz-merge.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import pytest
from _pytest.junitxml import LogXML, xml_key

from pytest_koderz.core.experiment import Experiment, Status
from pytest_koderz.core.problem import Problem
from pytest_koderz.evidence.findings import Frame
from pytest_koderz.files.atomic import write_asked
from pytest_koderz.files.usage_error import UsageError
from pytest_koderz.records.asked_calls import calls_of
from pytest_koderz.records.events import Head
from pytest_koderz.records.reader import Archived
from pytest_koderz.reporters.junit import properties_of, suite_properties
from pytest_koderz.reporters.page import html_of
from pytest_koderz.reporters.results import results_of
from pytest_koderz.reporters.run_markdown import markdown_of
from pytest_koderz.reporters.text import headline
from pytest_koderz.session.collection import collection_of
from pytest_koderz.session.exports import export
from pytest_koderz.session.head import told_of
from pytest_koderz.session.items import benchmark_key, labels_of, panel_of
from pytest_koderz.session.junit_totals import add_output
from pytest_koderz.session.speaking import shown


def collected_for(session: pytest.Session) -> Mapping[str, tuple[str, Problem]]:
    """By problem the file of its suite as ids have it, and itself, for the files that need it: no journal has either.
    Empty where suites cannot be collected any more.
    """
    option = session.config.option
    if not any((option.koderz_html, getattr(option, "xmlpath", None))):
        return {}
    with suppress(pytest.UsageError):
        session.perform_collect()
    return collection_of(session.config).held


def write_files(
    config: pytest.Config, benchmark: Archived, frame: Frame, collected: Mapping[str, tuple[str, Problem]]
) -> Iterator[Path]:
    """Those that the command line names, as the benchmark's own run would have written them; where each is.

    *collected* has by problem the file of its suite, and itself. Raises UsageError for one that cannot be written.
    """
    head, experiments = told_of(benchmark.head), benchmark.experiments
    problems = {one.problem_id: collected[one.problem_id][1] for one in experiments if one.problem_id in collected}
    texts: dict[str, Callable[[], str]] = {
        "koderz_json": lambda: json.dumps(results_of(frame, head, experiments), indent=1) + "\n",
        "koderz_html": lambda: html_of(frame, head, experiments, problems, calls_of(benchmark)),
        "koderz_markdown": lambda: shown(config, markdown_of(frame, experiments)),
    }
    for option, text in texts.items():
        if config.getoption(option):
            path = Path(config.getoption(option))
            # From the root folder, where the benchmark's own run would have put it, whichever folder this one is.
            write_asked(f"--{option.replace('_', '-')}", config.rootpath / path, text())
            yield path
    if config.getoption("koderz_export"):
        yield from _exported(config, benchmark)
    xml = config.stash.get(xml_key, None)
    if xml is not None:
        for name, value in suite_properties(head, experiments):
            xml.add_global_property(name, value)
        places = {name: place for place, name in enumerate(collected)}
        for one in sorted(experiments, key=lambda one: places.get(one.problem_id, 0)):  # as they were run
            suite = collected[one.problem_id][0] if one.problem_id in collected else "problems"
            _enter(xml, one, f"{suite}::{_name(one, benchmark.head)}", config.getoption("koderz_junit_properties"))
        yield Path(xml.logfile)


def _exported(config: pytest.Config, benchmark: Archived) -> Iterator[Path]:
    """Of the journals: no other memory holds what was asked."""
    known = config.stash[benchmark_key]
    if not benchmark.recorded.heads:
        raise UsageError("--koderz-export needs the journals, which alone hold prompts and replies")
    yield from export(config, known.settings.folder / benchmark.id, known.redaction)


def _name(experiment: Experiment, head: Head) -> str:
    return f"{experiment.problem_id}[{labels_of(experiment.arm, head.epochs or 1)[experiment.epoch - 1]}]"


def _enter(xml: LogXML, experiment: Experiment, nodeid: str, properties: str) -> None:
    """As a case, its *properties* where --koderz-junit-properties wants them; pytest writes the file at the end."""
    for when in ("call", "teardown"):
        report = _report(experiment, nodeid, when)
        report.user_properties = properties_of(experiment) if properties == "case" else []
        if properties == "output" and when == "call":
            add_output(xml, report, experiment)
        xml.pytest_runtest_logreport(report)


def _report(experiment: Experiment, nodeid: str, when: str) -> pytest.TestReport:
    """One that never ended counts as skipped."""
    outcomes = {Status.SOLVED: "passed", Status.SKIPPED: "skipped", Status.RUNNING: "skipped"}
    outcome = outcomes.get(experiment.status, "failed") if when == "call" else "passed"
    failed = panel_of((Path("problems"), 1), experiment, whole=True) if outcome == "failed" else None
    skipped = ("problems", 1, headline(experiment)) if outcome == "skipped" else None
    return pytest.TestReport(
        nodeid,
        ("problems", 0, nodeid.partition("::")[2]),
        keywords={},
        outcome=outcome,  # type: ignore[arg-type]
        longrepr=failed or skipped,
        when="setup" if experiment.status is Status.INVALID and when == "call" else when,  # type: ignore[arg-type]
        duration=experiment.seconds if when == "call" else 0.0,
    )
