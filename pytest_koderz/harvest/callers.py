"""Who in a repository uses a function, by its name."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from functools import cached_property

from pytest_koderz.core.place import ModuleText


class Callers:
    """Of the functions of *modules*. A method is known by its own name alone, whatever class has it."""

    def __init__(self, modules: Mapping[str, ModuleText]) -> None:
        """*modules* by file, without tests."""
        self._modules = modules

    def of(self, file: str, name: str) -> int | None:
        """Other functions, and modules outside of theirs, that use it. None: Python itself calls it, as `__eq__`."""
        owner, _, alone = name.rpartition(".")
        known = owner if alone == "__init__" and owner else alone
        if known.startswith("__") and known.endswith("__"):
            return None
        return len(self._users.get(known, set()) - {f"{file}:{name}"})

    @cached_property
    def _users(self) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for file, module in self._modules.items():
            for user, names in _used_in(module):
                for name in names:
                    found.setdefault(name, set()).add(f"{file}:{user}")
        return found


def _used_in(module: ModuleText) -> Iterator[tuple[str, set[str]]]:
    """The names that each function uses, and beneath an empty one what stands outside of all."""
    functions = {id(node): name for name, node in module.functions.items()}
    outside: set[str] = set()
    parts: list[ast.AST] = [module.tree]
    while parts:
        part = parts.pop()
        if id(part) in functions:
            yield functions[id(part)], {name for node in ast.walk(part) for name in _names(node)}
        else:
            outside.update(_names(part))
            parts += ast.iter_child_nodes(part)
    yield "", outside


def _names(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Name(id=name, ctx=ast.Load()) | ast.Attribute(attr=name, ctx=ast.Load()):
            yield name
