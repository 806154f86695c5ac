"""The programs in a model's reply, cut and completed where they are not whole."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, replace
from enum import IntEnum
from textwrap import dedent

from pytest_koderz.core.problem import Problem
from pytest_koderz.core.syntax import (
    DEFINING,
    UNREADABLE,
    bound,
    definition_of,
    is_remark,
    is_stub,
    owner_of,
    parse,
    parse_or_line,
    parse_part,
    used,
    within_texts,
)

from .pieces import Piece, marked_pieces, plain, running_text
from .stretches import LONGEST, START, TRIES, inside, longest_program, whole


class Level(IntEnum):
    """What a piece of the reply amounts to."""

    STATEMENTS = 1
    FUNCTIONS = 2
    """Of other names, or the entry point with nothing in it or imported."""
    BROKEN = 3
    """It is meant to define the entry point, but is not Python."""
    BODY = 4
    """It completes the prompt."""
    METHOD = 5
    """The entry point is a method of a class."""
    ANSWER = 6


@dataclass(frozen=True, slots=True)
class Program:
    """Code as it was found, cut or completed."""

    source: str
    tree: ast.Module | None
    """None: it is not Python."""
    level: Level
    weight: int
    """That of its piece."""


def programs_of(reply_text: str, problem: Problem) -> list[Program]:
    """What each piece of the reply amounts to; running text comes first, and only where no block holds an answer."""
    text = _without_cut_copy(plain(reply_text), problem)
    if len(text) <= LONGEST and (whole := _defining(text, 1, problem)):
        return [whole]
    programs = [program for piece in marked_pieces(text) for program in _read(piece, problem)]
    if all(program.level < Level.BODY for program in programs):
        return _read(running_text(text), problem) + programs
    return programs


def _without_cut_copy(text: str, problem: Problem) -> str:
    """The text without a definition at its end that repeats an earlier one, up to where the model was stopped."""
    prompt = problem.prompt.rstrip()
    seen = f"{prompt}\n{text}".rstrip()
    start = seen.rfind(f"\ndef {problem.entry_point}(")
    earlier = seen.find(seen[start:])
    # What only echoes the prompt stays.
    ends = earlier + len(seen) - start
    return seen[len(prompt) + 1 : start] + "\n" if earlier < start and ends > len(prompt) else text


def _read(piece: Piece, problem: Problem) -> list[Program]:
    """The programs in a piece: itself, a body that completes the prompt, or the stretches of it that are code."""
    text = dedent(piece.text).strip("\n")
    # What is Python as it stands stays as it is. Some models write an underscore as in Markdown.
    for source in dict.fromkeys((piece.text.strip("\n"), text, text.replace("\\_", "_"))):
        if program := _defining(source, piece.weight, problem):
            return [program]
    completed = _completed(piece, problem)
    return [completed] if completed else _stretches(text, piece.weight, problem) or _statements(text, piece.weight)


def _defining(source: str, weight: int, problem: Problem) -> Program | None:
    """The source as a program, where it compiles and defines something."""
    tree = parse(source)
    level = _level(tree, problem.entry_point) if tree else Level.STATEMENTS
    return Program(source, tree, level, weight) if level is not Level.STATEMENTS else None


def _level(tree: ast.Module, name: str) -> Level:
    definitions = [node for node in tree.body if name in bound(node)]
    # An import of the entry point is most often a test's.
    if any(not is_stub(node) and not isinstance(node, ast.Import | ast.ImportFrom) for node in definitions):
        return Level.ANSWER
    if owner_of(name, tree) is not None:
        return Level.METHOD
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    others = any(isinstance(node, kinds) for node in tree.body)
    return Level.FUNCTIONS if others or definitions else Level.STATEMENTS


def _statements(text: str, weight: int) -> list[Program]:
    """Code without any definition, where it is marked as code; a word or a number is none."""
    tree = parse(text) if weight >= 0 else None
    if tree is None or all(is_remark(node) for node in tree.body):
        return []
    return [Program(text, tree, Level.STATEMENTS, weight)]


# --- a body that completes the prompt

_Function = ast.FunctionDef | ast.AsyncFunctionDef


def _completed(piece: Piece, problem: Problem) -> Program | None:
    """Prompt and body together, where the piece is the body of the entry point."""
    head, name = problem.prompt.rstrip(), problem.entry_point
    body = piece.text.strip("\n").rstrip()
    function = _head_of(head, name)
    if function is None or not body or not _is_body(body, function):
        return None
    shapes = _shapes(body, _edge_of(function, head))
    for read in (whole, longest_program):
        for shape in shapes:
            source, tree = read(f"{head}\n{shape}\n")
            if tree is not None and _grew(tree, head, name):
                return Program(source, tree, Level.BODY, piece.weight)
    return None


def _head_of(prompt: str, name: str) -> _Function | None:
    """The function that the prompt begins."""
    tree = parse(prompt) or parse(prompt + "\n    pass")
    node = definition_of(name, tree) if tree else None
    return node if isinstance(node, _Function) else None


def _edge_of(function: _Function, prompt: str) -> str:
    """How far the prompt sets in the function's body."""
    lines = prompt.split("\n")
    first = function.body[0].lineno
    return _margin(lines[first - 1]) or "    " if first <= len(lines) else "    "


