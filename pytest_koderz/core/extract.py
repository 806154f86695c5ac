"""The code in a model's reply, as a whole module."""

from __future__ import annotations

import ast
import builtins
from contextlib import suppress
from dataclasses import dataclass

from .iteration import Candidate
from .problem import Problem
from .programs import Level, Program, programs_of
from .syntax import DEFINING, UNREADABLE, bound, owner_of, parse, used

_MOST = 500
"""Statements at module level up to which a program is finished; each is followed through all others."""


def candidate_of(reply_text: str, problem: Problem) -> Candidate | None:
    """The answer in *reply_text*, completed to a module from the problem's prompt; None where there is no code.

    It never raises. What cannot be mended is handed on as it stands, so that the judge names what is wrong with it.
    Usage examples at module level are left out.
    """
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


def _finished(program: Program, tree: ast.Module, others: list[ast.Module | None], problem: Problem) -> str:
    """The program with what it needs from the prompt and the reply's other pieces, without usage examples."""
    statements = [_Statement(node, bound(node), used([node])) for node in tree.body]
    owner = owner_of(problem.entry_point, tree) if program.level is Level.METHOD else None
    root = owner.name if owner else problem.entry_point
    usage = _usage(statements, root)
    kept = [statement for statement in statements if statement not in usage]
    sources = [source for source in (parse(problem.preamble), *others) if source is not None]
    finished = _assembled(program.source, kept, usage, _needed(kept, sources, root))
    return f"{finished}\n\n{_forwarding(owner, problem.entry_point)}" if owner else finished


@dataclass(frozen=True, slots=True, eq=False)
class _Statement:
    """A statement at module level, and the names it has to do with there."""

    node: ast.stmt
    binds: set[str]
    uses: set[str]


def _needed(kept: list[_Statement], sources: list[ast.Module], root: str) -> list[ast.stmt]:
    """The statements of *sources* that bind what *kept* uses and nothing binds, and what these use in turn."""
    found: list[ast.stmt] = []
    have = {name for statement in kept for name in statement.binds} | set(dir(builtins)) | {root}
    wanted = {name for statement in kept for name in statement.uses} - have
    for tree in sources if wanted else ():
        for node in reversed(tree.body):
            star = isinstance(node, ast.ImportFrom) and node.names[0].name == "*"
            if star or (isinstance(node, _SUPPLYING) and bound(node) & wanted):
                found.insert(0, node)
                have |= bound(node)
                wanted = (wanted | used([node])) - have
    return found


_SUPPLYING = (*DEFINING, ast.Assign, ast.AnnAssign)


def _forwarding(owner: ast.ClassDef, name: str) -> str:
    return f"def {name}(*args, **kwargs):\n    return {owner.name}().{name}(*args, **kwargs)\n"


def _assembled(source: str, kept: list[_Statement], dropped: list[_Statement], needed: list[ast.stmt]) -> str:
    """The source without the lines of *dropped*, after what is needed; `from __future__` still comes first."""
    lines = source.split("\n")
    gone = _lines(dropped)
    if gone & _lines(kept):
        gone = set()
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


# --- usage examples


def _usage(statements: list[_Statement], root: str) -> list[_Statement]:
    """The top-level statements that only try the functions out, so that nothing misses them."""
    live = _reached({root}, statements)
    return [
        statement
        for statement in statements
        if not isinstance(statement.node, DEFINING)
        and not statement.binds & live
        and _tries_out(statement, _reached(statement.uses, statements), root)
    ]


def _reached(names: set[str], statements: list[_Statement]) -> set[str]:
    """*names* and all that the statements which bind them use, and so on."""
    reached = set(names)
    pending = list(statements)
    while True:
        found = [statement for statement in pending if statement.binds & reached]
        if not found:
            return reached
        pending = [statement for statement in pending if not statement.binds & reached]
        reached = reached.union(*(statement.uses for statement in found))


def _tries_out(statement: _Statement, reached: set[str], root: str) -> bool:
    node = statement.node
    if isinstance(node, ast.Assert) or "__name__" in statement.uses or _is_idle(node) or _is_print(node):
        return True
    # Other calls stay, whatever they do: they may fill a table that the functions read.
    return bool(reached & {root, "input", "doctest", "unittest", "pytest"})


_IDLE = (ast.Expr, ast.Name, ast.Constant, ast.List, ast.Tuple, ast.Compare, ast.cmpop, ast.expr_context)


def _is_idle(node: ast.stmt) -> bool:
    """Words, values and comparisons that nobody reads; texts may be documentation."""
    if isinstance(node, ast.AnnAssign):
        return node.value is None
    text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    return not text and all(isinstance(part, _IDLE) for part in ast.walk(node))


def _is_print(node: ast.stmt) -> bool:
    call = node.value if isinstance(node, ast.Expr) else None
    return isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "print"
