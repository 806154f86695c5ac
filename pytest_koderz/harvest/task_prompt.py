"""What a model is asked of a function: the module around it with its body taken out, cut to a length."""

from __future__ import annotations

import ast
import copy
import re
from collections.abc import Sequence
from collections.abc import Set as AbstractSet

from pytest_koderz.core.place import Function, ModuleText, body_lines, first_line, is_docstring

LONGEST = 9000
"""Characters of a module that are shown. Of a longer one the bodies of other functions go first, then what is far, then
the bodies of what it calls and of its own class."""
_SHORT_DOCSTRING = 60
"""Characters below which a docstring says too little, so that a test is shown as well."""
_LONGEST_TEST = 1500
"""Characters of all tests that are shown."""
_LONGEST_FAILING = 3000
"""Characters of those that say what is to be mended."""
_MOST_EXAMPLES = 3
_LONGEST_MESSAGE = 1500
_TRAILER = re.compile(r"[A-Z][\w-]*-([Bb]y|[Ii]d|[Ll]og|[Uu]rl|[Uu]ntil): |\(cherry picked from |git-svn-id: ")
_LINK = re.compile(r"<?https?://\S+")


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
        lines += ["", _tests(examples, _LONGEST_TEST, "One of its tests", "Some of its tests")]
    return "\n".join(lines) + "\n"


def mend_prompt_of(
    file: str, mended: ModuleText, name: str, earlier: str, message: str, failing: Sequence[str], failure: str
) -> str:
    """*earlier*: the function before. *message*: of the commit. *failing*: texts of tests that failed, the best first,
    and *failure*, what the first of them said.
    """
    kind = "method" if "." in name else "function"
    module = ModuleText(mended.filled(name, earlier).source)
    shown = module_around(module, name, whole=True, used=_used(mended.functions[name]))
    lines = [
        f"In the file `{file}` the {kind} `{name}` has to be changed: it fails tests. Write that {kind} whole, with",
        "its head; the rest of the file stays as it is, and need not be repeated.",
        "",
        f"```python\n{shown.rstrip()}\n```",
    ]
    if words := words_of(message):
        lines += ["", "What was said of the change:", "", *(f"> {line}".rstrip() for line in words.splitlines())]
    if (head := _head(mended.functions[name])) != _head(module.functions[name]):
        lines += ["", f"The {kind} is to begin so:", "", f"```python\n{head}\n```"]
    lines += ["", _tests(failing, _LONGEST_FAILING, "A test that it fails", "Tests that it fails")]
    lines += ["", f"It says: {failure}"] if failure else []
    return "\n".join(lines) + "\n"


def _tests(examples: Sequence[str], longest: int, one: str, several: str) -> str:
    shown = [examples[0].strip()[:longest]]
    for example in examples[1:_MOST_EXAMPLES]:
        if sum(map(len, shown)) + len(example) <= longest:
            shown.append(example.strip())
    tests = "\n\n".join(shown)
    return f"{one if len(shown) == 1 else several}:\n\n```python\n{tests}\n```"


def words_of(message: str) -> str:
    """What a commit's message says, without what is said to machines."""
    text = _LINK.sub("", "\n".join(line for line in message.splitlines() if not _TRAILER.match(line)))
    return re.sub(r"\n{3,}", "\n\n", text).strip()[:_LONGEST_MESSAGE]


def _head(function: Function) -> str:
    """With its docstring, and nothing else."""
    head = copy.copy(function)
    head.body = [*filter(is_docstring, function.body[:1]), ast.Expr(ast.Constant(...))]
    return ast.unparse(head)


def _used(function: Function) -> set[str]:
    names = {node.id for node in ast.walk(function) if isinstance(node, ast.Name)}
    return names | {node.attr for node in ast.walk(function) if isinstance(node, ast.Attribute)}


def module_around(module: ModuleText, name: str, *, whole: bool = False, used: AbstractSet[str] = frozenset()) -> str:
    """The module without the function's body, and as much of the rest as there is room for.

    *whole*: with its body. *used*: names that it is about, beside those that stand in it.
    """
    wanted = module.functions[name]
    used = _used(wanted) | used
    others = [(other, node) for other, node in module.functions.items() if other != name and _has_body(node)]
    far = sorted(others, key=lambda each: (_nearness(each[0], name, used), -_size(each[1])))
    emptied = [] if whole else [(name, wanted)]
    text = _without(module, name, emptied, [])
    while far and len(text) > LONGEST and not any(_nearness(far[0][0], name, used)):
        emptied.append(far.pop(0))
        text = _without(module, name, emptied, [])
    dropped: list[tuple[int, int]] = []
    gone = sorted(_distant(module, name, used), key=lambda part: part[1] - part[0], reverse=True)
    while len(text) > LONGEST and gone:
        dropped.append(gone.pop(0))
        text = _without(module, name, emptied, dropped)
    while len(text) > LONGEST and far:
        emptied.append(far.pop(0))
        text = _without(module, name, emptied, dropped)
    return text


def _nearness(other: str, name: str, used: AbstractSet[str]) -> tuple[bool, bool, bool]:
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


def _distant(module: ModuleText, name: str, used: AbstractSet[str]) -> list[tuple[int, int]]:
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


def _without(module: ModuleText, name: str, emptied: list[tuple[str, Function]], dropped: list[tuple[int, int]]) -> str:
    """The module with these functions emptied and these lines left out."""
    gone: dict[int, str] = {}
    for other, node in emptied:
        first, last = body_lines(node)
        line = module.lines[node.body[0].lineno - 1]
        margin = line[: len(line) - len(line.lstrip())]
        words = "# TODO: this is to be written" if other == name else "# as it is"
        gone |= dict.fromkeys(range(first, last + 1), "")
        gone[first] = f"{margin}{words}\n{margin}...\n"
    for first, last in dropped:
        gone |= dict.fromkeys(range(first, last + 1), "")
    return "".join(gone.get(number, line) for number, line in enumerate(module.lines, 1))
