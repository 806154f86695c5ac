"""Questions about Python source that a dataset's row holds."""

from __future__ import annotations

import ast
import re
import sys
import warnings
from textwrap import indent

from pytest_koderz.core.syntax import UNREADABLE, bound, lines_of, may_fail, tree_of, within_texts
from pytest_koderz.files.nearest import most_like, nearest


def parse(source: str) -> ast.Module | None:
    """The syntax tree; None for what is not Python."""
    with warnings.catch_warnings():
        # Invalid escapes in someone else's docstring are no concern of ours.
        warnings.simplefilter("ignore")
        try:
            return tree_of(source)
        except UNREADABLE:
            return None


def parse_head(source: str) -> ast.Module | None:
    """The syntax tree of a program whose last body may still have to be written."""
    return parse(source) or parse(source + "\n    pass\n")


def fault_of(source: str) -> str | None:
    """Why *source* is not Python, with its line; None where it is."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            tree_of(source)
        except SyntaxError as error:
            return f"{error.msg} (its line {error.lineno})"
        except (ValueError, RecursionError, MemoryError) as error:
            return str(error) or type(error).__name__
    return None


def function_of(prompt: str, name: str) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
    """The last definition of *name* in a prompt that is a Python head, its body there or still to be written."""
    found = _definition_of(prompt, name)
    return None if isinstance(found, ast.ClassDef) else found


def _definition_of(prompt: str, name: str) -> ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | None:
    tree = parse_head(prompt)
    kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    found = [node for node in (tree.body if tree else ()) if isinstance(node, kinds) and node.name == name]
    return found[-1] if found else None


def names_of(source: str) -> set[str]:
    """The names that the top level of a program binds, its last body there or still to be written."""
    tree = parse_head(source)
    return {name for node in tree.body for name in bound(node)} if tree else set()


def undefined(name: str, prompt: str, solution: str | None) -> str | None:
    """Why *name* cannot be the entry point; None where it can, as after a prompt that is a plain text.

    *solution* is a whole program. None: only the prompt can tell.
    """
    names = names_of(prompt if solution is None else solution)
    if name in names or "*" in names or (solution is None and not _has_definition(prompt)):
        return None
    where = "the prompt does not define" if solution is None else "neither prompt nor canonical solution defines"
    return f"{where} {name!r}{nearest(name, names | names_of(prompt), otherwise='')}"


def _has_definition(prompt: str) -> bool:
    tree = parse_head(prompt)
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return any(isinstance(node, kinds) for node in getattr(tree, "body", ()))


def preamble_of(prompt: str, name: str) -> str:
    """What stands in a prompt before the definition of *name*: imports and whole functions. Empty for a plain text."""
    function = _definition_of(prompt, name)
    if function is None:
        return ""
    first = min((node.lineno for node in (function, *function.decorator_list)), default=function.lineno)
    head = "".join(lines_of(prompt)[: first - 1]).strip("\n")
    return head + "\n" if head.strip() else ""


def docstring_of(prompt: str, name: str) -> str:
    """Each text that stands alone in the body of *name*: HumanEval/115 has its docstring after an import."""
    function = function_of(prompt, name)
    texts = [
        node.value.value
        for node in (function.body if function else ())
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    ]
    return "\n".join(texts)


def as_check(tests: str, entry_point: str) -> str:
    """Tests as `check(candidate)`: unchanged where they define it, else their lines become its body."""
    tree = parse(tests)
    if tree is None or any(_is_check(node) or _is_test_case(node) for node in tree.body):
        return tests
    if entry_point == "check":
        # Mbpp/56 has that name: within the tests' own `check` it would mean the wrong one.
        tests = re.sub(r"\bcheck\(", "candidate(", tests)
    inside = within_texts(tree)
    lines = tests.strip("\n").split("\n") if tests.strip() else ["pass"]
    skipped = len(tests) - len(tests.lstrip("\n"))
    body = [line if number in inside else indent(line, "    ") for number, line in enumerate(lines, skipped + 1)]
    return "def check(candidate):\n" + "\n".join(body) + "\n"


def missing_imports(source: str) -> str:
    """Imports of the standard library's modules that *source* uses by name without importing them."""
    tree = parse(source) or ast.Module([], [])
    used = {
        node.value.id for node in ast.walk(tree) if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
    }
    return "".join(f"import {name}\n" for name in sorted((used & sys.stdlib_module_names) - _imported(tree)))


def fault_of_tests(tests: str) -> str | None:
    """Why *tests* cannot tell right from wrong, whoever answers; None where nothing of that kind is to be seen."""
    if fault := fault_of(tests):
        return f"not valid Python: {fault}"
    tree = parse(tests) or ast.Module([], [])
    if not any(map(may_fail, ast.walk(tree))):
        return "no assertion in it, so nothing would be tested"
    if any(_is_check(node) or _is_test_case(node) or not isinstance(node, _IDLE) for node in tree.body):
        return None
    near = most_like("check", {name for node in tree.body for name in bound(node)})
    hint = f" (is {near!r} meant for it?)" if near else ""
    return f"no assertion in it would be run: make them in `def check(candidate)`{hint}, or outside of functions"


_IDLE = (
    *(ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom),
    *(ast.Assign, ast.AnnAssign, ast.Pass),
)
"""Statements that call none of the functions beside them, or do not usually."""


def _is_check(node: ast.stmt) -> bool:
    return isinstance(node, ast.FunctionDef) and node.name == "check"


def _is_test_case(node: ast.stmt) -> bool:
    """A class of unittest's, whose methods are run as they are."""
    return isinstance(node, ast.ClassDef) and any(ast.unparse(base).endswith("TestCase") for base in node.bases)


def outside_modules(*sources: str | None) -> tuple[str, ...]:
    """Top-level modules that the sources import and the standard library has not."""
    importing = [source for source in sources if source and "import" in source]  # most tests do not
    found = {name for source in importing if (tree := parse(source)) for name in _imported(tree)}
    return tuple(sorted(found - sys.stdlib_module_names))


def _imported(tree: ast.Module) -> set[str]:
    nodes = list(ast.walk(tree))
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module}
    return {name.partition(".")[0] for name in names}


def first_called(tests: str, code: str) -> str | None:
    """The first function that *tests* call and *code* defines."""
    defined = {node.name for node in getattr(parse(code), "body", ()) if isinstance(node, ast.FunctionDef)}
    tree = parse(tests)
    called = [
        node.func.id
        for statement in (tree.body if tree else ())
        for node in ast.walk(statement)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    ]
    return next((name for name in called if name in defined), None)
