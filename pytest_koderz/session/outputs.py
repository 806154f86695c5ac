"""The files of results: --koderz-json, --koderz-html and --koderz-markdown."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:  # a session without --koderz reads the options alone
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from pytest_koderz.core.experiment import Experiment
    from pytest_koderz.core.money import Spending
    from pytest_koderz.core.problem import Problem
    from pytest_koderz.settings import Settings

    from .context import BenchmarkRun


STEP_SUMMARY = "GITHUB_STEP_SUMMARY"


def add_options(group: pytest.OptionGroup) -> None:
    group.addoption("--koderz-json", metavar="FILE", help="Write the results as JSON.")
    group.addoption("--koderz-html", metavar="FILE", help="Write the results as an HTML page.")
    group.addoption("--koderz-markdown", metavar="FILE", help="Write the summary as Markdown.")
    group.addoption(
        "--koderz-show",
        choices=("lines", "stories", "none"),
        default="lines",
        help="What the terminal has of what is unsolved: lines, stories (as with -v or -rA) or none.",
    )
    group.addoption(
        "--koderz-junit-properties",
        choices=("case", "output", "no"),
        default="case",
        help="Where --junitxml has what an experiment came to: in its case, as lines of its output, or not at all.",
    )


def register(run: BenchmarkRun) -> ResultFiles | None:
    """None: no file of results is asked for. Raises UsageError for one that could not be written."""
    settings = run.settings
    check_outputs(settings)
    asked = (settings.json, settings.html, settings.markdown, step_summary(run))
    if run.is_worker or not any(asked):
        return None
    files = ResultFiles(run)
    run.register(files, "result-files")
    return files


def check_outputs(settings: Settings) -> None:
    """Raises UsageError for a file that could not be written."""
    from pytest_koderz.files.atomic import check_output

    check_output("--koderz-json", settings.json)
    check_output("--koderz-html", settings.html)
    check_output("--koderz-markdown", settings.markdown)


def step_summary(run: BenchmarkRun) -> Path | None:
    """The file to which a step of GitHub Actions may add what its page is to show."""
    from pathlib import Path

    path = run.settings.environment.get(STEP_SUMMARY)
    return Path(path) if path else None


class ResultFiles:
    """Written once, where there is anything to tell."""

    def __init__(self, run: BenchmarkRun) -> None:
        self._run = run
        self._written = False
        """Whether they are, or could not be."""
        self._suites: set[str] = set()
        """As the ids of reports have them."""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._suites.add(report.nodeid.partition("::")[0])

    def lines(self) -> Iterator[str]:
        """Write them; where they are."""
        self._written = True
        experiments = self._run.experiments.in_order()
        for path, text in self._texts(experiments) if experiments else ():
            yield self._write(path, text)
        step = step_summary(self._run)
        if step is not None and experiments:
            yield from self._add(step, self._markdown(experiments))

    def _add(self, path: Path, text: str) -> Iterator[str]:
        """Other commands of the step may have written to it; all that they write must fit."""
        from pytest_koderz.reporters.markdown import MOST_BYTES, cut

        try:
            taken = path.stat().st_size if path.exists() else 0
            with path.open("a", encoding="utf-8") as file:
                file.write(cut(text, MOST_BYTES - taken))
        except OSError as fault:
            yield f"no summary of the step: {fault.strerror}"

    @pytest.hookimpl(trylast=True)
    def pytest_unconfigure(self) -> None:
        """Where there was no terminal to have a summary, they are written now."""
        if not self._written:
            list(self.lines())

    def _texts(self, experiments: tuple[Experiment, ...]) -> Iterable[tuple[Path, str]]:
        from pytest_koderz.reporters.page import html_of
        from pytest_koderz.reporters.results import results_of

        from .head import head_of

        settings, frame = self._run.settings, self._run.frame
        head = {**head_of(settings, self._run.id), "warnings": list(self._run.experiments.complaints())}
        if settings.json is not None:
            yield settings.json, json.dumps(results_of(frame, head, experiments), indent=1) + "\n"
        if settings.html is not None:
            told = self._run.experiments.whole(self._run.folder)
            yield settings.html, html_of(frame, head, told, self._problems(told), self._calls())
        if settings.markdown is not None:
            yield settings.markdown, self._markdown(experiments)

    def _calls(self) -> Mapping[str, Sequence[Spending]]:
        from pytest_koderz.records.asked_calls import calls_of
        from pytest_koderz.records.reader import archived

        return calls_of(archived(self._run.folder))

    def _markdown(self, experiments: tuple[Experiment, ...]) -> str:
        from pytest_koderz.reporters.run_markdown import markdown_of

        from .speaking import shown

        config = self._run.config
        told = [config.pluginmanager.get_plugin(f"koderz-{name}") for name in ("gates", "compared")]
        closing = [line for feature in told if feature is not None for line in feature.lines()]
        return shown(config, markdown_of(self._run.frame, experiments, closing))

    def _problems(self, experiments: Iterable[Experiment]) -> dict[str, Problem]:
        """Those of *experiments*, as far as they are known. The controller of xdist has collected none itself."""
        from .suites import problems_reported

        known, names = dict(self._run.benchmark.problems), {one.problem_id for one in experiments}
        if names - known.keys():
            known |= {one.id: one for one in problems_reported(self._run.config, self._suites) if one.id not in known}
        return {name: problem for name, problem in known.items() if name in names}

    def _write(self, path: Path, text: str) -> str:
        from pytest_koderz.files.atomic import write_output

        shown = self._run.shown(path)
        try:
            write_output(path, text)
        except OSError as fault:
            # The disk filled up since `check_output`; the experiments themselves are in the journal.
            return f"no results: {shown}: {fault.strerror}; resume {self._run.id} to have them"
        return f"results: {shown}"
