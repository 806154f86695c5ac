"""Who in a repository uses a function, by its name."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from functools import cached_property
from textwrap import dedent

from pytest_koderz.core.place import ModuleText, first_line

from .shortened_module import own_names

_BEFORE, _AFTER = 4, 3
"""Lines."""


class Callers:
    """Of the functions of *modules*. A method is known by its own name alone, whatever class has it."""

    def __init__(self, modules: Mapping[str, ModuleText]) -> None:
        """*modules* by file, without tests."""
        self._modules = modules

    def of(self, file: str, name: str) -> int | None:
        """Other functions, and modules outside of theirs, that use it. None: Python itself calls it, as `__eq__`."""
        known = _known_as(name)
        return None if known is None else len(self._others(known, file, name))

    def lines(self, file: str, name: str) -> list[str]:
        """Of each that uses it the lines around the first use, those of its own file first; of a public method these
        alone, since in other files its name may be another's.
        """
        known = _known_as(name) or "_"
        users = self._others(known, file, name).items()
        found = sorted((theirs != file, theirs, line, user) for (theirs, user), line in users)
        if "." in name and known == name.rpartition(".")[2] and not known.startswith("_"):
            found = [each for each in found if each[1] == file]
        return [self._around(theirs, line, user) for _, theirs, line, user in found]

    def _others(self, known: str, file: str, name: str) -> dict[tuple[str, str], int]:
        return {user: line for user, line in self._users.get(known, {}).items() if user != (file, name)}

    def _around(self, file: str, line: int, user: str) -> str:
        module, first, last = self._modules[file], max(1, line - _BEFORE), line + _AFTER
        if user:
            node = module.functions[user]
            first, last = max(first, first_line(node)), min(last, node.end_lineno or last)
        lines = dedent("".join(module.lines[first - 1 : last])).strip("\n")
        return f"# {file}{f', in {user}' if user else ''}\n{lines}"

    @cached_property
    def _users(self) -> dict[str, dict[tuple[str, str], int]]:
        """By name who uses it, a file and a function, and the line."""
        found: dict[str, dict[tuple[str, str], int]] = {}
        for file, module in self._modules.items():
            for user, name, line in _used_in(module):
                lines = found.setdefault(name, {})
                lines[file, user] = min(line, lines.get((file, user), line))
        return found


def _known_as(name: str) -> str | None:
    """Of a method its own name, of `__init__` the class's. None: Python itself calls it."""
    owner, _, alone = name.rpartition(".")
    known = owner if alone == "__init__" and owner else alone
    return None if known.startswith("__") and known.endswith("__") else known


def _used_in(module: ModuleText) -> Iterator[tuple[str, str, int]]:
    """Each function, or nothing for what stands outside of all, with a name that it uses and the line."""
    functions = {id(node): name for name, node in module.functions.items()}
    parts: list[ast.AST] = [module.tree]
    while parts:
        part = parts.pop()
        if user := functions.get(id(part)):
            own = own_names(part)
            found = filter(None, map(_named, ast.walk(part)))
            yield from ((user, name, line) for name, line in found if name not in own)
        else:
            if named := _named(part):
                yield "", *named
            parts += ast.iter_child_nodes(part)


def _named(node: ast.AST) -> tuple[str, int] | None:
    match node:
        case ast.Name(id=name, ctx=ast.Load()):
            return name, node.lineno
        case ast.Attribute(attr=name, ctx=ast.Load()):
            return name, node.end_lineno or node.lineno
    return None
