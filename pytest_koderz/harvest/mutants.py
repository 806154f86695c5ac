"""Wrong versions of a function, each with one thing changed: what the tests refuse of them tells their worth."""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable
from functools import partial
from random import Random

from pytest_koderz.core.syntax import tree_of

MOST = 10
"""Of one function; drawn by a seed where there are more."""
_MOST_MADE = 200
"""Of which they are drawn: each is as long as the function, which may have thousands of places."""
_STATEMENTS = (ast.Assign, ast.AugAssign, ast.Expr, ast.Raise)
"""Those that may be left out."""

_COMPARED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.GtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.LtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
_COMPUTED: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
}


def mutants_of(function: str, seed: str) -> list[str]:
    """At most MOST programs that define the function as *function*, a text of it alone, does but for one thing."""
    tree = tree_of(function)
    original = ast.unparse(tree)
    draw = Random(seed)  # noqa: S311 - not for secrets
    changes = _changes(tree.body[0])
    if len(changes) > _MOST_MADE:
        changes = draw.sample(changes, _MOST_MADE)
    found = list(dict.fromkeys(source for change in changes if (source := change()) not in (None, original)))
    return found if len(found) <= MOST else draw.sample(found, MOST)


def _changes(function: ast.stmt) -> list[Callable[[], str | None]]:
    """Each makes one wrong version, or None where it would be the same."""
    nodes = _nodes(function)
    places = [number for number, node in enumerate(nodes) if _can_change(node)]
    dropped = range(sum(isinstance(node, _STATEMENTS) for node in nodes))
    return [
        *(partial(_changed, function, number) for number in places),
        *(partial(_without_a_statement, function, number) for number in dropped),
    ]


def _changed(function: ast.stmt, number: int) -> str | None:
    twin = copy.deepcopy(function)
    return ast.unparse(ast.fix_missing_locations(twin)) if _change(_nodes(twin)[number]) else None


def _nodes(function: ast.stmt) -> list[ast.AST]:
    """Of its body, without the docstring."""
    body = getattr(function, "body", [])
    return [node for statement in body if not _is_text(statement) for node in ast.walk(statement)]


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _can_change(node: ast.AST) -> bool:
    return isinstance(node, ast.Compare | ast.BinOp | ast.BoolOp | ast.Constant | ast.Return | ast.If | ast.UnaryOp)


def _change(node: ast.AST) -> bool:
    """In place; False where it would be the same."""
    match node:
        case ast.Compare(ops=[op, *_]) if type(op) in _COMPARED:
            node.ops[0] = _COMPARED[type(op)]()
        case ast.BinOp(op=op) if type(op) in _COMPUTED:
            node.op = _COMPUTED[type(op)]()
        case ast.BoolOp(op=op):
            node.op = ast.Or() if isinstance(op, ast.And) else ast.And()
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            node.op, node.operand = ast.Not(), ast.UnaryOp(ast.Not(), operand)
        case ast.Constant(value=bool(value)):
            node.value = not value
        case ast.Constant(value=int(value) | float(value)):
            node.value = value + 1
        case ast.Constant(value=str(value)) if value:
            node.value = value + "x"
        case ast.Return(value=ast.expr()):
            node.value = ast.Constant(None)
        case ast.If(test=test):
            node.test = ast.UnaryOp(ast.Not(), test)
        case _:
            return False
    return True


def _without_a_statement(function: ast.stmt, number: int) -> str:
    twin = copy.deepcopy(function)
    _Dropping(number, {id(node) for node in _nodes(twin)}).visit(twin)
    return ast.unparse(ast.fix_missing_locations(twin))


class _Dropping(ast.NodeTransformer):
    def __init__(self, number: int, nodes: set[int]) -> None:
        self._left = number
        self._nodes = nodes

    def generic_visit(self, node: ast.AST) -> ast.AST:
        if id(node) in self._nodes and isinstance(node, _STATEMENTS):
            self._left -= 1
            if self._left == -1:
                return ast.Pass()
        return super().generic_visit(node)
