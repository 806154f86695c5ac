"""What a function has to do with in other files of its repository: what it uses, and what its class is made of."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from textwrap import dedent

from pytest_koderz.core.place import Function, ModuleText, first_line

from .shortened_module import (
    COMMON,
    bases_of,
    emptied_lines,
    own_names,
    used_beside_the_library,
    used_in,
    with_short_docstring,
)

_SHORT = 10
"""Lines of a function that is shown whole; of others the head."""
_LONGEST = 700
"""Characters of one of them."""
Found = tuple[str, str, Function | ast.ClassDef]
"""A file, the name of a class or nothing, and the definition."""


class OtherFiles:
    """*modules* by file, without tests."""

    def __init__(self, modules: Mapping[str, ModuleText]) -> None:
        self._modules = modules

    def of(self, file: str, name: str) -> list[str]:
        """Texts, the nearest first: of the classes that its own is made of, of classes, and of functions that it uses.

        What several files define is not known apart, and left out.
        """
        module = self._modules[file]
        function = module.functions[name]
        used = used_beside_the_library(module, function) - COMMON - own_names(function)
        bases = self._inherited(file, name, used)
        own = {other.rpartition(".")[2] for other, _ in module.defined}
        named = [self._only(each, file) for each in sorted(used - own)]
        found = [each for each in named if each is not None]
        found.sort(key=lambda each: not isinstance(each[2], ast.ClassDef))
        return [self._text(*each) for each in dict.fromkeys((*bases, *found))]

    def _inherited(self, file: str, name: str, used: set[str]) -> Iterator[Found]:
        """Methods of the classes beneath its own that make its objects or share attributes or calls with it."""
        wanted = name.rpartition(".")[2]
        for base in sorted(bases_of(self._modules[file], name)):
            place = self._only(base, file)
            if place is None or not isinstance(place[2], ast.ClassDef):
                continue
            for node in place[2].body:
                if not isinstance(node, Function):
                    continue
                private = {each for each in used & used_in(node) if each.startswith("_")}
                if node.name in used or node.name in (wanted, "__init__") or private:
                    yield place[0], base, node

    def _only(self, name: str, file: str) -> Found | None:
        found = [each for each in self._definitions.get(name, ()) if each[0] != file]
        return found[0] if len(found) == 1 else None

    @cached_property
    def _definitions(self) -> dict[str, list[Found]]:
        found: dict[str, list[Found]] = {}
        for file, module in self._modules.items():
            for node in module.tree.body:
                if isinstance(node, ast.ClassDef):
                    found.setdefault(node.name, []).append((file, "", node))
            for name, function in module.functions.items():
                owner, _, alone = name.rpartition(".")
                found.setdefault(alone, []).append((file, owner, function))
        return found

    def _text(self, file: str, owner: str, node: Function | ast.ClassDef) -> str:
        module, last = self._modules[file], node.end_lineno or node.lineno
        first, parts = first_line(node), _bodies(node)
        instead = {number: line for part in parts for number, line in emptied_lines(module, part).items()}
        if isinstance(node, ast.ClassDef):
            instead |= with_short_docstring(module, node)
        lines = (instead.get(number, module.lines[number - 1]) for number in range(first, last + 1))
        text = dedent("".join(lines)).strip("\n")
        cut = f"{text[:_LONGEST]}\n# [...]" if len(text) > _LONGEST else text
        return f"# {file}{f', in {owner}' if owner else ''}\n{cut}"


def _bodies(node: Function | ast.ClassDef) -> Iterable[Function]:
    """Of functions those that are not shown."""
    if isinstance(node, Function):
        return [node] if (node.end_lineno or node.lineno) - node.lineno >= _SHORT else []
    return [part for part in node.body if isinstance(part, Function) and part.name != "__init__"]
