"""What a spec or a guidance should not hold: the values of hidden tests, or the whole solution."""

from __future__ import annotations

import ast
import re
import string
from collections.abc import Iterator
from functools import lru_cache
from keyword import iskeyword

from .extract import candidate_of
from .iteration import Candidate
from .ports import Sandbox
from .problem import Problem
from .syntax import parse

HIDDEN_VALUE = "a hidden value: "
"""Begins what is said of a test's argument or expected value, which follows."""
COMPLETE_SOLUTION = "a complete solution"

DISTINCTIVE = 8
"""Characters from which a literal is not in a text by chance; a shorter one counts as part of a whole call alone."""
LONG_NUMBER = 5
"""The same for a number."""
EDGE_CASE = 4
"""Characters of a call's arguments, parentheses included, that anyone would think of: `(0)`, `([])`, `('')`."""
MOST = 3
"""Values that are named for one text."""
SHOWN = 60
"""Characters of a value that are shown."""


def leaks_in(text: str, problem: Problem, sandbox: Sandbox) -> tuple[str, ...]:
    """What *text* tells of the solution of *problem* that the problem itself does not, in words.

    The judge says whether code in it is a complete solution. Raises SandboxFault when it cannot.
    """
    values = hidden_values_in(text, problem)[:MOST]
    found = [f"{HIDDEN_VALUE}{value if len(value) <= SHOWN else value[: SHOWN - 3] + '...'}" for value in values]
    if _holds_solution(text, problem, sandbox):
        found.append(COMPLETE_SOLUTION)
    return tuple(found)


def hidden_values_in(text: str, problem: Problem) -> list[str]:
    """Literals of the tests, base and plus, that stand in *text* but not in the prompt; longest first, their parts not.

    White space and the kinds of quotes and brackets make no difference.
    """
    shown, said = _dense(problem.prompt), _dense(text)
    known = [_literals(tests) for tests in (problem.tests, problem.plus) if tests]
    calls = {f"{name}{call}" for _, found in known for call in found for name in (problem.entry_point, "candidate")}
    wanted = {_dense(word): word for word in calls.union(*(values for values, _ in known))}
    found = [word for word in wanted if word in said and word not in shown and _stands_alone(word, text)]
    kept: list[str] = []
    for word in sorted(found, key=lambda word: (-len(word), word)):
        if not any(word in longer for longer in kept):
            kept.append(word)
    return [wanted[word] for word in kept]


def _holds_solution(text: str, problem: Problem, sandbox: Sandbox) -> bool:
    return any(sandbox(problem, candidate).passed for candidate in _answers_in(text, problem))


def _answers_in(text: str, problem: Problem) -> Iterator[Candidate]:
    """The code in *text* as an answer; where it defines other functions alone, each of these in turn."""
    defined = list(dict.fromkeys(re.findall(r"\bdef\s+(\w+)", text)))
    names = defined[:MOST] if defined and problem.entry_point not in defined else [problem.entry_point]
    for name in names:
        candidate = candidate_of(re.sub(rf"\b{name}\b", problem.entry_point, text), problem)
        if candidate is not None:
            yield candidate


def _stands_alone(word: str, text: str) -> bool:
    """Not as a part of a longer word or number, as 12345 is of 123456. *word* is dense, *text* is as it was written."""
    if not (word[0].isalnum() or word[-1].isalnum()):
        return True
    spaced = r"\s*".join(map(re.escape, word))
    return re.search(rf"(?<![\w.]){spaced}(?!\w|\.\d)", text.translate(_ALIKE)) is not None


_ALIKE = str.maketrans('"`({)}', "''[[]]")
"""A model may write a tuple for a list, and any quotes."""


def _dense(text: str) -> str:
    return re.sub(r"\s", "", text).translate(_ALIKE)


@lru_cache(maxsize=512)
def _literals(tests: str) -> tuple[frozenset[str], frozenset[str]]:
    """The tests' distinctive arguments and expected values, and each call's arguments in parentheses; no spaces."""
    tree = parse(tests)
    if tree is None:
        return frozenset(), frozenset()
    values = {_spaceless(ast.unparse(node)) for node in _values(tree)}
    calls = {call for call in map(_spaceless, _calls(tree)) if len(call) > EDGE_CASE}
    return frozenset(filter(_is_distinctive, values)), frozenset(calls)


def _spaceless(text: str) -> str:
    return re.sub(r"\s", "", text)


def _is_distinctive(literal: str) -> bool:
    number = re.fullmatch(r"-?[\d.]+", literal)
    return len(literal) >= (LONG_NUMBER if number else DISTINCTIVE) and not _is_common(literal)


def _is_common(literal: str) -> bool:
    """An alphabet, a word of Python's, a round number, or a count from 0 or 1 on."""
    inner = literal[1:-1]
    first = int(inner[0]) if inner[:1] in {"0", "1"} else None
    return (
        inner in _ALPHABETS
        or iskeyword(inner)
        or re.fullmatch(r"-?\d0+(\.0)?", literal) is not None
        or (first is not None and inner == ",".join(map(str, range(first, first + inner.count(",") + 1))))
    )


_ALPHABETS = frozenset({string.ascii_lowercase, string.ascii_uppercase, string.ascii_letters, string.digits})


def _calls(tree: ast.Module) -> Iterator[str]:
    """The arguments of each call of the function under test in an assertion, where all of them are literals."""
    for call in _tested_calls(tree):
        if call.args and not call.keywords and all(map(_is_literal, call.args)):
            yield f"({', '.join(map(ast.unparse, call.args))})"


def _values(tree: ast.Module) -> Iterator[ast.expr]:
    for call in _tested_calls(tree):
        yield from filter(_is_literal, call.args)
    for node in ast.walk(tree):
        if isinstance(node, ast.Assert) and isinstance(node.test, ast.Compare):
            yield from filter(_is_literal, node.test.comparators)
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.List):
            # Tests that come as a table: one row of arguments for each call.
            rows = [row for row in node.value.elts if isinstance(row, ast.List)]
            yield from (value for row in rows for value in row.elts if _is_literal(value))


def _tested_calls(tree: ast.Module) -> Iterator[ast.Call]:
    for statement in ast.walk(tree):
        if isinstance(statement, ast.Assert):
            yield from (node for node in ast.walk(statement.test) if isinstance(node, ast.Call))


def _is_literal(node: ast.expr) -> bool:
    """A value written out, such as `[1, "a", -2.5]`; not a name."""
    try:
        ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return False
    return True
