"""Verbs that print something and exit, as --cache-show does."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import pytest
from _pytest.main import wrap_session

from pytest_koderz.files.usage_error import UsageError
from pytest_koderz.reporters.text import counted
from pytest_koderz.session.items import ExperimentItem

from .analyze import analyze, results
from .doctor import examine
from .printing import print_selected
from .quote import quote
from .sync import deliver_now


def run_verb(config: pytest.Config) -> int:
    """Run the verb that was asked for; of several the first."""
    verb = next(verb for name, verb in _VERBS.items() if config.getoption(name))

    def run(config: pytest.Config, session: pytest.Session) -> int:
        try:
            return verb(config, session)
        except UsageError as error:
            raise pytest.UsageError(str(error)) from None

    return int(wrap_session(config, run))


def _list(config: pytest.Config, session: pytest.Session) -> int:  # noqa: ARG001 - as pytest calls it
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


_VERBS: Mapping[str, Callable[[pytest.Config, pytest.Session], int]] = {
    "koderz_list": _list,
    "koderz_quote": quote,
    "koderz_analyze": analyze,
    "koderz_results": results,
    "koderz_cortex_sync": deliver_now,
    "koderz_doctor": examine,
}
