"""What a function of a repository is like, and what its tests are worth."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from .place import Function, ModuleText, body_lines

WEAK = 0.8
"""Tests that refuse a smaller share of a function's wrong versions are called weak."""


@dataclass(frozen=True, slots=True)
class FunctionTraits:
    """Where a function stands, and what may make it hard."""

    file: str
    """From the repository's folder on, with slashes."""
    lines: int
    """Of its body, without its docstring, empty lines and comments."""
    branches: int
    """Where its body can go two ways: see `branches_in`."""
    callers: int | None = None
    """Other functions, and modules, of the repository that use its name; tests are none. None: not known."""
    adequacy: float | None = None
    """The share of wrong versions of it that its tests refuse. None: not known."""


def traits_in(module: ModuleText, name: str, file: str, callers: int | None, adequacy: float | None) -> FunctionTraits:
    """Of the module's function *name*."""
    return FunctionTraits(file, code_lines(module, name), branches_in(module.functions[name]), callers, adequacy)


def code_lines(module: ModuleText, name: str) -> int:
    """Lines of a function's body that say something."""
    first, last = body_lines(module.functions[name])
    lines = (line.strip() for line in module.lines[first - 1 : last])
    return sum(bool(line) and not line.startswith("#") for line in lines)


def branches_in(function: Function) -> int:
    """Decisions within the body, as McCabe (1976), IEEE Trans. Softw. Eng. 2:308, counts them: conditions, each `and`
    and `or` in them, loops, those of comprehensions too, handlers and cases.
    """
    return sum(_decisions(node) for part in function.body for node in ast.walk(part))


def _decisions(node: ast.AST) -> int:
    match node:
        case ast.BoolOp(values=values):
            return len(values) - 1
        case ast.comprehension(ifs=ifs):
            return 1 + len(ifs)
    return isinstance(node, _DECIDING)


_DECIDING = (ast.If, ast.IfExp, ast.For, ast.AsyncFor, ast.While, ast.ExceptHandler, ast.match_case)
