"""--koderz-export: a benchmark in formats of other tools."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

import pytest

from .completion import EachCompleted, words

if TYPE_CHECKING:  # a session without --koderz reads the options alone
    from pathlib import Path

    from pytest_koderz.files.secret_values import Redaction

    from .context import BenchmarkRun

FORMATS = ("inspect", "litellm")


def add_options(group: pytest.OptionGroup) -> None:
    group.addoption(
        "--koderz-export",
        metavar="FORMAT[=PATH]",
        action=EachCompleted,
        completer=words(*FORMATS),
        default=[],
        help="Write the benchmark, this one or that of --koderz-analyze, for other tools: `inspect` (logs of "
        "inspect_ai, in the folder `logs`) or `litellm` (a row per problem, arm and run); may be repeated.",
    )


def register(run: BenchmarkRun) -> Exports | None:
    """Raises UsageError for a format that is none, before anything is spent."""
    asked = [parsed(text) for text in run.config.getoption("koderz_export")]
    return Exports(run) if asked and not run.is_worker else None


class Exports:
    """The closing lines that say where they are."""

    def __init__(self, run: BenchmarkRun) -> None:
        self._run = run

    def lines(self) -> Iterator[str]:
        run = self._run
        if run.experiments.in_order():
            for path in export(run.config, run.folder, run.benchmark.redaction):
                yield f"exported: {run.shown(path)}"


def parsed(text: str) -> tuple[str, str]:
    """Format and path, which may be empty. Raises UsageError."""
    from pytest_koderz.files.nearest import nearest
    from pytest_koderz.files.usage_error import UsageError

    name, _, place = text.partition("=")
    if name not in FORMATS:
        raise UsageError(f"--koderz-export: no format named '{name}'{nearest(name, FORMATS)}")
    return name, place


def export(config: pytest.Config, folder: Path, redaction: Redaction) -> Iterator[Path]:
    """Write what is asked for of the benchmark in *folder*, without secrets; where each is. Raises UsageError."""
    from pytest_koderz.files.atomic import write_asked

    for name, place in map(parsed, config.getoption("koderz_export")):
        for path, text in _files(name, place, folder, config.rootpath, redaction).items():
            write_asked("--koderz-export", path, text())
            yield path


def _files(name: str, place: str, folder: Path, root: Path, redaction: Redaction) -> Mapping[Path, Callable[[], str]]:
    """Each with what makes its text."""
    from functools import partial

    from pytest_koderz.records.asked_calls import calls_in
    from pytest_koderz.records.reader import archived
    from pytest_koderz.reporters.inspect_logs import inspect_logs
    from pytest_koderz.reporters.router_rows import router_rows

    benchmark, calls = archived(folder), calls_in(folder)
    if name == "litellm":
        rows = [redaction.of_plain(row) for row in router_rows(benchmark, calls)]
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        return {root / (place or f"{benchmark.id}.litellm.jsonl"): lambda: text}
    logs = inspect_logs(benchmark, calls)
    return {
        root / (place or "logs") / file: partial(json.dumps, redaction.of_plain(log), indent=1)
        for file, log in logs.items()
    }
