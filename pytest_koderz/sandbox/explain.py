"""Tests that count their assertions and go on after one that fails, and say of that one what pytest would."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from copy import deepcopy
from functools import cache
from types import CodeType
from typing import Any

TALLY = "koderz_tally_"
"""The tally's name in the tests' globals."""

# A tally counts, and keeps what `locals()` says of the first failures. Where a handler of the tests stands ready the
# assertion must raise to reach it.
_COUNTED = """
koderz_mark_ = koderz_tally_.mark()
try:
    if PLACE:
        koderz_tally_.passed()
    else:
        koderz_tally_.failed(NUMBER, koderz_mark_, locals())
except Exception as koderz_error_:
    koderz_tally_.raised(NUMBER, koderz_mark_, koderz_error_)
"""
_RAISED = """
koderz_mark_ = koderz_tally_.mark()
if PLACE:
    koderz_tally_.passed()
else:
    raise koderz_tally_.failure(NUMBER, koderz_mark_, locals())
"""


def compile_counting(source: str, filename: str) -> tuple[CodeType, list[ast.Assert]]:
    """The code of *source*, whose asserts report to the tally, and these asserts by number."""
    tree = ast.parse(source, filename)
    counting = _Counting(_guarded_names(tree))
    counted = ast.fix_missing_locations(counting.visit(tree))
    return compile(counted, filename, "exec", dont_inherit=True), counting.asserts


def _guarded_names(tree: ast.Module) -> frozenset[str]:
    """Functions that are called under a handler."""
    tries = [node for node in ast.walk(tree) if isinstance(node, ast.Try) and node.handlers]
    calls = (node for each in tries for part in each.body for node in ast.walk(part) if isinstance(node, ast.Call))
    return frozenset(call.func.id for call in calls if isinstance(call.func, ast.Name))


class _Counting(ast.NodeTransformer):
    def __init__(self, guarded: frozenset[str]) -> None:
        self.asserts: list[ast.Assert] = []
        self._guarded = guarded
        self._raising = False

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        outer, self._raising = self._raising, node.name in self._guarded
        self.generic_visit(node)
        self._raising = outer
        return node

    def visit_Try(self, node: ast.Try) -> ast.AST:
        outer, self._raising = self._raising, self._raising or bool(node.handlers)
        guarded = self.generic_visit(ast.Module(node.body, []))
        self._raising = outer
        node.body = []
        self.generic_visit(node)
        node.body = guarded.body  # type: ignore[attr-defined]
        return node

    def visit_Assert(self, node: ast.Assert) -> list[ast.stmt]:
        filled = _Filled(node.test, len(self.asserts))
        self.asserts.append(node)
        body = ast.parse(_RAISED if self._raising else _COUNTED).body
        return [_moved(filled.visit(statement), node) for statement in body]

    def visit(self, node: ast.AST) -> Any:
        # Expressions hold no asserts, and can be very large.
        return node if isinstance(node, (ast.expr, ast.Assign, ast.Expr, ast.Return)) else super().visit(node)


class _Filled(ast.NodeTransformer):
    def __init__(self, test: ast.expr, number: int) -> None:
        self._values = {"PLACE": test, "NUMBER": ast.Constant(number)}

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return self._values.get(node.id, node)


def _moved(statement: Any, to: ast.Assert) -> ast.stmt:
    """*statement*, with the lines of the template replaced by that of the assertion."""
    for node in ast.walk(statement):
        if isinstance(node, (ast.stmt, ast.ExceptHandler)):
            ast.copy_location(node, to)
    return statement  # type: ignore[no-any-return]


def assertion_text(node: ast.Assert) -> str:
    return f"assert {ast.unparse(node.test)}"


def explanation_of(node: ast.Assert, scope: Mapping[str, Any], local: Mapping[str, Any]) -> str | None:
    """What pytest says of the failing assertion *node*, evaluated once more; None where it does not fail again."""
    names = tuple(sorted({each.id for each in ast.walk(node) if isinstance(each, ast.Name)} & local.keys()))
    code = _explained(node, names)
    namespace = dict(scope)
    try:
        exec(code, namespace)  # noqa: S102 - the dataset's own assertion
        namespace["explained"](*(local[name] for name in names))
    except AssertionError as error:
        return str(error)
    except Exception:  # noqa: BLE001 - evaluated out of its place, an assertion may do anything; there is no explanation then
        return None
    return None


@cache
def _explained(node: ast.Assert, names: tuple[str, ...]) -> CodeType:
    """A function `explained` of the local names that an assertion uses, rewritten by pytest."""
    from _pytest.assertion.rewrite import rewrite_asserts

    body = deepcopy(node)
    if isinstance(body.msg, ast.Constant):
        body.msg = None  # a fixed text explains nothing
    module = ast.parse(f"def explained({', '.join(names)}): pass")
    module.body[0].body = [body]  # type: ignore[attr-defined]
    rewrite_asserts(module, b"")
    return compile(ast.fix_missing_locations(module), "<explained>", "exec", dont_inherit=True)
