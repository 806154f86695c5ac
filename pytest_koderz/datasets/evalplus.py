"""HumanEval+ and MBPP+ as evalplus releases them: more inputs, whose answers the reference solution gives.

As in evalplus' own scores, who passes the plus tests passes the base inputs and the plus inputs.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from pathlib import Path
from textwrap import indent

from pytest_koderz.core.problem import Problem
from pytest_koderz.files.download import Source
from pytest_koderz.files.jsonl import Row, read_rows

from .comparison import comparison_of
from .dataset import Dataset, ToolCache
from .distinct_rows import distinct
from .examples import visible_tests
from .humaneval import HUMANEVAL
from .inputs import mbpp_inputs
from .mbpp import MBPP
from .source import as_check, fault_of, function_of, missing_imports, outside_modules, parse, preamble_of


def read_humanevalplus(path: Path) -> tuple[Problem, ...]:
    """The problems of HumanEval+'s JSONL file."""
    return distinct(read_rows(path), _humaneval_problem)


def read_mbppplus(path: Path) -> tuple[Problem, ...]:
    """The problems of MBPP+'s JSONL file."""
    return distinct(read_rows(path), _mbpp_problem)


def _humaneval_problem(row: Row) -> Problem:
    name, prompt, entry_point = row.text("task_id"), row.text("prompt"), row.text("entry_point")
    reference = prompt + row.text("canonical_solution")
    base, plus = _inputs(row, "base_input"), _inputs(row, "plus_input")
    return Problem(
        id=name,
        prompt=prompt,
        entry_point=entry_point,
        tests=_tests(row, reference, base),
        preamble=preamble_of(prompt, entry_point),
        visible=visible_tests(name, prompt, entry_point),
        plus=_tests(row, reference, [*base, *plus]),
        canonical_solution=reference,
        dataset="humanevalplus",
        requires=outside_modules(reference),
    )


def _mbpp_problem(row: Row) -> Problem:
    name, prompt = row.text("task_id"), row.text("prompt")
    reference = row.text("canonical_solution").strip("\n") + "\n"
    base, plus = _mbpp_inputs(row, "base_input"), _mbpp_inputs(row, "plus_input")
    return Problem(
        id=name,
        prompt=prompt,
        entry_point=row.text("entry_point"),
        tests=_tests(row, reference, base),
        visible=_shown_assertions(prompt, row.text("entry_point")),
        plus=_tests(row, reference, [*base, *plus]),
        canonical_solution=reference,
        dataset="mbppplus",
        requires=outside_modules(reference),
    )


def _inputs(row: Row, field: str) -> list[Sequence[object]]:
    # MBPP+ writes "none" as an empty object in one row.
    inputs = row.entries(field) if row.value(field) != {} else []
    if not all(isinstance(given, list) for given in inputs):
        raise row.wrong(field, "must be a list of argument lists")
    return inputs


def _mbpp_inputs(row: Row, field: str) -> Sequence[Sequence[object]]:
    written = _inputs(row, field)
    try:
        return mbpp_inputs(row.text("task_id"), written)
    except (TypeError, ValueError, LookupError, AttributeError) as error:
        raise row.wrong(field, f"is not what this problem takes ({error})") from error


def _shown_assertions(prompt: str, entry_point: str) -> str | None:
    """The assertions in an MBPP+ prompt, which is a text between triple quotes."""
    lines = "\n".join(line.strip() for line in prompt.splitlines() if line.strip().startswith("assert "))
    return missing_imports(lines) + as_check(lines, entry_point) if lines and not fault_of(lines) else None


_TESTS = """\
{imports}

INPUTS = [
{inputs}
]


{comparison}

def reference():
{reference}
    return {entry_point}


expected = reference()


def check(candidate):
    for given in INPUTS:
{loop}
"""


def _tests(row: Row, reference: str, inputs: Sequence[Sequence[object]]) -> str:
    """Test source with one assertion for each of *inputs*."""
    entry_point = row.text("entry_point")
    if not row.text("canonical_solution").strip():
        raise row.wrong("canonical_solution", "is empty, so nothing is known of the right answers")
    if function_of(reference, entry_point) is None:
        raise row.wrong("canonical_solution", fault_of(reference) or f"defines no function {entry_point!r}")
    if not inputs:
        raise row.wrong("base_input", "is empty, so nothing would be tested")
    imports, body = _parts(reference)
    comparison, loop = comparison_of(row.text("task_id"), entry_point, row.tolerance("atol"))
    return _TESTS.format(
        imports="\n".join(["from copy import deepcopy", "from math import inf, isnan, nan", *imports]),
        inputs="\n".join(f"    {list(given)!r}," for given in inputs),
        comparison=comparison,
        reference=indent(body, "    "),
        entry_point=entry_point,
        loop=indent(loop, "        "),
    )


def _parts(reference: str) -> tuple[list[str], str]:
    """The imports of the reference solution, and the rest of it without docstrings."""
    tree = parse(reference) or ast.Module([], [])
    imports = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    tree.body = [node for node in tree.body if node not in imports]
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            node.body = [part for part in node.body if not _is_text(part)] or [ast.Pass()]
    return list(map(ast.unparse, imports)), ast.unparse(tree)


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


_RELEASES = "https://github.com/evalplus/{0}_release/releases/download"
HUMANEVALPLUS = Dataset(
    "humanevalplus",
    read_humanevalplus,
    ToolCache(
        "evalplus",
        "HumanEvalPlus-v*.jsonl*",
        "HUMANEVAL_OVERRIDE_PATH",
        Source(
            f"{_RELEASES.format('humanevalplus')}/v0.1.10/HumanEvalPlus.jsonl.gz",
            "272720b90ac375502c8ed23cd791c2a93dfb22a911641a494da74a426c09f101",
        ),
    ),
    HUMANEVAL.published,
)
MBPPPLUS = Dataset(
    "mbppplus",
    read_mbppplus,
    ToolCache(
        "evalplus",
        "MbppPlus-v*.jsonl*",
        "MBPP_OVERRIDE_PATH",
        Source(
            f"{_RELEASES.format('mbppplus')}/v0.2.0/MbppPlus.jsonl.gz",
            "af43697e8791c4c149bdfd6b489d8b5412507551ac20e28a439f650b8225db63",
        ),
    ),
    MBPP.published,
)
