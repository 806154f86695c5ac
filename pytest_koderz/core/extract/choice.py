"""The code in a model's reply, as a whole module."""

from __future__ import annotations

import ast
import builtins
from contextlib import suppress
from dataclasses import dataclass

from pytest_koderz.core.edits import parted
from pytest_koderz.core.iteration import Candidate
from pytest_koderz.core.problem import Problem
from pytest_koderz.core.syntax import DEFINING, UNREADABLE, bound, owner_of, parse, used

from .pieces import plain
from .programs import Level, Program, programs_of

_MOST = 500
"""Statements at module level up to which a program is finished; each is followed through all others."""


MOST_CHARACTERS = 1 << 20
"""Of a reply, which are looked through: more than any model's window holds, and a few seconds' work at the worst."""


def candidate_of(reply_text: str, problem: Problem) -> Candidate | None:
    """The answer in *reply_text*, completed to a module from the problem's prompt; None where there is no code.

    It never raises. What cannot be mended is handed on as it stands, so that the judge names what is wrong with it.
    Statements at module level that try the answer out are left out. What a reply says behind its first MOST_CHARACTERS
    is not looked at.
    """
    reply_text = reply_text[:MOST_CHARACTERS]
    if problem.place is not None:
        edits, rest = parted(plain(reply_text))
        if edits and not _answers(rest, problem):
            return Candidate(edits)
    programs = programs_of(reply_text, problem)
    # Of equals the last counts: models try and explain first, and correct themselves afterwards.
    chosen = max(reversed(programs), key=lambda program: (program.level, program.weight), default=None)
    if chosen is None or (chosen.level is Level.STATEMENTS and chosen.weight < 0):
        # Prose can hold a line such as `import this`.
        return None
    if chosen.tree is not None and chosen.level >= Level.BODY and len(chosen.tree.body) <= _MOST:
        others = [program.tree for program in programs if program is not chosen]
        with suppress(*UNREADABLE):
            return Candidate(_finished(chosen, chosen.tree, others, problem))
    return Candidate(chosen.source.strip("\n") + "\n")


def _answers(text: str, problem: Problem) -> bool:
    """Whether the function stands whole in what is no edit, as where a model shows the change and then the result."""
    return any(program.level >= Level.METHOD for program in programs_of(text, problem))


def _finished(program: Program, tree: ast.Module, others: list[ast.Module | None], problem: Problem) -> str:
    """The program with what it needs from the prompt and the reply's other pieces, without usage examples."""
    owner = owner_of(problem.entry_point, tree) if program.level is Level.METHOD else None
    root = owner.name if owner else problem.entry_point
    statements = [_Statement(node, bound(node), _looked_up(node)) for node in tree.body]
    trials = _trials(statements, root)
    kept = [statement for statement in statements if statement not in trials]
    needed = _needed(kept, [parse(problem.preamble), *others], root)
    finished = _assembled(program.source, kept, trials, needed)
    if owner is None or problem.place is not None:  # a method that has its place in a class is asked for as one
        return finished
    return f"{finished}\n\n{_forwarding(owner, problem.entry_point)}"


@dataclass(frozen=True, slots=True, eq=False)
class _Statement:
    """A statement at module level, and the names it has to do with there."""

    node: ast.stmt
    binds: set[str]
    uses: set[str]


def _looked_up(node: ast.stmt) -> set[str]:
    """What the statement uses; an assignment to the answer's own attribute, such as a cache, does not use it."""
    match node:
        case ast.Assign(value=value) | ast.AnnAssign(value=ast.expr() as value):
            return used([ast.Expr(value)])
    return used([node])


def _trials(statements: list[_Statement], root: str) -> list[_Statement]:
    """The statements that try the answer out, or end or feed the process; not what the answer itself is made of."""
    makers: dict[str, set[str]] = {}
    for statement in statements:
        for name in statement.binds:
            makers.setdefault(name, set()).update(statement.uses)
    answer = _reached({root}, makers)
    return [
        statement
        for statement in statements
        if not (isinstance(statement.node, DEFINING) or statement.binds & answer)
        and (_is_trial(statement.node) or _reached(statement.uses, makers) & {root, *_OUTWARD})
    ]


def _reached(names: set[str], makers: dict[str, set[str]]) -> set[str]:
    """*names* and all that the statements which bind them use, and so on."""
    reached = set(names)
    pending = list(names)
    while pending:
        new = makers.get(pending.pop(), set()) - reached
        pending += new
        reached |= new
    return reached


_OUTWARD = frozenset({"input", "open", "doctest", "unittest", "pytest", "exit", "quit", "SystemExit"})
"""What reads from outside, runs tests or ends the process."""


def _is_trial(node: ast.stmt) -> bool:
    """An assertion, or a word such as the `[DONE]` that ends MBPP's examples."""
    word = isinstance(node, ast.Expr) and isinstance(node.value, ast.Name | ast.List)
    return word or isinstance(node, ast.Assert)


def _needed(kept: list[_Statement], sources: list[ast.Module | None], root: str) -> list[ast.stmt]:
    """The statements of *sources* that bind what *kept* uses and nothing binds, and what these use in turn."""
    have = {name for statement in kept for name in statement.binds} | set(dir(builtins)) | {root}
    pending = list({name for statement in kept for name in used([statement.node])} - have)
    if not pending:
        return []
    nodes = [node for tree in reversed(sources) if tree for node in tree.body if isinstance(node, _SUPPLYING)]
    makers = {name: node for node in nodes for name in bound(node)}
    found: set[ast.stmt] = set()
    while pending:
        name = pending.pop()
        if name in makers and name not in have:
            found.add(makers[name])
            have |= bound(makers[name])
            pending += used([makers[name]]) - have
    return [node for node in nodes if node in found]


_SUPPLYING = (*DEFINING, ast.Assign, ast.AnnAssign)


def _forwarding(owner: ast.ClassDef, name: str) -> str:
    return f"def {name}(*args, **kwargs):\n    return {owner.name}().{name}(*args, **kwargs)\n"


def _assembled(source: str, kept: list[_Statement], dropped: list[_Statement], needed: list[ast.stmt]) -> str:
    """The source without the lines of *dropped*, after what is needed; `from __future__` still comes first."""
    lines = source.split("\n")
    gone = _lines(dropped) - _lines(kept)
    cut = max(_lines([statement for statement in kept if _is_future(statement.node)]), default=0)
    rest = [line for number, line in enumerate(lines[cut:], cut + 1) if number not in gone]
    added = [*map(ast.unparse, needed), ""] if needed else []
    return "\n".join([*lines[:cut], *added, *rest]).strip("\n").rstrip() + "\n"


def _lines(statements: list[_Statement]) -> set[int]:
    """The numbers of their lines, counted from 1."""
    nodes = [statement.node for statement in statements]
    return {line for node in nodes for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)}


def _is_future(node: ast.stmt) -> bool:
    return isinstance(node, ast.ImportFrom) and node.module == "__future__"
