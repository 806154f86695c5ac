"""Where a repository's names are defined, in a line each: for what a function needs and a prompt does not show."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from pytest_koderz.core.place import Function, ModuleText

from .shortened_module import COMMON, own_names, used_beside_the_library

_LONGEST = 200
"""Characters of one of them."""
_MOST = 2
"""Of one name: in the function's own file, in those that it imports from, or in the only one that has it."""


@dataclass(frozen=True, slots=True)
class Definition:
    """Of a function, a class, a module's or a class's name, or an attribute that a method gives a value."""

    name: str
    file: str
    owner: str
    """The class or function that it stands in; empty for the module itself."""
    text: str

    @property
    def place(self) -> str:
        return f"# {self.file}{f', in {self.owner}' if self.owner else ''}"


class Definitions:
    """Of *modules* by file, without tests."""

    def __init__(self, modules: Mapping[str, ModuleText]) -> None:
        self._modules = modules

    def of(self, file: str, name: str) -> list[Definition]:
        """Those of the names that a function uses, its own class's first, then its own file's."""
        function = self._modules[file].functions[name]
        owner, imported = name.rpartition(".")[0], _imported_in(self._modules[file])
        found: list[Definition] = []
        for used in sorted(used_beside_the_library(self._modules[file], function) - COMMON - own_names(function)):
            known = [each for each in self._by_name.get(used, ()) if (each.file, each.owner) != (file, name)]
            inside = [each for each in known if each.file == file]
            inside.sort(key=lambda each: each.owner.rpartition(".")[0] != owner)
            if not inside and any(part.attr == used for part in _stored_in(function)):
                inside = list(self._uses(file, name, used))
            near = [each for each in known if _stem(each.file) in imported]
            found += (inside or near or (known if len({each.file for each in known}) == 1 else []))[:_MOST]
        return sorted(found, key=lambda each: (each.file != file, each.file, each.owner))

    def _uses(self, file: str, name: str, attribute: str) -> Iterator[Definition]:
        """The first line in which another function of the file speaks of what this one alone gives a value."""
        module = self._modules[file]
        for user, function in module.functions.items():
            lines = [
                part.lineno for part in ast.walk(function) if isinstance(part, ast.Attribute) and part.attr == attribute
            ]
            if lines and user != name:
                yield Definition(attribute, file, user, _line(module, lines[0]))
                return

    @cached_property
    def _by_name(self) -> dict[str, list[Definition]]:
        found: dict[str, list[Definition]] = {}
        for file, module in self._modules.items():
            for each in _defined_in(file, module):
                known = found.setdefault(each.name, [])
                if all((each.file, each.owner) != (other.file, other.owner) for other in known):
                    known.append(each)
        return found


def _stem(file: str) -> str:
    return file.removesuffix(".py").removesuffix("/__init__").rpartition("/")[2]


def _imported_in(module: ModuleText) -> set[str]:
    """Last parts of names of modules that it may import."""
    nodes = [node for node in ast.walk(module.tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    names = [node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module]
    return {name.rpartition(".")[2] for name in [*names, *(each.name for node in nodes for each in node.names)]}


def _defined_in(file: str, module: ModuleText) -> Iterator[Definition]:
    for node in module.tree.body:
        yield from _statement(file, module, "", node)
        if isinstance(node, ast.ClassDef):
            for inner in node.body:
                yield from _statement(file, module, node.name, inner)
    for name, function in module.functions.items():
        owner, _, alone = name.rpartition(".")
        yield Definition(alone, file, owner, _head(function))
        for part in _stored_in(function):
            yield Definition(part.attr, file, name, _line(module, part.lineno))


def _stored_in(function: Function) -> Iterator[ast.Attribute]:
    """Attributes that it gives a value."""
    nodes = (node for node in ast.walk(function) if isinstance(node, ast.Attribute))
    return (node for node in nodes if isinstance(node.ctx, ast.Store))


def _statement(file: str, module: ModuleText, owner: str, node: ast.stmt) -> Iterator[Definition]:
    """What gives a name a value, in a module or class; functions are known otherwise."""
    match node:
        case ast.ClassDef(name=name):
            yield Definition(name, file, owner, _line(module, node.lineno))
        case ast.Assign(targets=targets):
            names = [target.id for target in targets if isinstance(target, ast.Name)]
            yield from (Definition(name, file, owner, _line(module, node.lineno)) for name in names)
        case ast.AnnAssign(target=ast.Name(id=name)):
            yield Definition(name, file, owner, _line(module, node.lineno))


def _line(module: ModuleText, number: int) -> str:
    return module.lines[number - 1].strip()[:_LONGEST]


def _head(function: Function) -> str:
    """With what its docstring says first."""
    head = copy.copy(function)
    told = (ast.get_docstring(function) or "").partition("\n")[0]
    head.body = [ast.Expr(ast.Constant(told or ...))]
    return ast.unparse(head)[:_LONGEST]
