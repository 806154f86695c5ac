"""Where in a repository a function stands, and the file with another in its place."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from .syntax import UNREADABLE, bound, lines_of, tree_of, within_texts

Function = ast.FunctionDef | ast.AsyncFunctionDef
_EMPTY = "raise NotImplementedError"


@dataclass(frozen=True)
class FunctionPlace:
    """A function of a repository that is asked for, and how its tests are run there.

    All paths but `root` are relative to it, with slashes. The tests' node ids are the problem's `tests`, one a line.
    """

    root: str
    """Of the repository, on this machine."""
    digest: str
    """Of all its files; of a tree with another one the tests may say something else. Empty: see `commit`."""
    file: str
    qualname: str
    """Such as `Cache.get`: the function's own name, or a class's of the module and that."""
    imports: tuple[str, ...] = ("",)
    """Folders that modules are imported from."""
    options: tuple[str, ...] = ()
    """Of pytest: the repository's own `addopts`, without what measures, repeats or distributes."""
    hidden: tuple[str, ...] = ()
    """Files and folders that hold what the candidate may not read, such as a copy of the answer."""
    commit: str = ""
    """Of the repository's history, whose files are meant. Empty: those that lie there."""
    earlier: str = ""
    """The function as it is to be mended, alone. Empty: it is to be written without."""


class Misplaced(ValueError):
    """A candidate that cannot be put in the function's place; says why."""


@dataclass(frozen=True)
class ModuleText:
    """A module's source with its functions by name."""

    source: str

    @cached_property
    def tree(self) -> ast.Module:
        """Raises one of UNREADABLE."""
        return tree_of(self.source)

    @cached_property
    def lines(self) -> list[str]:
        return lines_of(self.source)

    @cached_property
    def functions(self) -> dict[str, Function]:
        """By qualified name, those of the module and of its classes that are defined once, in order."""
        names = Counter(name for name, _ in self.defined)
        return {name: node for name, node in self.defined if names[name] == 1}

    @cached_property
    def defined(self) -> list[tuple[str, Function]]:
        """With those that are defined several times."""
        return list(_defined(self.tree))

    def text_of(self, name: str) -> str:
        """The function with its decorators, set out to the margin."""
        node = self.functions[name]
        first = first_line(node)
        lines = self.lines[first - 1 : node.end_lineno]
        margin = _margin(lines[0])
        kept = within_texts(node)
        return "".join(
            line if number in kept else line.removeprefix(margin) for number, line in enumerate(lines, first)
        )

    def emptied(self, name: str) -> str:
        """The module with nothing in the function's body but its docstring and an error."""
        node = self.functions[name]
        first, last = body_lines(node)
        margin = _margin(self.lines[node.body[0].lineno - 1])
        body = f"{margin}{_EMPTY}\n"
        return "".join([*self.lines[: first - 1], body, *self.lines[last:]])

    def filled(self, name: str, candidate: str) -> Filled:
        """The module with *candidate*'s function in the place of this one, and what it brings that the module lacks.

        Raises Misplaced.
        """
        return _Filling(self, name, candidate).done()


@dataclass(frozen=True)
class Filled:
    """A module with a candidate in it."""

    source: str
    written: tuple[tuple[int, int], ...]
    """First and last line of each part that is the candidate's."""


def first_line(node: Function | ast.ClassDef) -> int:
    """Its decorators counted."""
    return min(node.lineno, *(each.lineno for each in node.decorator_list), node.lineno)


def body_lines(node: Function) -> tuple[int, int]:
    """First and last line of the body after the docstring; the first lies behind the last where it is that alone."""
    end = node.end_lineno or node.lineno
    start = node.body[0]
    if is_docstring(start):
        return (start.end_lineno or start.lineno) + 1, end
    return start.lineno, end


def is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def emptied_function(source: str, name: str) -> str:
    """A program with the function *name* emptied, as a model would write that."""
    return ModuleText(source).emptied(name)


def _defined(tree: ast.Module) -> Iterator[tuple[str, Function]]:
    for node in _statements(tree.body):
        if isinstance(node, Function):
            yield node.name, node
        elif isinstance(node, ast.ClassDef):
            yield from ((f"{node.name}.{part.name}", part) for part in node.body if isinstance(part, Function))


