"""Verbs that print something and exit."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from _pytest.main import wrap_session

from .core.problem import Problem
from .items import ExperimentItem
from .quoting import quote


def run_verb(config: pytest.Config) -> int:
    """Run the verb that was asked for, as pytest runs --cache-show."""
    return int(wrap_session(config, quote if config.getoption("koderz_quote") else _list))


def _list(config: pytest.Config, session: pytest.Session) -> int:
    """--koderz-list: the problems that paths, -k and --koderz-problems pick."""
    session.perform_collect()
    if session.testsfailed:
        return int(pytest.ExitCode.INTERRUPTED)
    found = {item.problem.id: item.problem for item in session.items if isinstance(item, ExperimentItem)}
    writer = config.get_terminal_writer()
    for line in _lines(list(found.values())):
        writer.line(line)
    return int(pytest.ExitCode.OK if found else pytest.ExitCode.NO_TESTS_COLLECTED)


def _lines(problems: list[Problem]) -> Iterator[str]:
    widest = max((len(problem.id) for problem in problems), default=0)
    name = max((len(problem.entry_point) for problem in problems), default=0)
    for problem in problems:
        sets = [word for word in ("visible", "base", "plus") if problem.source_of(word) is not None]
        yield f"{problem.id:<{widest}}  {problem.entry_point:<{name}}  tests: {', '.join(sets)}"
    yield f"{len(problems)} problems"
