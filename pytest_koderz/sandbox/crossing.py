"""Which problems cannot be judged across two processes, told from their own text before anything is spent.

Values of plain types cross. A class, what is an instance of the prompt's own class, a coroutine, a signature and what
was printed stay in the candidate's process: a right answer would look wrong from outside. Where there is no canonical
solution to show that the rest crosses, every doubt counts.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import lru_cache

from pytest_koderz.core.problem import Problem

from .doubts import doubts
from .tests_text import TestsText, mentions, read

_STREAM = re.compile(r"sys\.(std(in|out|err)|__std\w+)")
_LOOKS_INSIDE = {
    "the function's signature": re.compile(
        r"inspect\.(signature|get\w+|is\w+|unwrap)|typing\.get_type_hints"
        r"|.*\.__(annotations|doc|code|defaults|kwdefaults|wrapped|closure|signature)__"
    ),
    "what is printed": re.compile(r"contextlib\.redirect_std(out|err)|cap(sys|fd)(binary)?"),
    "a stream": re.compile(r"io\.\w+"),
    "what the module calls": re.compile(r"(unittest\.)?mock(\..*)?|monkeypatch|pytest\.MonkeyPatch(\..*)?"),
    "what comes of a coroutine": re.compile(r"asyncio(\..*)?"),
}
_MAYBE = re.compile(
    r"\b(inspect|get_type_hints|__\w+__|contextlib|cap(sys|fd)|sys|io|mock|\w*[mM]onkey\w*|a(sync|wait)\w*|\w*TestCase)\b"
)
"""A word of each of these: most tests have none, and some are large."""
_ASYNC = (ast.AsyncFunctionDef, ast.Await, ast.AsyncFor, ast.AsyncWith)
_MAKERS = re.compile(r"(.*\.)?(namedtuple|NamedTuple|make_dataclass|\w*Enum|new_class)")


@lru_cache(maxsize=1024)
def stays_inside(problem: Problem, tests: str) -> str | None:
    """What of the candidate's process these *tests* need to see, in words; None where all that they see can cross."""
    return next(_needs(problem, tests), None)


def _needs(problem: Problem, tests: str) -> Iterator[str]:
    yield from _of_the_entry_point(problem)
    yield from _of_the_prompts_classes(problem, tests)
    if _MAYBE.search(tests):
        yield from _seen(read(tests))
    if problem.canonical_solution is None:
        yield from doubts(problem, tests)


def _of_the_entry_point(problem: Problem) -> Iterator[str]:
    told = f"{problem.prompt}\n{problem.canonical_solution or ''}"
    entry = re.escape(problem.entry_point)
    if re.search(rf"^class\s+{entry}\b", told, re.MULTILINE):
        yield "a class"
    if re.search(rf"^async\s+def\s+{entry}\b", told, re.MULTILINE):
        yield "what comes of a coroutine"


def _of_the_prompts_classes(problem: Problem, tests: str) -> Iterator[str]:
    """Only the prompt's own: what the solution defines the tests do not know."""
    shown = f"{tests}\n{problem.prompt.removeprefix(problem.preamble)}"
    names = _classes(read(problem.preamble)) if re.search(r"class|tuple|enum|Enum", problem.preamble) else ()
    yield from (f"instances of {name}" for name in names if mentions(shown, name))


def _classes(text: TestsText) -> Iterator[str]:
    for node in text.nodes:
        if isinstance(node, ast.ClassDef):
            yield node.name
        if isinstance(node, ast.Assign) and _is_maker(node.value, text):
            yield from (target.id for target in node.targets if isinstance(target, ast.Name))


def _is_maker(node: ast.expr, text: TestsText) -> bool:
    return isinstance(node, ast.Call) and _MAKERS.fullmatch(text.path(node.func)) is not None


def _seen(text: TestsText) -> Iterator[str]:
    paths = set(text.paths())
    for what, sign in _LOOKS_INSIDE.items():
        if any(map(sign.fullmatch, paths)):
            yield what
    for node in text.nodes:
        if isinstance(node, ast.ClassDef) and any(text.path(base).endswith("TestCase") for base in node.bases):
            yield "the candidate's module"
        if isinstance(node, _ASYNC):
            yield "what comes of a coroutine"
        if isinstance(node, ast.Attribute) and not isinstance(node.ctx, ast.Load) and text.of_import(node):
            path = text.path(node)
            yield "what is printed or read" if _STREAM.fullmatch(path) else f"{path}, which they replace"
