"""What a model is asked of a function: the module around it with its body taken out, cut to a length."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from pytest_koderz.core.place import Function, ModuleText, body_lines, first_line

LONGEST = 9000
"""Characters of a module that are shown. Of a longer one the bodies of other functions go first, then what is far, then
the bodies of what it calls and of its own class."""
_SHORT_DOCSTRING = 60
"""Characters below which a docstring says too little, so that a test is shown as well."""
_LONGEST_TEST = 1500
"""Characters of all tests that are shown."""
_MOST_EXAMPLES = 3


def prompt_of(file: str, module: ModuleText, name: str, examples: Sequence[str]) -> str:
    """*examples*: texts of tests that run it, the best first; some are shown where the docstring says little."""
    node = module.functions[name]
    kind = "method" if "." in name else "function"
    lines = [
        f"In the file `{file}` the body of the {kind} `{name}` is missing. Write that {kind} whole, with its head;",
        "the rest of the file stays as it is, and need not be repeated.",
        "",
        f"```python\n{module_around(module, name).rstrip()}\n```",
    ]
    if examples and len(ast.get_docstring(node) or "") < _SHORT_DOCSTRING:
        shown = [examples[0].strip()[:_LONGEST_TEST]]
        for example in examples[1:_MOST_EXAMPLES]:
            if sum(map(len, shown)) + len(example) <= _LONGEST_TEST:
                shown.append(example.strip())
        words = "One of its tests" if len(shown) == 1 else "Some of its tests"
        tests = "\n\n".join(shown)
        lines += ["", f"{words}:\n\n```python\n{tests}\n```"]
    return "\n".join(lines) + "\n"


def module_around(module: ModuleText, name: str) -> str:
    """The module without the function's body, and as much of the rest as there is room for."""
    wanted = module.functions[name]
    used = {node.id for node in ast.walk(wanted) if isinstance(node, ast.Name)}
    used |= {node.attr for node in ast.walk(wanted) if isinstance(node, ast.Attribute)}
    others = [(other, node) for other, node in module.functions.items() if other != name and _has_body(node)]
    far = sorted(others, key=lambda each: (_nearness(each[0], name, used), -_size(each[1])))
    emptied = [(name, wanted)]
    text = _without(module, emptied, [])
    while far and len(text) > LONGEST and not any(_nearness(far[0][0], name, used)):
        emptied.append(far.pop(0))
        text = _without(module, emptied, [])
    dropped: list[tuple[int, int]] = []
    gone = sorted(_distant(module, name, used), key=lambda part: part[1] - part[0], reverse=True)
    while len(text) > LONGEST and gone:
        dropped.append(gone.pop(0))
        text = _without(module, emptied, dropped)
    while len(text) > LONGEST and far:
        emptied.append(far.pop(0))
        text = _without(module, emptied, dropped)
    return text


def _nearness(other: str, name: str, used: set[str]) -> tuple[bool, bool, bool]:
    """What sorts last is kept longest."""
    owner, _, _ = name.rpartition(".")
    alike = bool(owner) and other.startswith(f"{owner}.")
    return (other.rpartition(".")[2] in used, alike and other.endswith(".__init__"), alike)


def _size(node: Function) -> int:
    first, last = body_lines(node)
    return last - first


def _has_body(node: Function) -> bool:
    first, last = body_lines(node)
    return last >= first > node.lineno


def _distant(module: ModuleText, name: str, used: set[str]) -> list[tuple[int, int]]:
    """Lines of whole functions and classes, and long values, that the function does not speak of."""
    wanted = module.functions[name]
    found = []
    for node in module.tree.body:
        last = node.end_lineno or node.lineno
        first = first_line(node) if isinstance(node, Function | ast.ClassDef) else node.lineno
        if first <= wanted.lineno <= last or getattr(node, "name", "") in used:
            continue
        if isinstance(node, Function | ast.ClassDef) or (isinstance(node, ast.Assign | ast.Expr) and last - first > 5):
            found.append((first, last))
    return found


def _without(module: ModuleText, emptied: list[tuple[str, Function]], dropped: list[tuple[int, int]]) -> str:
    """The module with these functions emptied and these lines left out."""
    gone: dict[int, str] = {}
    for number, (_, node) in enumerate(emptied):
        first, last = body_lines(node)
        line = module.lines[node.body[0].lineno - 1]
        margin = line[: len(line) - len(line.lstrip())]
        words = "# TODO: this is to be written" if number == 0 else "# as it is"
        gone |= dict.fromkeys(range(first, last + 1), "")
        gone[first] = f"{margin}{words}\n{margin}...\n"
    for first, last in dropped:
        gone |= dict.fromkeys(range(first, last + 1), "")
    return "".join(gone.get(number, line) for number, line in enumerate(module.lines, 1))
