"""The code in a model's reply, as a whole module."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

from pytest_koderz.core.iteration import Candidate
from pytest_koderz.core.problem import Problem
from pytest_koderz.core.syntax import (
    DEFINING,
    UNREADABLE,
    bound,
    declared_global,
    dotted,
    handed_over,
    is_foreign,
    is_stub,
    owner_of,
    parse,
    stored_in,
    used,
)

from .programs import Level, Program, programs_of

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
    if chosen.tree is not None and chosen.level >= Level.OUTLINE and len(chosen.tree.body) <= _MOST:
        others = [program.tree for program in programs if program is not chosen]
        with suppress(*UNREADABLE):
            return Candidate(_finished(chosen, chosen.tree, others, problem))
    return Candidate(chosen.source.strip("\n") + "\n")


def _finished(program: Program, tree: ast.Module, others: list[ast.Module | None], problem: Problem) -> str:
    """The program with what it needs from the prompt and the reply's other pieces, without usage examples."""
    owner = owner_of(problem.entry_point, tree) if program.level is Level.METHOD else None
    root = owner.name if owner else problem.entry_point
    sources = [source for source in (parse(problem.preamble), *others) if source is not None]
    supplied = {name for source in sources for node in source.body if _is_supply(node) for name in bound(node)}
    statements = [_statement(node) for node in tree.body]
    foreign = [statement for statement in statements if is_foreign(statement.node, problem.requires)]
    usage = _usage(statements, foreign, root, supplied)
    kept = [statement for statement in statements if statement not in usage]
    finished = _assembled(program.source, kept, usage, _needed(kept, sources, root, supplied))
    return f"{finished}\n\n{_forwarding(owner, problem.entry_point)}" if owner else finished


@dataclass(frozen=True, slots=True, eq=False)
class _Statement:
    """A statement at module level, and the names it has to do with there."""

    node: ast.stmt
    binds: set[str]
    uses: set[str]
    stores: set[str]
    """What it surely changes in place, at once or when called."""
    hands: set[str]
    """What it may change in place, unless that is a function or a module."""


_Makers = dict[str, list[_Statement]]
"""By each name the statements that bind it."""


def _statement(node: ast.stmt) -> _Statement:
    uses = used([node])
    stores = (stored_in(node) & uses) | declared_global(node)
    return _Statement(node, bound(node), uses | dotted(node), stores, handed_over(node) & uses)


def _is_supply(node: ast.stmt) -> bool:
    """Whether a name of the reply's other pieces is made there."""
    return isinstance(node, _SUPPLYING) and not isinstance(node, ast.Import | ast.ImportFrom) and not is_stub(node)


def _needed(kept: list[_Statement], sources: list[ast.Module], root: str, supplied: set[str]) -> list[ast.stmt]:
    """The statements of *sources* that bind what *kept* uses and nothing binds, and what these use in turn."""
    have = {name for statement in kept for name in statement.binds} | set(dir(builtins)) | {root}
    pending = list({name for statement in kept for name in statement.uses} - have)
    if not pending:
        return []
    nodes = [node for tree in reversed(sources) for node in tree.body if _supplies(node, supplied)]
    makers = {name: node for node in nodes for name in bound(node)}
    found = {node for node in nodes if _is_star(node)}
    while pending:
        name = pending.pop()
        if name in makers and name not in have:
            found.add(makers[name])
            have |= bound(makers[name])
            pending += used([makers[name]]) - have
    return [node for node in nodes if node in found]


def _supplies(node: ast.stmt, supplied: set[str]) -> bool:
    """Whether a name may be taken from the statement; not from an unknown module where it is made elsewhere."""
    return isinstance(node, _SUPPLYING) and not (is_foreign(node) and bound(node) <= supplied)


def _is_star(node: ast.stmt) -> bool:
    return isinstance(node, ast.ImportFrom) and node.names[0].name == "*"


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
    return {line for node in nodes for line in range(_first_line(node), (node.end_lineno or node.lineno) + 1)}


def _first_line(node: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(decorator.lineno for decorator in decorators)])


def _is_future(node: ast.stmt) -> bool:
    return isinstance(node, ast.ImportFrom) and node.module == "__future__"