def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Those of a module, the branches of an `if` and a `try` included."""
    for node in body:
        yield node
        if isinstance(node, ast.If | ast.Try):
            for part in (node.body, node.orelse, *(each.body for each in getattr(node, "handlers", ()))):
                yield from _statements(part)


def _margin(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]


class _Filling:
    def __init__(self, module: ModuleText, name: str, candidate: str) -> None:
        self._module = module
        self._name = name
        self._answer = ModuleText(candidate if candidate.endswith("\n") else candidate + "\n")
        try:
            tree = self._answer.tree
        except UNREADABLE as fault:
            raise Misplaced(_told(fault)) from None
        self._own = _own_function(tree, name)
        self._node = module.functions[name]

    def done(self) -> Filled:
        first, last = first_line(self._node), self._node.end_lineno or self._node.lineno
        before, brought, function = self._before(first), self._brought(), self._function()
        head = "".join(self._module.lines[: before - 1])
        between = "".join(self._module.lines[before - 1 : first - 1])
        rest = "".join(self._module.lines[last:])
        source = f"{head}{brought}{between}{function}{rest}"
        start = first + brought.count("\n")
        parts = ((before, before + brought.count("\n") - 1), (start, start + function.count("\n") - 1))
        return Filled(source, tuple(part for part in parts if part[1] >= part[0]))

    def _before(self, first: int) -> int:
        """The line of the module's statement that holds the function."""
        starts = (_start(node) for node in self._module.tree.body)
        return max(line for line in starts if line <= first)

    def _function(self) -> str:
        """Of the candidate, with the decorators that it may have left out, and the methods that it calls for."""
        margin = _margin(self._module.lines[self._node.lineno - 1])
        lines = self._moved(self._own, margin)
        if self._node.decorator_list and not self._own.decorator_list:
            start = first_line(self._node)
            lines = self._module.lines[start - 1 : self._node.lineno - 1] + lines
        for helper in self._methods():
            lines += ["\n", *self._moved(helper, margin)]
        return "".join(lines)

    def _moved(self, node: Function, margin: str) -> list[str]:
        first = first_line(node)
        lines = self._answer.lines[first - 1 : node.end_lineno]
        was, kept = _margin(self._answer.lines[node.lineno - 1]), within_texts(node)
        if node.col_offset and not was:
            raise Misplaced("the function does not begin a line of its own")
        return [
            line if number in kept or not line.strip() else margin + line.removeprefix(was)
            for number, line in enumerate(lines, first)
        ]

    def _methods(self) -> Iterator[Function]:
        """What the candidate's class has beside the function and the module's has not."""
        if "." not in self._name:
            return
        there = {name for name, _ in _defined(self._module.tree)}
        owner = self._name.partition(".")[0]
        for node in self._answer.tree.body:
            if isinstance(node, ast.ClassDef) and self._own in node.body:
                parts = (part for part in node.body if isinstance(part, Function) and part is not self._own)
                yield from (part for part in parts if f"{owner}.{part.name}" not in there)

    def _brought(self) -> str:
        """Imports, functions, classes and values of names that the module does not have."""
        there = {name for node in self._module.tree.body for name in bound(node)} | {"annotations"}
        needed = [node for node in self._answer.tree.body if self._is_brought(node, there)]
        return "".join(f"{ast.get_source_segment(self._answer.source, _whole(node))}\n" for node in needed)

    def _is_brought(self, node: ast.stmt, there: set[str]) -> bool:
        if node is self._own or not isinstance(node, _BRINGING):
            return False
        if isinstance(node, ast.ClassDef) and self._own in node.body:
            return False
        if isinstance(node, ast.ImportFrom) and node.module == "__future__":
            return False
        names = bound(node)
        return bool(names - there) and not (names & there and not isinstance(node, ast.Import | ast.ImportFrom))


_BRINGING = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Assign, ast.AnnAssign)


def _start(node: ast.stmt) -> int:
    return first_line(node) if isinstance(node, Function | ast.ClassDef) else node.lineno


def _whole(node: ast.stmt) -> ast.stmt:
    """The node such that its source begins with its decorators."""
    if isinstance(node, Function | ast.ClassDef) and node.decorator_list:
        copy = ast.copy_location(ast.Pass(), node)
        copy.lineno, copy.col_offset = first_line(node), 0
        return copy
    return node


def _own_function(tree: ast.Module, name: str) -> Function:
    """The candidate's function of that name: in its class, in another one, or alone. Raises Misplaced."""
    owner, _, alone = name.rpartition(".")
    found = list(_defined(tree))
    for wanted in dict.fromkeys((name, alone)):
        named = [node for known, node in found if known == wanted]
        if named:
            return named[-1]
    within = [node for known, node in found if owner and known.rpartition(".")[2] == alone]
    if within:
        return within[-1]
    raise Misplaced(f"it defines no function {alone!r}")


def _told(fault: BaseException) -> str:
    line = f" (line {fault.lineno})" if isinstance(fault, SyntaxError) and fault.lineno else ""
    return f"{type(fault).__name__}: {getattr(fault, 'msg', None) or fault}{line}"


def tests_of(text: str) -> tuple[str, ...]:
    """The node ids of a problem's tests."""
    return tuple(line.strip() for line in text.splitlines() if line.strip())
