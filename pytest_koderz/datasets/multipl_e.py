"""MultiPL-E's rows for Python, whose tests call the function while they are loaded and name no entry point."""

from __future__ import annotations

import ast
from pathlib import Path

from pytest_koderz.core.problem import Problem
from pytest_koderz.files.jsonl import Row, read_rows

from .dataset import Dataset
from .distinct_rows import distinct
from .examples import visible_tests
from .humaneval import HUMANEVAL
from .source import fault_of_tests, names_of, outside_modules, parse, parse_head, preamble_of

COLUMNS = frozenset({"name", "language", "prompt", "tests"})


def read_multipl_e(path: Path) -> tuple[Problem, ...]:
    """The problems of a file with the publisher's columns, all of them for Python."""
    return distinct(read_rows(path), lambda row: multipl_e_problem(row, "multipl-e"))


def multipl_e_problem(row: Row, dataset: str) -> Problem:
    """The problem in a row. Raises UsageError, with the row's place, where it is none."""
    name, prompt, tests = row.text("name"), row.text("prompt"), row.text("tests")
    if (language := row.text("language")) != "py":
        raise row.wrong("language", f"{language!r}: only Python ('py') can be judged")
    if fault := fault_of_tests(tests):
        raise row.wrong("tests", fault)
    entry_point = _checked(tests, names_of(prompt)) or _last_function(prompt)
    if entry_point is None:
        raise row.wrong("prompt", "defines no function that the tests could call")
    return Problem(
        id=name,
        prompt=prompt,
        entry_point=entry_point,
        tests=tests,
        preamble=preamble_of(prompt, entry_point),
        visible=visible_tests(name, prompt, entry_point),
        dataset=dataset,
        requires=outside_modules(tests, None),
    )


def _checked(tests: str, names: set[str]) -> str | None:
    """The function of the prompt that the tests hand to `check`."""
    calls = [node for node in ast.walk(parse(tests) or ast.Module([], [])) if isinstance(node, ast.Call)]
    given = [
        call.args[0] for call in calls if isinstance(call.func, ast.Name) and call.func.id == "check" and call.args
    ]
    return next((node.id for node in given if isinstance(node, ast.Name) and node.id in names), None)


def _last_function(prompt: str) -> str | None:
    """The one whose body is still to be written."""
    tree = parse_head(prompt)
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return next((node.name for node in reversed(tree.body) if isinstance(node, kinds)), None) if tree else None


MULTIPL_E = Dataset("multipl-e", read_multipl_e, None, HUMANEVAL.published)
