"""Which problems cannot be judged across two processes, told from their own text before anything is spent.

Values of plain types cross. A class, what is an instance of the prompt's own class, a coroutine, a signature and what
was printed stay in the candidate's process: a right answer would look wrong from outside.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from pytest_koderz.core.problem import Problem

_LOOKS_INSIDE = {
    "the function's signature": re.compile(
        r"\binspect\.(signature|get|is)|\bget_type_hints\(|\.__(annotations|doc|code|defaults)__\b"
    ),
    "what is printed": re.compile(r"\bredirect_std(out|err)\b|\bsys\.std(out|err)\s*=|\bcaps(ys|fd)\b"),
    "a stream": re.compile(r"\b(StringIO|BytesIO|TextIOWrapper)\b"),
    "what the module calls": re.compile(r"\bunittest\.mock\b|\bimport mock\b|\bmonkeypatch\b"),
    "what comes of a coroutine": re.compile(r"\basyncio\.run\(|^\s*(async def|await )", re.MULTILINE),
}
_CLASSES = re.compile(
    r"^class\s+(\w+)|^(\w+)\s*=\s*(?:\w+\.)?(?:namedtuple|NamedTuple|make_dataclass|\w*Enum)\(", re.MULTILINE
)


@lru_cache(maxsize=1024)
def stays_inside(problem: Problem, tests: str) -> str | None:
    """What of the candidate's process these *tests* need to see, in words; None where all that they see can cross."""
    return next(_needs(problem, tests), None)


def _needs(problem: Problem, tests: str) -> Iterator[str]:
    told = f"{problem.prompt}\n{problem.canonical_solution or ''}"
    entry = re.escape(problem.entry_point)
    if re.search(rf"^class\s+{entry}\b", told, re.MULTILINE):
        yield "a class"
    if re.search(rf"^async\s+def\s+{entry}\b", told, re.MULTILINE):
        yield "what comes of a coroutine"
    yield from (what for what, sign in _LOOKS_INSIDE.items() if sign.search(tests))
    # Only the prompt's own: what the tests define they hand over, and what the solution defines they do not know.
    shown = f"{tests}\n{problem.prompt.removeprefix(problem.preamble)}"
    for names in _CLASSES.findall(problem.preamble):
        name = names[0] or names[1]
        if re.search(rf"\b{re.escape(name)}\b", shown):
            yield f"instances of {name}"
