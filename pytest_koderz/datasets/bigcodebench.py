"""BigCodeBench-Hard in its publisher's format: tests are unittest classes that need the candidate's own module."""

from __future__ import annotations

import ast
from datetime import date
from pathlib import Path

from pytest_koderz.core.problem import Problem
from pytest_koderz.files.jsonl import Row, read_rows

from .dataset import Dataset, ToolCache
from .distinct_rows import distinct
from .source import fault_of, outside_modules, preamble_of, undefined


def read_bigcodebench_hard(path: Path) -> tuple[Problem, ...]:
    """The problems of a JSONL file with the publisher's columns."""
    return distinct(read_rows(path), _problem)


def _problem(row: Row) -> Problem:
    prompt, tests, entry_point = row.text("complete_prompt"), row.text("test"), row.text("entry_point")
    solution = prompt + row.text("canonical_solution")
    for field, source in (("test", tests), ("canonical_solution", solution)):
        if fault := fault_of(source):
            raise row.wrong(field, f"not valid Python: {fault}")
    if fault := undefined(entry_point, prompt, solution):
        raise row.wrong("entry_point", fault)
    return Problem(
        id=row.text("task_id"),
        prompt=prompt,
        entry_point=entry_point,
        tests=tests,
        preamble=preamble_of(prompt, entry_point),
        canonical_solution=solution,
        dataset="bigcodebench-hard",
        isolation="in-process",
        requires=outside_modules(tests, solution),
        categories=_libraries(row),
    )


def _libraries(row: Row) -> tuple[str, ...]:
    """Those that the task is about, which the publisher writes as a list of Python within a text."""
    written = row.optional_text("libs")
    try:
        found = [] if written is None else ast.literal_eval(written)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        found = None
    if not isinstance(found, list) or not all(isinstance(name, str) for name in found):
        raise row.wrong("libs", "must be a list of texts, written as Python does")
    return tuple(dict.fromkeys(found))


BIGCODEBENCH_HARD = Dataset(
    "bigcodebench-hard",
    read_bigcodebench_hard,
    ToolCache(
        "bigcodebench",
        "BigCodeBench-Hard-v*.jsonl*",
        "BIGCODEBENCH_OVERRIDE_PATH",
        recipe=(
            "its publisher offers Parquet files, of which the package bigcodebench makes the JSONL file in its cache "
            "(`from bigcodebench.data import get_bigcodebench; get_bigcodebench(subset='hard')`); "
            "make it so, or name such a file under `path:` in the suite"
        ),
    ),
    date(2024, 6, 22),
)
"""Published with Zhuo et al., arXiv:2406.15877, version 1."""
