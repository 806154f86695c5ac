"""What changed from one run to another."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping

import pytest

from pytest_koderz.files.atomic import write_asked
from pytest_koderz.files.usage_error import UsageError
from pytest_koderz.reporters.changed_lines import change_json, change_lines
from pytest_koderz.reporters.changes_page import page_of_changes
from pytest_koderz.reporters.markdown import cut, section
from pytest_koderz.session.compared_runs import NEWEST, changes_between, pairs_of, run_named
from pytest_koderz.session.items import benchmark_key
from pytest_koderz.session.speaking import shown

from .printing import print_lines, writer_of


def compare(config: pytest.Config, session: pytest.Session) -> int:  # noqa: ARG001 - as pytest calls it
    """--koderz-compare: the first run against the second, or against the newest benchmark."""
    given: list[str] = config.option.koderz_compare
    if len(given) > 2:
        raise UsageError(f"--koderz-compare: two runs are compared, and {len(given)} are given")
    settings = config.stash[benchmark_key].settings
    before = run_named(given[0], settings.folder)
    after = run_named(given[1] if len(given) == 2 else NEWEST, settings.folder)
    pairs = pairs_of(before, after)
    changes, frame, notes = changes_between(before, after, pairs, settings.margin, settings.local_rate)
    lines = change_lines(changes, frame, notes, writer_of(config).fullwidth, whole=config.option.verbose > 0)
    heading = f"{after.label} against {before.label}"
    texts: dict[str, Callable[[], str]] = {
        "koderz_json": lambda: json.dumps(change_json(changes, frame, notes), indent=1) + "\n",
        "koderz_html": lambda: page_of_changes(changes, pairs, frame, notes),
        "koderz_markdown": lambda: cut(section(heading, [shown(config, line) for line in lines])),
    }
    print_lines(config, lines)
    print_lines(config, (f"comparison: {path}" for path in _written(config, texts)))
    return int(pytest.ExitCode.OK)


def _written(config: pytest.Config, texts: Mapping[str, Callable[[], str]]) -> Iterator[str]:
    """The files that are asked for on the command line; koderz.yaml names those of runs alone."""
    for name, text in texts.items():
        path: str | None = config.getoption(name)
        if path is not None:
            write_asked(f"--{name.replace('_', '-')}", config.rootpath / path, text())
            yield path
