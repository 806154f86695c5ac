"""Broken versions of a right program."""

from __future__ import annotations

import ast
from collections.abc import Callable
from random import Random

from pytest_koderz.core.syntax import tree_of

Break = Callable[[ast.Module, ast.FunctionDef, Random], bool]
"""Changes the tree in place; False where the program has nothing to break in this way."""


def broken(source: str, entry_point: str, draw: Random) -> str | None:
    """*source* with one thing broken, chosen by *draw*; None stands for a reply without any code."""
    kinds = list(_WEIGHTS)
    while kinds:
        kind = draw.choices(kinds, [_WEIGHTS[kind] for kind in kinds])[0]
        if kind == "prose":
            return None
        if kind == "syntax":
            return _without_a_colon(source, entry_point)
        changed = _changed(source, entry_point, draw, _BREAKS[kind])
        if changed is not None:
            return changed
        kinds.remove(kind)
    return None


_WEIGHTS = {
    "constant": 12,
    "off by one": 10,
    "comparison": 30,
    "result": 20,
    "name": 10,
    "import": 8,
    "syntax": 6,
    "prose": 3.8,
    "endless": 0.2,
}
"""How often each kind is chosen. An endless loop costs its whole time limit, so it is rare."""


def _changed(source: str, entry_point: str, draw: Random, break_: Break) -> str | None:
    tree = tree_of(source)
    # The last of the name counts, as in Python itself.
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == entry_point]
    if not functions or not break_(tree, functions[-1], draw):
        return None
    return ast.unparse(ast.fix_missing_locations(tree))


def _constant(tree: ast.Module, function: ast.FunctionDef, draw: Random) -> bool:  # noqa: ARG001 - a Break
    """Every number moves by one, since a single one often does not matter; not those that keep a `while` going."""
    step = draw.choice((-1, 1))
    kept = {id(node) for loop in _inside(function) if isinstance(loop, ast.While) for node in ast.walk(loop)}
    nodes = [node for node in _inside(function) if isinstance(node, ast.Constant) and id(node) not in kept]
    found = [node for node in nodes if type(node.value) in (int, float)]
    for node in found:
        node.value = ast.literal_eval(repr(node.value)) + step
    return bool(found)


def _off_by_one(tree: ast.Module, function: ast.FunctionDef, draw: Random) -> bool:  # noqa: ARG001 - a Break
    """Every `range` ends one too early, or else every index is one too low or too high."""
    calls = [node for node in _inside(function) if isinstance(node, ast.Call) and _is_range(node)]
    for call in calls:
        last = min(len(call.args), 2) - 1
        call.args[last] = ast.BinOp(call.args[last], ast.Sub(), ast.Constant(1))
    indexes = [node for node in _inside(function) if isinstance(node, ast.Subscript) and _is_index(node) and not calls]
    operator = draw.choice((ast.Add, ast.Sub))()
    for index in indexes:
        index.slice = ast.BinOp(index.slice, operator, ast.Constant(1))
    return bool(calls or indexes)


def _is_index(node: ast.Subscript) -> bool:
    return not isinstance(node.slice, ast.Slice | ast.Tuple)


def _is_range(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Name) and call.func.id == "range" and bool(call.args)


_OPPOSITE: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.GtE,
    ast.LtE: ast.Gt,
    ast.Gt: ast.LtE,
    ast.GtE: ast.Lt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}


def _comparison(tree: ast.Module, function: ast.FunctionDef, draw: Random) -> bool:  # noqa: ARG001 - a Break
    found = [node for node in _inside(function) if isinstance(node, ast.Compare)]
    if not found:
        return False
    node = draw.choice(found)
    node.ops[0] = _OPPOSITE[type(node.ops[0])]()
    return True


def _result(tree: ast.Module, function: ast.FunctionDef, draw: Random) -> bool:  # noqa: ARG001 - a Break
    """The last `return` is forgotten."""
    found = [node for node in _inside(function) if isinstance(node, ast.Return) and node.value is not None]
    if not found:
        return False
    max(found, key=lambda node: node.lineno).value = ast.Constant(None)
    return True


def _name(tree: ast.Module, function: ast.FunctionDef, draw: Random) -> bool:  # noqa: ARG001 - a Break
    """A helper that was never written is called on the first argument."""
    helper = draw.choice(("prepare", "normalize", "check_input"))
    arguments: list[ast.expr] = [ast.Name(argument.arg, ast.Load()) for argument in function.args.args[:1]]
    call = ast.Call(ast.Name(f"{helper}_arguments", ast.Load()), arguments, [])
    function.body.insert(_after_docstring(function), ast.Expr(call))
    return True


def _import(tree: ast.Module, function: ast.FunctionDef, draw: Random) -> bool:
    """A module is used that nobody imported."""
    known = {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    module = draw.choice([name for name in ("bisect", "decimal", "itertools", "string") if name not in known])
    function.body.insert(_after_docstring(function), tree_of(f"tools = vars({module})").body[0])
    return True


def _endless(tree: ast.Module, function: ast.FunctionDef, draw: Random) -> bool:  # noqa: ARG001 - a Break
    function.body.insert(_after_docstring(function), ast.While(ast.Constant(True), [ast.Pass()], []))
    return True


def _without_a_colon(source: str, entry_point: str) -> str:
    lines = source.splitlines()
    for number, line in enumerate(lines):
        if line.startswith(f"def {entry_point}(") and line.rstrip().endswith(":"):
            lines[number] = line.rstrip()[:-1]
            return "\n".join(lines)
    return source + "\n)"


def _inside(function: ast.FunctionDef) -> list[ast.AST]:
    """The nodes of the body, the docstring left out."""
    return [node for statement in function.body[_after_docstring(function) :] for node in ast.walk(statement)]


def _after_docstring(function: ast.FunctionDef) -> int:
    return 1 if ast.get_docstring(function) is not None else 0


_BREAKS: dict[str, Break] = {
    "constant": _constant,
    "off by one": _off_by_one,
    "comparison": _comparison,
    "result": _result,
    "name": _name,
    "import": _import,
    "endless": _endless,
}
