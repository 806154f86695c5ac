"""What problems there are."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pytest_koderz.reporters.text import counted
from pytest_koderz.session.items import ExperimentItem

from .printing import print_selected


def list_problems(config: pytest.Config, session: pytest.Session) -> int:  # noqa: ARG001 - as pytest calls it
    """--koderz-list: the problems that paths, -k and --koderz-problems pick."""
    return print_selected(session, _lines)


def _lines(items: list[ExperimentItem]) -> Iterator[str]:
    problems = {item.problem.id: item.problem for item in items}.values()
    widest = max((len(problem.id) for problem in problems), default=0)
    name = max((len(problem.entry_point) for problem in problems), default=0)
    for problem in problems:
        sets = [word for word in ("visible", "base", "plus") if problem.source_of(word) is not None]
        yield f"{problem.id:<{widest}}  {problem.entry_point:<{name}}  tests: {', '.join(sets)}"
    yield counted(len(problems), "problem")
