"""What Python's own tools say of a source and its statements."""

from __future__ import annotations

import ast
import symtable
import warnings
from collections.abc import Iterable
from io import StringIO
from threading import RLock

DEFINING = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
UNREADABLE = (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError)
"""What Python's own tools raise of odd sources, such as one that is nested too deeply."""

_NAME = "<candidate>"

_PARSING = RLock()


def lines_of(source: str) -> list[str]:
    """With their ends, as Python counts them: a form feed, or what else a text may be divided by, ends none."""
    return list(StringIO(source, newline=""))


def tree_of(source: str, name: str = "<unknown>") -> ast.Module:
    """As `ast.parse`, in any thread. Raises one of UNREADABLE.

    Before 3.11.8 Python counts in one place how deep all threads together are, and raises a SystemError where two of
    them get in each other's way (https://github.com/python/cpython/issues/106905).
    """
    with _PARSING:
        try:
            return ast.parse(source, name)
        except SystemError:  # of somebody else who parses, such as pytest: then it is over by now
            return ast.parse(source, name)


def parse(source: str) -> ast.Module | None:
    """The syntax tree; None where the source does not compile."""
    return parse_or_line(source)[0]


def parse_or_line(source: str) -> tuple[ast.Module | None, int]:
    """The syntax tree of what compiles, else the line that does not; 0 where that is not known."""
    # A filter for this name alone. catch_warnings would have to be undone, and threads undo each other's.
    warnings.filterwarnings("ignore", module=_NAME)
    try:
        tree = tree_of(source, _NAME)
        # The parser lets `return` stand outside a function; the compiler does not.
        compile(tree, _NAME, "exec", dont_inherit=True)
    except SyntaxError as error:
        return None, error.lineno or 0
    except UNREADABLE:
        return None, 0
    return tree, 0


def parse_part(source: str) -> ast.Module | None:
    """The syntax tree of a program, or of the body of a function; None for what is not Python."""
    warnings.filterwarnings("ignore", module=_NAME)
    try:
        return tree_of(source, _NAME)
    except UNREADABLE:
        return None


def within_texts(tree: ast.AST) -> set[int]:
    """The lines, counted from 1, that a string began above, so that an indentation would change it."""
    kinds = (ast.Constant, ast.JoinedStr)
    texts = [node for node in ast.walk(tree) if isinstance(node, kinds)]
    return {line for node in texts for line in range(node.lineno + 1, (node.end_lineno or node.lineno) + 1)}


def definition_of(name: str, tree: ast.Module) -> ast.stmt | None:
    """The last top-level statement that binds *name*."""
    return next((node for node in reversed(tree.body) if name in bound(node)), None)


def owner_of(name: str, tree: ast.Module) -> ast.ClassDef | None:
    """The class that has *name* as a method."""
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    return next((node for node in classes if any(_is_method(part, name) for part in node.body)), None)


def _is_method(node: ast.stmt, name: str) -> bool:
    return isinstance(node, ast.FunctionDef) and node.name == name


def bound(node: ast.stmt) -> set[str]:
    """The names that a top-level statement binds in the module: not those within its functions and classes."""
    names: set[str] = set()
    parts: list[ast.AST] = [node]
    while parts:
        match parts.pop():
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                names.add(name)
            case ast.alias(name=name, asname=alias):
                names.add((alias or name).partition(".")[0])
            case ast.Name(id=name, ctx=ast.Store()):
                names.add(name)
            case ast.Lambda():
                pass
            case part:
                parts += ast.iter_child_nodes(part)
    return names


def used(nodes: Iterable[ast.stmt]) -> set[str]:
    """The names that statements look up in the module or among the builtins, at once or when called.

    Raises one of UNREADABLE where a statement is nested too deeply.
    """
    return _global_names(symtable.symtable("\n".join(map(ast.unparse, nodes)), _NAME, "exec"))


def _global_names(table: symtable.SymbolTable) -> set[str]:
    top = table.get_type() == "module"
    names = {
        symbol.get_name() for symbol in table.get_symbols() if symbol.is_referenced() and (top or symbol.is_global())
    }
    return names.union(*map(_global_names, table.get_children()))


def is_stub(node: ast.stmt) -> bool:
    """A function whose body is imports, a docstring, `pass`, `...` or `raise NotImplementedError`."""
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and all(map(_does_nothing, node.body))


def _does_nothing(node: ast.stmt) -> bool:
    match node:
        case ast.Pass() | ast.Expr(value=ast.Constant()) | ast.Import() | ast.ImportFrom():
            return True
        case ast.Raise(exc=ast.Name(id="NotImplementedError") | ast.Call(func=ast.Name(id="NotImplementedError"))):
            return True
    return False


def may_fail(node: ast.AST) -> bool:
    """An assertion in any of its forms: `printed.assert_called_once()` and `pytest.raises(...)` as well."""
    if not isinstance(node, ast.Call):
        return isinstance(node, ast.Assert | ast.Raise)
    match node.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name.startswith("assert") or name in {"raises", "fail"}
    return False


def is_remark(node: ast.stmt) -> bool:
    """What prose can be mistaken for: a bare name, number or text, `Note: this`."""
    if isinstance(node, ast.AnnAssign):
        return node.value is None
    acts = (ast.Call, ast.Await, ast.Yield, ast.YieldFrom)
    return isinstance(node, ast.Pass) or (isinstance(node, ast.Expr) and not isinstance(node.value, acts))
