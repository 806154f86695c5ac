"""MBPP, sanitized: a text, and assertions of which the first shows the function's name and arguments."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from pytest_koderz.core.problem import Problem
from pytest_koderz.files.download import Source
from pytest_koderz.files.jsonl import Row, read_rows

from .dataset import Dataset, ToolCache
from .distinct_rows import distinct
from .source import as_check, fault_of, first_called, function_of, missing_imports, outside_modules


def read_mbpp(path: Path) -> tuple[Problem, ...]:
    """The problems of sanitized MBPP's JSON file."""
    return distinct(read_rows(path), _problem)


def _problem(row: Row) -> Problem:
    assertions, code = row.texts("test_list"), row.text("code").replace("\r\n", "\n").rstrip() + "\n"
    if not assertions:
        raise row.wrong("test_list", "is empty, so nothing would be tested")
    imports = "".join(f"{line}\n" for line in row.texts("test_imports")) if "test_imports" in row.fields else ""
    tests = "\n".join(assertions)
    imports += missing_imports(imports + tests)
    for field, source in (("test_list", tests), ("code", code)):
        if fault := fault_of(source):
            raise row.wrong(field, f"not valid Python: {fault}")
    entry_point = first_called(tests, code)
    if entry_point is None or function_of(code, entry_point) is None:
        raise row.wrong("test_list", "calls no function that `code` defines")
    return Problem(
        id=f"Mbpp/{row.number('task_id')}",
        prompt=f'"""\n{row.text("prompt").strip()}\n{assertions[0].strip()}\n"""\n',
        entry_point=entry_point,
        tests=imports + as_check(tests, entry_point),
        visible=imports + as_check(assertions[0], entry_point),
        canonical_solution=code,
        dataset="mbpp",
        requires=outside_modules(imports, code),
    )


_PLACE = "https://raw.githubusercontent.com/google-research/google-research"
_COMMIT = "ec7c3d346277b737bc2decffcd1b533d4b7ec105"
MBPP = Dataset(
    "mbpp",
    read_mbpp,
    ToolCache(
        "evalplus",
        "sanitized-mbpp.json",
        source=Source(
            f"{_PLACE}/{_COMMIT}/mbpp/sanitized-mbpp.json",
            "ca95deaa9a01ef0a6f439f88bcf0dd3db3563d22f22aad6cae04ebb9a8d8c8e9",
        ),
    ),
    date(2021, 8, 16),
)
"""Published with Austin et al., arXiv:2108.07732, version 1."""
