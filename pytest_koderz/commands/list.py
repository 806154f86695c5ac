"""What problems there are, and which experiments would be run on them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from pytest_koderz.core.problem import Problem
from pytest_koderz.files.atomic import write_asked
from pytest_koderz.reporters.fixed_width import Table, wrapped
from pytest_koderz.reporters.summary import WIDTH
from pytest_koderz.reporters.text import counted
from pytest_koderz.session.collection import collection_of
from pytest_koderz.session.items import ExperimentItem, benchmark_key

from .printing import print_selected

VERSION = 1
"""Of the JSON. Keys may be added to it; it changes where one goes or means something else."""


def list_problems(config: pytest.Config, session: pytest.Session) -> int:
    """--koderz-list: the problems that paths, -k and --koderz-problems pick; as JSON the experiments on them too."""
    return print_selected(session, lambda items, columns: _listed(config, items, columns))


def _listed(config: pytest.Config, items: list[ExperimentItem], columns: int) -> Iterator[str]:
    yield from _lines(items, columns)
    path: str | None = config.getoption("koderz_json")
    if path is not None:
        benchmark = config.stash[benchmark_key]
        head = {**collection_of(config).head, "overrides": list(benchmark.settings.overrides)}
        told = benchmark.redaction.of_plain(listing_of(head, items))
        write_asked("--koderz-json", config.rootpath / path, json.dumps(told, indent=1) + "\n")
        yield f"listing: {path}"


def listing_of(head: Mapping[str, Any], items: list[ExperimentItem]) -> dict[str, Any]:
    """What would be run, for other programs. *head* is what its journals would say of the benchmark."""
    problems = {item.problem.id: item for item in items}.values()
    return {
        "version": VERSION,
        "benchmark": {name: value for name, value in head.items() if name not in _OF_A_RUN},
        "problems": [_problem(item) for item in problems],
        "experiments": [
            {"nodeid": item.nodeid, "problem": item.problem.id, "arm": item.arm.name, "epoch": item.epoch}
            for item in items
        ],
    }


_OF_A_RUN = ("id", "at")
"""Which there is none of."""


def _problem(item: ExperimentItem) -> dict[str, Any]:
    problem = item.problem
    return {
        "problem": problem.id,
        "suite": item.suite.nodeid,
        "line": item.suite.lines.get(problem.id, 0) + 1,
        "dataset": problem.dataset or None,
        "entry_point": problem.entry_point,
        "tests": _sets(problem),
    }


def _lines(items: list[ExperimentItem], columns: int) -> Iterator[str]:
    problems = {item.problem.id: item.problem for item in items}.values()
    rows = [(problem.id, problem.entry_point, f"tests: {', '.join(_sets(problem))}") for problem in problems]
    # A list to pick ids from: they are whole where the terminal is not narrow, or where there is none.
    room = columns if columns < WIDTH else None
    yield from Table("<0  <0  <0", rows, room, head=False).all_lines(rows)
    arms = ", ".join(dict.fromkeys(item.arm.name for item in items))
    yield from wrapped(
        f"{counted(len(problems), 'problem')}, {counted(len(items), 'experiment')}: {arms}", columns, later="  "
    )


def _sets(problem: Problem) -> list[str]:
    return [word for word in ("visible", "base", "plus") if problem.source_of(word) is not None]