# --- usage examples


def _usage(statements: list[_Statement], foreign: list[_Statement], root: str, supplied: set[str]) -> list[_Statement]:
    """The top-level statements that only try the functions out, so that nothing misses them.

    *foreign* imports of what is not read or made elsewhere are left out as well, and stubs of what the prompt or the
    reply's other pieces have *supplied*.
    """
    makers = _makers(statements)
    needed, live = _live(statements, makers, root)
    made = supplied.union(*(statement.binds for statement in statements if statement not in foreign))
    idle = [statement for statement in foreign if statement.binds & live <= made] + _idle_stubs(statements, supplied)
    here = {name for statement in statements if statement not in idle for name in statement.binds}
    missing = {name for statement in idle for name in statement.binds} - here - supplied
    return [
        statement
        for statement in statements
        if statement in idle
        or (statement not in needed and _is_spare(statement, _reached(statement.uses, makers), root, missing))
    ]


def _live(statements: list[_Statement], makers: _Makers, root: str) -> tuple[list[_Statement], set[str]]:
    """The statements that bind or change what the answer reads, and the names it reads."""
    live = _reached({root}, makers)
    others = _makers(statement for statement in statements if not statement.binds & live)
    defined = {name for statement in statements if isinstance(statement.node, DEFINING) for name in statement.binds}
    effects = {statement: _effects(statement, others, defined) for statement in statements if _may_change(statement)}
    while True:
        changing = [statement for statement, changed in effects.items() if changed & live]
        grown = _reached(live.union(*(statement.uses - statement.binds for statement in changing)), makers)
        if grown == live:
            return [statement for statement in statements if statement.binds & live] + changing, live
        live = grown


def _may_change(statement: _Statement) -> bool:
    return not isinstance(statement.node, DEFINING) and not _is_trial(statement)


def _effects(statement: _Statement, makers: _Makers, defined: set[str]) -> set[str]:
    """The names that the statement changes in place, itself or by what it calls of *makers*.

    What the answer's own functions change is none: to call them is to try them out.
    """
    called = [maker for name in _reached(statement.uses, makers) for maker in makers.get(name, ())]
    return set[str]().union(*(actor.stores | (actor.hands - defined) for actor in (statement, *called)))


def _idle_stubs(statements: list[_Statement], supplied: set[str]) -> list[_Statement]:
    """Stubs of functions that stand above, or else only in the prompt or another piece of the reply."""
    stubs = [statement for statement in statements if is_stub(statement.node)]
    above: set[str] = set()
    hiding: list[_Statement] = []
    whole = {name for statement in statements if statement not in stubs for name in statement.binds}
    for statement in statements:
        if _is_supply(statement.node):
            above |= statement.binds
        elif statement in stubs and statement.binds <= above | (supplied - whole):
            hiding.append(statement)
    return hiding


def _makers(statements: Iterable[_Statement]) -> _Makers:
    makers: _Makers = {}
    for statement in statements:
        for name in statement.binds:
            makers.setdefault(name, []).append(statement)
    return makers


def _reached(names: set[str], makers: _Makers) -> set[str]:
    """*names* and all that the statements which bind them use, and so on."""
    reached = set(names)
    pending = list(names)
    while pending:
        for maker in makers.get(pending.pop(), ()):
            pending += maker.uses - reached
            reached |= maker.uses
    return reached


def _is_spare(statement: _Statement, reached: set[str], root: str, missing: set[str]) -> bool:
    """Whether a statement that the answer does not need does harm; other calls stay, whatever they do."""
    if reached & missing:
        return True
    return not isinstance(statement.node, DEFINING) and (_is_trial(statement) or bool(reached & {root, *_OUTWARD}))


_OUTWARD = frozenset({"input", "open", "sys.stdin", "doctest", "unittest", "pytest"}) | {
    *("exit", "quit", "sys.exit", "SystemExit")
}
"""What reads from outside, runs tests or ends the process."""


def _is_trial(statement: _Statement) -> bool:
    node = statement.node
    return isinstance(node, ast.Assert) or "__name__" in statement.uses or _is_idle(node) or _is_print(node)


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
