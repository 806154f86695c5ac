"""A user's choice among problems, such as `0-9,42`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from fnmatch import fnmatchcase

from pytest_koderz.core.problem import Problem
from pytest_koderz.files.nearest import most_like
from pytest_koderz.files.usage_error import UsageError


def select(problems: Sequence[Problem], wanted: str) -> tuple[Problem, ...]:
    """The problems that *wanted* names, in the order of *problems*.

    Its parts, between commas, are numbers or ranges of numbers at the ids' ends (`HumanEval/42`), whole ids
    (`own/rotate`), patterns of them (`own/*`) or what follows an id's last slash (`rotate`). A part that names nothing,
    or a range that goes on after the last number, raises UsageError.
    """
    parts = [part.strip() for part in wanted.split(",")]
    if not all(parts):
        raise UsageError(f"problems: {wanted!r}: a part is empty; {_example(problems)} would be right")
    chosen: set[str] = set()
    for part in parts:
        chosen.update(problem.id for problem in _named(problems, part))
        _check_end(problems, part)
    return tuple(problem for problem in problems if problem.id in chosen)


def select_known(problems: Sequence[Problem], wanted: str) -> tuple[Problem, ...]:
    """As `select`, but what *wanted* names beside these problems is passed over."""
    chosen: set[str] = set()
    for part in wanted.split(","):
        with suppress(UsageError):
            chosen.update(problem.id for problem in _named(problems, part.strip()))
    return tuple(problem for problem in problems if problem.id in chosen)


def _named(problems: Sequence[Problem], part: str) -> list[Problem]:
    exact = [problem for problem in problems if part in (problem.id, problem.id.rpartition("/")[2])]
    if exact or any(wild in part for wild in "*?"):
        return exact or _matching(problems, part)
    span = _span(part)
    if span is None:
        hint = _near(problems, part)
        raise UsageError(f"problems: {part!r}: no such problem{hint}; {_example(problems)} would be right")
    first, last = span
    if last < first:
        raise UsageError(f"problems: {part!r}: the range ends before it starts; {last}-{first} would be right")
    found = [problem for problem in problems if (number := _number(problem)) is not None and first <= number <= last]
    if not found:
        raise UsageError(f"problems: {part!r}: no such problem; {_example(problems)} would be right")
    return found


def _check_end(problems: Sequence[Problem], part: str) -> None:
    """Only after `_named`: an id may look like a range."""
    span = _span(part)
    if span is None or any(part in (problem.id, problem.id.rpartition("/")[2]) for problem in problems):
        return
    first, last = span
    end = max(number for problem in problems if (number := _number(problem)) is not None)
    if last > end:
        raise UsageError(f"problems: {part!r}: the last problem is {end}; {first}-{end} would be right")


def _span(part: str) -> tuple[int, int] | None:
    """First and last number of a range, which a number is too."""
    span = re.fullmatch(r"(\d+)\s*(?:-\s*(\d+))?", part)
    return (int(span[1]), int(span[2] or span[1])) if span else None


def _matching(problems: Sequence[Problem], pattern: str) -> list[Problem]:
    found = [problem for problem in problems if fnmatchcase(problem.id, pattern)]
    if not found:
        raise UsageError(f"problems: {pattern!r}: matches no problem; {_example(problems)} would be right")
    return found


def _number(problem: Problem) -> int | None:
    tail = re.search(r"(\d+)$", problem.id)
    return int(tail[1]) if tail else None


def _near(problems: Sequence[Problem], part: str) -> str:
    names = {name: problem.id for problem in problems for name in (problem.id, problem.id.rpartition("/")[2])}
    near = most_like(part, names)
    return f" (did you mean {names[near]!r}?)" if near else ""


def _example(problems: Sequence[Problem]) -> str:
    numbers = [number for problem in problems if (number := _number(problem)) is not None]
    if numbers:
        return f"a selection such as `{min(numbers)}-{max(numbers)}`" if len(numbers) > 1 else f"`{numbers[0]}`"
    return f"an id such as `{problems[0].id}`" if problems else "nothing: there are no problems"
