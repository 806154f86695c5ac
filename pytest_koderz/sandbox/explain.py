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


def compile_counting(source: str, filename: str) -> tuple[CodeType, list[ast.Assert]]:
    """The code of *source*, whose asserts report to the tally, and these asserts by number."""
    tree = ast.parse(source, filename)
    counting = _Counting(_guarded_names(tree) if "try" in source else frozenset())
    tree.body = counting.counted(tree.body, raising=False)
    return compile(tree, filename, "exec", dont_inherit=True), counting.asserts


def _guarded_names(tree: ast.Module) -> frozenset[str]:
    """Functions that are called under a handler."""
    tries = [node for node in ast.walk(tree) if isinstance(node, ast.Try) and node.handlers]
    calls = (node for each in tries for part in each.body for node in ast.walk(part) if isinstance(node, ast.Call))
    return frozenset(call.func.id for call in calls if isinstance(call.func, ast.Name))


class _Counting:
    """Puts each assert under a claim of the tally, `with koderz_tally_.claim(number, raising): assert ...`.

    A claim takes note of a failure and lets the tests go on; *raising* where the tests have a handler ready.
    Only statements are visited: expressions hold no asserts, and can be very large.
    """

    def __init__(self, guarded: frozenset[str]) -> None:
        self.asserts: list[ast.Assert] = []
        self._guarded = guarded

    def counted(self, statements: list[ast.stmt], *, raising: bool) -> list[ast.stmt]:
        return [self._counted(statement, raising) for statement in statements]

    def _counted(self, node: ast.stmt, raising: bool) -> ast.stmt:
        if isinstance(node, ast.Assert):
            self.asserts.append(node)
            return _claimed(node, len(self.asserts) - 1, raising)
        if isinstance(node, ast.FunctionDef):
            raising = node.name in self._guarded
        within = raising or (isinstance(node, ast.Try) and bool(node.handlers))
        for part in (*getattr(node, "handlers", ()), *getattr(node, "cases", ())):
            part.body = self.counted(part.body, raising=raising)
        for field in ("body", "orelse", "finalbody"):
            inner = getattr(node, field, None)
            if inner:
                setattr(node, field, self.counted(inner, raising=within if field == "body" else raising))
        return node


def _claimed(node: ast.Assert, number: int, raising: bool) -> ast.With:
    place = {name: getattr(node, name) for name in ("lineno", "col_offset", "end_lineno", "end_col_offset")}
    claim = ast.Attribute(ast.Name(TALLY, ast.Load(), **place), "claim", ast.Load(), **place)
    values: list[ast.expr] = [ast.Constant(number, **place), ast.Constant(raising, **place)]
    return ast.With([ast.withitem(ast.Call(claim, values, [], **place))], [node], **place)


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