def _margin(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]


def _shapes(body: str, edge: str) -> list[str]:
    """A body as a model continues the prompt, as a client strips that, and as a block of its own, set in by *edge*."""
    margins = {_margin(line) for line in body.split("\n")[1:] if line.strip()} - {""}
    # Some of the lines may stand within a string, or be prose.
    stripped = [margin + body.lstrip() for margin in dict.fromkeys([edge, *sorted(margins, key=len)[:_MARGINS]])]
    return list(dict.fromkeys([body, *stripped, *(_set_in(source, edge) for source in (body, *stripped))]))


_MARGINS = 4
"""The least margins of a body's lines that its first line may have had."""


def _set_in(body: str, edge: str) -> str:
    """The body moved to *edge*; the lines within its strings, and what is no part of it, stay as they are."""
    margin, lines = _margin(body), body.split("\n")
    kept = _within_texts([line.removeprefix(margin) for line in lines])
    return "\n".join(
        edge + line.removeprefix(margin) if line.strip() and line.startswith(margin) and number not in kept else line
        for number, line in enumerate(lines, 1)
    )


def _within_texts(lines: list[str]) -> set[int]:
    """The lines within strings, up to the last line that is Python."""
    for _ in range(_MARGINS):
        source = "\n".join(lines)
        tree = parse_part(source)
        if tree is not None:
            return within_texts(tree)
        lines = lines[: max(parse_or_line(source)[1] - 1, 0)]
    return set()


def _is_body(body: str, function: _Function) -> bool:
    """Whether *body* is the function's; not where it can be a program of its own as well."""
    tree = parse(dedent(body))
    if tree is None:
        return True
    try:
        loaded = used(tree.body)
    except UNREADABLE:
        return False
    parameters = {node.arg for node in ast.walk(function.args) if isinstance(node, ast.arg)}
    return function.name not in loaded and bool(loaded & parameters)


def _grew(tree: ast.Module, head: str, name: str) -> bool:
    """Whether the entry point that *head* begins got a body that does something."""
    last = head.count("\n") + 1
    begun = [node for node in tree.body if isinstance(node, _Function) and node.name == name and node.lineno <= last]
    return any(node.lineno > last and not isinstance(node, DEFINING) for part in begun for node in part.body)


def _stretches(text: str, weight: int, problem: Problem) -> list[Program]:
    """The parts of a mixed text that are code, each from a line that starts a definition or an import."""
    lines = text.split("\n")
    starts = [number for number, line in enumerate(lines) if START.match(line[:1000])]
    found: list[Program] = []
    done = 0
    for start in starts[:TRIES]:
        program = _stretch(lines[start:], weight, problem) if start >= done else None
        if program is not None:
            found.append(program)
            done = start + program.source.rstrip().count("\n") + 1
    if weight >= 0:
        # Of a block, all is handed on, so that what the judge says of its lines is true.
        return [replace(program, source=text) if program.level is Level.BROKEN else program for program in found]
    return found


def _stretch(lines: list[str], weight: int, problem: Problem) -> Program | None:
    """The program that starts with the first of *lines*; None where that is prose."""
    stretch = inside(lines)
    source, tree = longest_program(stretch)
    if tree is not None and source.strip():
        return Program(source, tree, _level(tree, problem.entry_point), weight)
    meant = rf"(?:@.*\n)*(?:async\s+)?def\s+{re.escape(problem.entry_point)}\s*\("
    return Program(stretch.rstrip(), None, Level.BROKEN, weight) if re.match(meant, stretch) else None
