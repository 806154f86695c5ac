"""The text of a problem's tests: its syntax tree, in which names are followed to what they are imported from."""

from __future__ import annotations

import ast
import re
import sys
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from pytest_koderz.core.syntax import UNREADABLE, may_fail, tree_of

_NAME = "<tests>"
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


@dataclass(frozen=True, slots=True)
class TestsText:
    """A source as nodes; empty where it is not Python."""

    __test__ = False

    nodes: tuple[ast.AST, ...]
    parents: Mapping[ast.AST, ast.AST]
    imports: Mapping[str, str]
    """What a name stands for, such as `io.StringIO`."""

    def paths(self) -> Iterator[str]:
        """What is imported, and each name and attribute in full."""
        yield from self.imports.values()
        for node in self.nodes:
            if isinstance(node, ast.Name | ast.Attribute):
                yield self.path(node)

    def path(self, node: ast.AST) -> str:
        """`io.StringIO`, by whatever name it goes here; `?.read` of what is no module's."""
        if isinstance(node, ast.Attribute):
            return f"{self.path(node.value)}.{node.attr}"
        return self.imports.get(node.id, node.id) if isinstance(node, ast.Name) else "?"

    def of_import(self, node: ast.AST) -> bool:
        """Whether *node* is a module, or something out of one."""
        while isinstance(node, ast.Attribute):
            node = node.value
        return isinstance(node, ast.Name) and node.id in self.imports

    def bound(self) -> set[str]:
        """Every name that is given a value anywhere."""
        return {*self.imports, *(name for node in self.nodes for name in _bound(node))}

    def loaded(self) -> set[str]:
        """Every name that is looked up anywhere."""
        return {node.id for node in self.nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}

    def functions(self) -> dict[str, ast.FunctionDef]:
        return {node.name: node for node in self.nodes if isinstance(node, ast.FunctionDef)}


def read(source: str) -> TestsText:
    """*source* as nodes; its last body may still have to be written, as in a prompt."""
    tree = _parsed(source) or _parsed(f"{source}\n    pass\n") or ast.Module([], [])
    nodes = tuple(ast.walk(tree))
    parents = {child: node for node in nodes for child in ast.iter_child_nodes(node)}
    return TestsText(nodes, parents, {name: path for node in nodes for name, path in _imported(node)})


def _parsed(source: str) -> ast.Module | None:
    _pass_over_warnings()
    try:
        return tree_of(source, _NAME)
    except UNREADABLE:
        return None


def _pass_over_warnings() -> None:
    """Of someone else's texts, such as invalid escapes. Threads would undo each other's catch_warnings."""
    warnings.filterwarnings("ignore", module=_NAME)


@lru_cache(maxsize=256)
def why_unreadable(source: str) -> str | None:
    """What the compiler says against *source*; None where it takes it."""
    _pass_over_warnings()
    try:
        compile(source, _NAME, "exec", dont_inherit=True)
    except UNREADABLE as error:
        return str(error) or type(error).__name__
    return None


def _imported(node: ast.AST) -> Iterator[tuple[str, str]]:
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield (alias.asname, alias.name) if alias.asname else (alias.name.partition(".")[0],) * 2
    if isinstance(node, ast.ImportFrom):
        for alias in node.names:
            yield alias.asname or alias.name, f"{node.module}.{alias.name}"


def _bound(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
        yield node.id
    elif isinstance(node, ast.arg):
        yield node.arg
    elif isinstance(node, (*_DEFINITIONS, ast.ExceptHandler)) and node.name:
        yield node.name


_OWN = {"candidate", "__main__", "None"}
"""The candidate as a module, the program, and what a relative import names."""


@lru_cache(maxsize=256)
def modules_of(source: str) -> frozenset[str]:
    """Top-level modules that are imported and the standard library has not."""
    if "import" not in source:
        return frozenset()
    return frozenset(path.partition(".")[0] for path in read(source).imports.values()) - sys.stdlib_module_names - _OWN


def has_assertion(source: str) -> bool:
    """Whether there is anything that can fail."""
    return any(map(may_fail, read(source).nodes))


def mentions(text: str, name: str) -> bool:
    """As a word of its own."""
    return re.search(rf"\b{re.escape(name)}\b", text) is not None
