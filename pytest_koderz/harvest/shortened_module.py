"""The module around a function whose body is taken out, cut to a length: what says least of the function goes first."""

from __future__ import annotations

import ast
import builtins
import re
import sys
import tokenize
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from io import StringIO

from pytest_koderz.core.place import Function, ModuleText, body_lines, first_line, is_docstring
from pytest_koderz.core.syntax import bound

COMMON = frozenset(name for kind in (str, bytes, list, dict, set, int, float, object) for name in dir(kind))
COMMON |= frozenset(dir(builtins))
"""Names that are everybody's."""
LONGEST = 8000
"""Characters of a module that are shown."""
_LONG_VALUE = 5
"""Lines from which on a value that the function does not speak of is left out."""
_FAR, _ALIKE, _SHARING, _BESIDE, _CALLED = range(5)
"""How near another function is: not at all; of the same class; it has to do with the same private attributes; it
makes the class's objects, or uses the function; it is used by the function."""

Lines = dict[int, str]
"""By number what stands there instead."""


def module_around(module: ModuleText, name: str) -> str:
    """The module without the function's body, and as much of the rest as there is room for."""
    return _Shortened(
        module, name, emptied_lines(module, module.functions[name], "# TODO: this is to be written")
    ).text()


def module_with(module: ModuleText, name: str, used: set[str]) -> str:
    """The same with its body, which is to be another one, that has to do with the names *used* as well."""
    return _Shortened(module, name, {}, used).text()


class _Shortened:
    def __init__(self, module: ModuleText, name: str, instead: Lines, used: AbstractSet[str] = frozenset()) -> None:
        self._module = module
        self._name = name
        self._wanted = module.functions[name]
        self._used = used_in(self._wanted) | used
        self._methods = {other.rpartition(".")[2] for other, _ in module.defined}
        self._instead = instead

    def text(self) -> str:
        length = sum(map(len, self._lines()))
        for instead in self._steps():
            if length <= LONGEST:
                break
            length += sum(len(line) - len(self._line(number)) for number, line in instead.items())
            self._instead |= instead
        return re.sub(r"\n{4,}", "\n\n\n", "".join(self._lines()))

    def _lines(self) -> Iterator[str]:
        return (self._line(number) for number in range(1, len(self._module.lines) + 1))

    def _line(self, number: int) -> str:
        return self._instead.get(number, self._module.lines[number - 1])

    def _steps(self) -> Iterator[Lines]:
        """What may be left out, one after the other."""
        others = [(self._nearness(name, node), node) for name, node in self._module.defined if node is not self._wanted]
        others.sort(key=lambda each: (each[0], -_size(each[1])))
        alike = [node for nearness, node in others if nearness == _ALIKE]
        near = [node for nearness, node in others if nearness > _ALIKE]
        yield from (self._without_body(node) for nearness, node in others if nearness == _FAR)
        yield from (dict.fromkeys(range(first, last + 1), "") for first, last in self._distant())
        yield from map(self._without_body, alike)
        yield from (self._with_short_docstring(node) for nearness, node in others if nearness < _CALLED)
        yield self._comments()
        yield from map(_gone, alike)
        yield from map(self._without_body, near)
        yield from map(self._with_short_docstring, near)
        yield from (_cut_short(node) for node in self._module.tree.body if _is_long_value(node))

    def _nearness(self, other: str, node: Function) -> int:
        owner, _, alone = self._name.rpartition(".")
        theirs, _, called = other.rpartition(".")
        if called in self._used:
            return _CALLED
        names = used_in(node)
        if alone in names or (owner == theirs != "" and called == "__init__"):
            return _BESIDE
        if owner != theirs or not owner:
            return _FAR
        return _SHARING if any(name.startswith("_") for name in names & self._used - self._methods) else _ALIKE

    def _distant(self) -> list[tuple[int, int]]:
        """Lines of whole functions, classes and long values that have nothing to do with it, the longest first."""
        found = []
        spoken_of = self._used | bases_of(self._module, self._name)
        for node in self._module.tree.body:
            last = node.end_lineno or node.lineno
            first = first_line(node) if isinstance(node, Function | ast.ClassDef) else node.lineno
            if first <= self._wanted.lineno <= last or bound(node) & spoken_of:
                continue
            if _is_long_value(node) or (isinstance(node, Function | ast.ClassDef) and not self._needs(node)):
                found.append((first, last))
        return sorted(found, key=lambda part: part[0] - part[1])

    def _needs(self, node: ast.stmt) -> bool:
        """Whether it speaks of the function, or is a class whose methods the function calls."""
        if "." not in self._name and self._name in used_in(node):
            return True
        parts = node.body if isinstance(node, ast.ClassDef) else ()
        called = {name for name in self._used - COMMON if not name.startswith("__")}
        return any(isinstance(part, Function) and part.name in called for part in parts)

    def _comments(self) -> Lines:
        """Without those of other classes that have a line of their own."""
        owner = self._name.partition(".")[0]
        found = tokenize.generate_tokens(StringIO(self._module.source).readline)
        alone = [word.start[0] for word in found if word.type == tokenize.COMMENT and word.line.lstrip()[:1] == "#"]
        others = [node for node in self._module.tree.body if isinstance(node, ast.ClassDef) and node.name != owner]
        inside = (line for line in alone for node in others if node.lineno <= line <= (node.end_lineno or 0))
        return {line: "" for line in inside if line not in self._instead}

    def _without_body(self, node: Function) -> Lines:
        return self._unless_gone(emptied_lines(self._module, node), node)

    def _with_short_docstring(self, node: Function) -> Lines:
        """The first line of it."""
        return self._unless_gone(with_short_docstring(self._module, node), node)

    def _unless_gone(self, instead: Lines, node: Function) -> Lines:
        return {} if self._instead.get(node.lineno) == "" else instead


