"""What Python's own tools say of a source and its statements."""

from __future__ import annotations

import ast
import symtable
import sys
import warnings
from collections.abc import Iterable

DEFINING = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
UNREADABLE = (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError)
"""What Python's own tools raise of odd sources, such as one that is nested too deeply."""

_NAME = "<candidate>"


def parse(source: str) -> ast.Module | None:
    """The syntax tree; None where the source does not compile."""
    return parse_or_line(source)[0]


def parse_or_line(source: str) -> tuple[ast.Module | None, int]:
    """The syntax tree of what compiles, else the line that does not; 0 where that is not known."""
    # A filter for this name alone. catch_warnings would have to be undone, and threads undo each other's.
    warnings.filterwarnings("ignore", module=_NAME)
    try:
        tree = ast.parse(source, _NAME)
        # The parser lets `return` stand outside a function; the compiler does not.
        compile(tree, _NAME, "exec", dont_inherit=True)
    except SyntaxError as error:
        return None, error.lineno or 0
    except UNREADABLE:
        return None, 0
    return tree, 0


def definition_of(name: str, tree: ast.Module) -> ast.stmt | None:
    """The last top-level statement that binds *name*."""
    return next((node for node in reversed(tree.body) if name in bound(node)), None)


def owner_of(name: str, tree: ast.Module) -> ast.ClassDef | None:
    """The class that can be made without arguments and has *name* as a method."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            methods = {part.name: part for part in node.body if isinstance(part, ast.FunctionDef)}
            maker = methods.get("__init__")
            if name in methods and (maker is None or len(maker.args.args) == 1 + len(maker.args.defaults)):
                return node
    return None


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


def dotted(node: ast.stmt) -> set[str]:
    """What the statement looks up in a name, such as `sys.exit`."""
    parts = [part for part in ast.walk(node) if isinstance(part, ast.Attribute)]
    return {f"{part.value.id}.{part.attr}" for part in parts if isinstance(part.value, ast.Name)}


def stored_in(node: ast.stmt) -> set[str]:
    """The names whose attributes or items a statement sets."""
    return {name for part in ast.walk(node) for name in _stored_by(part)}


def _stored_by(part: ast.AST) -> list[str]:
    match part:
        case ast.Attribute(value=value, ctx=ast.Store()) | ast.Subscript(value=value, ctx=ast.Store() | ast.Del()):
            return _first_names([value])
        case ast.Call(func=ast.Name(id="setattr"), args=[value, *_]):
            return _first_names([value])
    return []


def declared_global(node: ast.stmt) -> set[str]:
    """The names that functions in a statement declare global, to bind them."""
    return {name for part in ast.walk(node) if isinstance(part, ast.Global) for name in part.names}


def handed_over(node: ast.stmt) -> set[str]:
    """The names whose methods are called and those given to functions, where nobody reads the value."""
    return {name for part in ast.walk(node) for name in _handed_by(part)}


def _handed_by(part: ast.AST) -> list[str]:
    match part:
        case ast.Expr(value=ast.Call() as call) | ast.Expr(value=ast.ListComp(elt=ast.Call() as call)):
            owner = [call.func] if isinstance(call.func, ast.Attribute) else []
            return _first_names([*owner, *call.args])
    return []


def _first_names(values: Iterable[ast.expr]) -> list[str]:
    """The names at the start of expressions such as `table.rows[0]`."""
    firsts = [_first(value) for value in values]
    return [first.id for first in firsts if isinstance(first, ast.Name)]


def _first(value: ast.expr) -> ast.expr:
    while isinstance(value, ast.Attribute | ast.Subscript | ast.Starred | ast.Call):
        value = value.func if isinstance(value, ast.Call) else value.value
    return value


def is_foreign(node: ast.stmt, known: Iterable[str] = ()) -> bool:
    """An import of names from outside of the standard library and the *known* modules."""
    if isinstance(node, ast.ImportFrom) and node.names[0].name == "*":
        return False
    modules = _modules_of(node)
    return bool(modules) and not modules & (sys.stdlib_module_names | set(known))


def _modules_of(node: ast.stmt) -> set[str]:
    """The top-level modules that an import statement imports; the empty one stands for the module's own package."""
    match node:
        case ast.Import(names=names):
            return {alias.name.partition(".")[0] for alias in names}
        case ast.ImportFrom(module=module, level=level):
            return {(module or "").partition(".")[0] if level == 0 else ""}
    return set()


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


def is_outline(node: ast.stmt) -> bool:
    """A function in which `...` stands for code: beside other statements, or as the body of a loop."""
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return False
    bodies = [part.body for part in ast.walk(node) if isinstance(part, _WITH_BODY)]
    loops = [part.body for part in ast.walk(node) if isinstance(part, ast.For | ast.While)]
    return any(map(_is_omission, (part for body in bodies if len(body) > 1 for part in body))) or any(
        _is_omission(body[0]) for body in loops
    )


_WITH_BODY = (ast.FunctionDef, ast.AsyncFunctionDef, ast.For, ast.While, ast.If, ast.With)


def _is_omission(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and node.value.value is ...


def is_remark(node: ast.stmt) -> bool:
    """What prose can be mistaken for: a bare name, number or text, `Note: this`."""
    if isinstance(node, ast.AnnAssign):
        return node.value is None
    acts = (ast.Call, ast.Await, ast.Yield, ast.YieldFrom)
    return isinstance(node, ast.Pass) or (isinstance(node, ast.Expr) and not isinstance(node.value, acts))
