"""What problems there are."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pytest_koderz.core.problem import Problem
from pytest_koderz.reporters.fixed_width import Table
from pytest_koderz.reporters.summary import WIDTH
from pytest_koderz.reporters.text import counted
from pytest_koderz.session.items import ExperimentItem

from .printing import print_selected


def list_problems(config: pytest.Config, session: pytest.Session) -> int:  # noqa: ARG001 - as pytest calls it
    """--koderz-list: the problems that paths, -k and --koderz-problems pick."""
    return print_selected(session, _lines)


def _lines(items: list[ExperimentItem], columns: int) -> Iterator[str]:
    problems = {item.problem.id: item.problem for item in items}.values()
    rows = [(problem.id, problem.entry_point, f"tests: {', '.join(_sets(problem))}") for problem in problems]
    # A list to pick ids from: they are whole where the terminal is not narrow, or where there is none.
    room = columns if columns < WIDTH else None
    yield from Table("<0  <0  <0", rows, room, head=False).all_lines(rows)
    yield counted(len(problems), "problem")


def _sets(problem: Problem) -> list[str]:
    return [word for word in ("visible", "base", "plus") if problem.source_of(word) is not None]
