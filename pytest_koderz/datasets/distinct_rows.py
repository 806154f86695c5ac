"""Problems of a file, one for each row."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from pytest_koderz.core.problem import Problem
from pytest_koderz.files.jsonl import Row, fault_of_id
from pytest_koderz.files.usage_error import Mistakes


def distinct(rows: Iterable[Row], problem_of: Callable[[Row], Problem]) -> tuple[Problem, ...]:
    """The problems, whose ids must be right and differ. Raises UsageError, which tells what is wrong with each row."""
    first: dict[str, int] = {}
    problems, mistakes = [], Mistakes()
    with mistakes.noted():
        for row in rows:
            with mistakes.noted():
                problem = problem_of(row)
                _check_id(row, problem.id, first)
                problems.append(problem)
    mistakes.tell()
    return tuple(problems)


def _check_id(row: Row, name: str, first: dict[str, int]) -> None:
    field = "task_id" if "task_id" in row.fields else "name"
    if fault := fault_of_id(name):
        raise row.wrong(field, fault)
    if name in first:
        raise row.wrong(field, f"{name!r} stands in {row.unit} {first[name]} already")
    first[name] = row.position