def bases_of(module: ModuleText, name: str) -> set[str]:
    """Names of the classes that a method's class is made of."""
    owner = name.rpartition(".")[0]
    classes = (node for node in module.tree.body if isinstance(node, ast.ClassDef) and node.name == owner)
    bases = (base.value if isinstance(base, ast.Subscript) else base for node in classes for base in node.bases)
    return {name for base in bases for name in used_in(base)}


def used_in(node: ast.AST) -> set[str]:
    """Names and attributes."""
    found = {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
    return found | {part.attr for part in ast.walk(node) if isinstance(part, ast.Attribute)}


def used_beside_the_library(module: ModuleText, node: ast.AST) -> set[str]:
    """The same, but for what is asked of modules of the standard library."""
    imports = [alias for part in ast.walk(module.tree) if isinstance(part, ast.Import) for alias in part.names]
    library = {each.asname or each.name for each in imports if each.name.partition(".")[0] in sys.stdlib_module_names}
    attributes = [part for part in ast.walk(node) if isinstance(part, ast.Attribute)]
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)} | {
        part.attr for part in attributes if ast.unparse(part.value) not in library
    }


def own_names(function: ast.AST) -> set[str]:
    """Arguments, and what it gives a value or defines itself."""
    found = set()
    for node in ast.walk(function):
        match node:
            case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name) | ast.ExceptHandler(name=str(name)):
                found.add(name)
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) if node is not function:
                found.add(name)
    return found


def _size(node: Function) -> int:
    first, last = body_lines(node)
    return last - first


def _is_long_value(node: ast.stmt) -> bool:
    lines = (node.end_lineno or node.lineno) - node.lineno
    return isinstance(node, ast.Assign | ast.AnnAssign | ast.Expr) and lines > _LONG_VALUE


def _cut_short(node: ast.stmt) -> Lines:
    """The value's first lines and its last."""
    first, last = node.lineno + _LONG_VALUE, node.end_lineno or node.lineno
    return dict.fromkeys(range(first, last), "") | {first: "    # [...]\n"}


def _gone(node: Function) -> Lines:
    return dict.fromkeys(range(first_line(node), (node.end_lineno or node.lineno) + 1), "")


def emptied_lines(module: ModuleText, node: Function, words: str = "# as it is") -> Lines:
    """Nothing where the body begins in the line of the head."""
    first, last = body_lines(node)
    if not last >= first > node.lineno or module.lines[first - 1][: node.body[-1].col_offset].strip():
        return {}
    line = module.lines[node.body[0].lineno - 1]
    margin = line[: len(line) - len(line.lstrip())]
    while module.lines[first - 2].lstrip()[:1] in ("", "#"):  # what is said of the body goes with it
        first -= 1
    return dict.fromkeys(range(first, last + 1), "") | {first: f"{margin}{words}\n{margin}...\n"}


def with_short_docstring(module: ModuleText, node: Function | ast.ClassDef) -> Lines:
    """The first line of it."""
    start = node.body[0]
    last = start.end_lineno or start.lineno
    if not is_docstring(start) or last - start.lineno < 2:
        return {}
    line = module.lines[start.lineno - 1]
    margin = line[: len(line) - len(line.lstrip())]
    told, _, rest = (ast.get_docstring(node) or "").replace("\\", "\\\\").replace('"""', "'''").partition("\n")
    words = f"{told} [...]" if rest.strip() else told
    return dict.fromkeys(range(start.lineno, last + 1), "") | {start.lineno: f'{margin}"""{words}"""\n'}
