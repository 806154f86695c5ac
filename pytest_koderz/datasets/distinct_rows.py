"""Problems of a file, one for each row."""

from __future__ import annotations

from collections.abc import Iterable

from pytest_koderz.core.problem import Problem
from pytest_koderz.files.jsonl import Row, fault_of_id


def distinct(pairs: Iterable[tuple[Row, Problem]]) -> tuple[Problem, ...]:
    """The problems, at least one, whose ids must be right and differ."""
    first: dict[str, int] = {}
    problems = []
    for row, problem in pairs:
        field = "task_id" if "task_id" in row.fields else "name"
        if fault := fault_of_id(problem.id):
            raise row.wrong(field, fault)
        if problem.id in first:
            raise row.wrong(field, f"{problem.id!r} stands in {row.unit} {first[problem.id]} already")
        first[problem.id] = row.position
        problems.append(problem)
    return tuple(problems)
