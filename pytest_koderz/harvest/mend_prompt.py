"""What a model is asked of a function that a commit mended: how it was, what was said of the change, what fails."""

from __future__ import annotations

import ast
import copy
import re

from pytest_koderz.core.place import Function, ModuleText, is_docstring

from .shortened_module import module_with, used_in
from .task_prompt import Known, beside, shown

_LONGEST_TESTS = 3000
"""Characters of those that say what is to be mended."""
_LONGEST_MESSAGE = 1500
_END = "\n"
_TRAILER = re.compile(r"[A-Z][\w-]*-([Bb]y|[Ii]d|[Ll]og|[Uu]rl|[Uu]ntil): |\(cherry picked from |git-svn-id: ")
_LINK = re.compile(r"<?https?://\S+")


def mend_prompt_of(
    file: str, mended: ModuleText, name: str, earlier: str, said: str, known: Known, failure: str
) -> str:
    """*earlier*: the function before. *said*: of the commit. *known*: its examples are tests that what was before
    fails, and *failure* is which of them says what.
    """
    kind = "method" if "." in name else "function"
    module = ModuleText(mended.filled(name, earlier).source)
    around = module_with(module, name, used_in(mended.functions[name])).rstrip()
    lines = [
        f"In the file `{file}` the {kind} `{name}` has to be changed: it fails tests. Write that {kind} whole, with",
        "its head; the rest of the file stays as it is, also what is not shown here, and need not be repeated.",
        "",
        f"```python\n{around}\n```",
        *beside(known, around),
    ]
    if message := words_of(said):
        lines += ["", "What was said of the change:", "", *(f"> {line}".rstrip() for line in message.splitlines())]
    if (head := _head(mended.functions[name])) != _head(module.functions[name]):
        lines += ["", f"The {kind} is to begin so:", "", f"```python\n{head}\n```"]
    words = "Tests that it fails" if len(known.examples) > 1 else "A test that it fails"
    lines += shown(words, [_cut(each.strip()) for each in known.examples], _LONGEST_TESTS)
    lines += ["", failure] if failure else []
    return "\n".join(lines) + "\n"


def _cut(text: str) -> str:
    """Without its middle where it is too long: a test's new cases come last."""
    if len(text) <= _LONGEST_TESTS:
        return text
    before, after = text[: _LONGEST_TESTS // 3], text[-_LONGEST_TESTS // 2 :]
    return f"{before.rpartition(_END)[0]}{_END}# [...]{_END}{after.partition(_END)[2]}"


def words_of(message: str) -> str:
    """What a commit's message says, without what is said to machines."""
    text = _LINK.sub("", "\n".join(line for line in message.splitlines() if not _TRAILER.match(line)))
    return re.sub(r"\n{3,}", "\n\n", text).strip()[:_LONGEST_MESSAGE]


def _head(function: Function) -> str:
    """With its docstring, and nothing else."""
    head = copy.copy(function)
    head.body = [*filter(is_docstring, function.body[:1]), ast.Expr(ast.Constant(...))]
    return ast.unparse(head)
