"""The programs in a model's reply, mended where they are broken."""

from __future__ import annotations

import ast
import html
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import IntEnum
from itertools import takewhile
from textwrap import dedent, indent

from pytest_koderz.core.problem import Problem
from pytest_koderz.core.syntax import (
    DEFINING,
    UNREADABLE,
    bound,
    definition_of,
    is_foreign,
    is_outline,
    is_remark,
    is_stub,
    owner_of,
    parse,
    parse_or_line,
    used,
)

from .pieces import LONGEST, Piece, marked_pieces, plain, unmarked_pieces


class Level(IntEnum):
    """What a piece of the reply amounts to."""

    STATEMENTS = 1
    SNIPPET = 2
    """It would do as a body of the entry point, though nothing is returned."""
    FUNCTIONS = 3
    """Of other names, or the entry point with nothing in it or from an unknown module."""
    BROKEN = 4
    """It is meant to define the entry point, but is not Python."""
    OUTLINE = 5
    """The entry point with `...` for some of its code."""
    IMPORTED = 6
    """The entry point is a function of the standard library."""
    BODY = 7
    """It completes the prompt."""
    METHOD = 8
    """The entry point is a method of a class."""
    ANSWER = 9


@dataclass(frozen=True, slots=True)
class Program:
    """Code as it was found, mended or completed."""

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
        return [program for piece in unmarked_pieces(text) for program in _read(piece, problem)] + programs
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
    for mended in _mended(text):
        if program := _defining(mended, piece.weight, problem):
            return [program]
    if wrapped := _wrapped(text, piece.weight):
        return [program for inner in wrapped for program in _read(inner, problem)]
    completed = _completed(piece, problem)
    return [completed] if completed else _stretches(text, piece.weight, problem) or _statements(text, piece.weight)


def _defining(source: str, weight: int, problem: Problem) -> Program | None:
    """The source as a program, where it compiles and defines something."""
    tree = parse(source)
    level = _level(source, tree, problem.entry_point) if tree else Level.STATEMENTS
    return Program(source, tree, level, weight) if level is not Level.STATEMENTS else None


def _level(source: str, tree: ast.Module, name: str) -> Level:
    definitions = [node for node in tree.body if name in bound(node)]
    whole = [node for node in definitions if not is_stub(node) and not is_foreign(node)]
    if whole:
        return Level.OUTLINE if _OMISSION.search(source) else _level_of_definition(whole[-1])
    if owner_of(name, tree) is not None:
        return Level.METHOD
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    others = any(isinstance(node, kinds) for node in tree.body)
    # An import of the entry point from elsewhere is most often a test's.
    return Level.FUNCTIONS if others or definitions else Level.STATEMENTS


_OMISSION = re.compile(r"^[ \t]+# ?(?:\.\.\.|\u2026)", re.MULTILINE)
"""A comment that stands for code."""


def _level_of_definition(node: ast.stmt) -> Level:
    if is_outline(node):
        return Level.OUTLINE
    return Level.IMPORTED if isinstance(node, ast.Import | ast.ImportFrom) else Level.ANSWER


def _wrapped(text: str, weight: int) -> list[Piece]:
    """The texts in JSON, as models asked for JSON write them; they may leave line ends as they are."""
    if not text.lstrip().startswith(("{", "[", '"')):
        return []
    try:
        values = json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return []
    # No JSON within the texts, which ends the search.
    texts = [value for value in _texts(values) if not value.lstrip().startswith(("{", "["))]
    return [Piece(value, weight) for value in texts[:_TRIES]]


def _texts(value: object) -> Iterator[str]:
    """The texts in a JSON value, in order."""
    pending = [value]
    while pending:
        match pending.pop():
            case str(text):
                yield text
            case dict(items):
                pending += reversed(items.values())
            case list(items):
                pending += reversed(items)


def _statements(text: str, weight: int) -> list[Program]:
    """Code without any definition, where it is marked as code; a word or a number is none."""
    tree = parse(text) if weight >= 0 else None
    if tree is None or all(is_remark(node) for node in tree.body):
        return []
    return [Program(text, tree, Level.STATEMENTS, weight)]


# --- what editors, chat windows and markup do to code


def _mended(text: str) -> Iterator[str]:
    """The text as it stands, then with what was done to it undone, one after the other."""
    yield text
    for mend in _MENDS:
        changed = mend(text)
        if changed != text:
            text = changed
            yield text


_INVISIBLE = {ord(char): None for char in "\u200b\u200c\u200d\u2060\ufeff\u00ad"} | {
    ord(char): " " for char in "\u00a0\u2002\u2003\u2007\u2009\u202f\u3000"
}
_QUOTES = str.maketrans("\u201c\u201d\u201e\u2018\u2019\u201b", "\"\"\"'''")
_TYPED = re.compile(r"[ \t]*(?:>>>|\.\.\.:?|In \[\d+\]:)(?: |$)")
_TYPED_DEFINITION = re.compile(r"^[ \t]*(?:>>>|In \[\d+\]:) (?:@|(?:async )?def |class )", re.MULTILINE)


def _without_prompts(text: str) -> str:
    """The input of an interactive session in which something was defined."""
    if not _TYPED_DEFINITION.search(text):
        return text
    return "\n".join(line[match.end() :] for line in text.split("\n") if (match := _TYPED.match(line)))


_WRAPPING = re.compile(r"\A\s*(?:<code[^<>\n]*>|<!\[CDATA\[|`)|(?:</code>|\]\]>|`)\s*\Z")


def _without_numbers(text: str) -> str:
    """The lines without their numbers, where each has one."""
    numbers = [_NUMBER.match(line) for line in text.split("\n")]
    return dedent("\n".join(number.string[number.end() :] for number in numbers if number)) if all(numbers) else text


_NUMBER = re.compile(r"[ \t]*\d+(?:[.:|)]|[ \t]+\|)?(?=\s|$)")


def _patched(text: str) -> str:
    """What a difference between two files leaves of the lines that it shows."""
    lines = [line for line in text.split("\n") if not _PATCH_HEAD.match(line)]
    if not any(line[:1] == "+" for line in lines) or not all(line[:1] in "+- " for line in lines):
        return text
    return "\n".join(line[1:] for line in lines if line[:1] != "-")


_PATCH_HEAD = re.compile(r"(?:diff|index|---|\+\+\+|@@|\\) ")

_MENDS: tuple[Callable[[str], str], ...] = (
    lambda text: text.translate(_INVISIBLE),
    _patched,
    lambda text: text.expandtabs(4),
    _without_prompts,
    _without_numbers,
    lambda text: _WRAPPING.sub("", text).strip("\n"),
    html.unescape,
    lambda text: text.translate(_QUOTES),
    lambda text: re.sub(r"\\([_*])", r"\1", text),
    lambda text: text if "\n" in text else text.replace("\\n", "\n").replace('\\"', '"'),
)


# --- a body that completes the prompt

_Function = ast.FunctionDef | ast.AsyncFunctionDef


def _completed(piece: Piece, problem: Problem) -> Program | None:
    """Prompt and body together, where the piece is the body of the entry point."""
    head, name = problem.prompt.rstrip(), problem.entry_point
    body = piece.text.translate(_INVISIBLE).expandtabs(4).strip("\n").rstrip()
    function = _head_of(head, name)
    if function is None or not body or _begins_anew(body, name):
        return None
    level = _level_of_body(body, function)
    if level is None:
        return None
    # As a model continues the prompt; as a client strips that; as a block of its own; after a few words.
    shapes = (body, "    " + body.lstrip(), indent(dedent(body), "    "), *_indented_part(body))
    for read in (_whole, _longest):
        for shape in shapes:
            source, tree = read(f"{head}\n{shape}\n")
            if tree is not None and _grew(tree, head, name):
                return Program(source, tree, level, piece.weight)
    return None


def _head_of(prompt: str, name: str) -> _Function | None:
    """The function that the prompt begins."""
    tree = parse(prompt) or parse(prompt + "\n    pass")
    node = definition_of(name, tree) if tree else None
    return node if isinstance(node, _Function) else None


def _begins_anew(body: str, name: str) -> bool:
    """Whether the entry point is defined in *body*; a model that goes on with the prompt may do so at the end."""
    edge = r"[ \t]+" if body[0].isspace() else r"[ \t]*"
    return re.search(rf"^{edge}(?:async\s+)?def\s+{re.escape(name)}\b", body, re.MULTILINE) is not None


def _level_of_body(body: str, function: _Function) -> Level | None:
    """What *body* amounts to, taken as the function's; None where it can be a program of its own as well."""
    tree = parse(dedent(body))
    if tree is None:
        return Level.BODY
    try:
        loaded = used(tree.body)
    except UNREADABLE:
        return None
    parameters = {node.arg for node in ast.walk(function.args) if isinstance(node, ast.arg)}
    if function.name in loaded or not loaded & parameters:
        return None
    return Level.BODY if body[0].isspace() else Level.SNIPPET


def _indented_part(text: str) -> list[str]:
    """What begins with the first indented line after an empty one or a colon: a body after some prose."""
    start = re.search(r"(?:\n[ \t]*|:[*]*)\n(?=[ \t]+\S)", text)
    if start is None or text[0].isspace() or _starts(text[: start.end()].split("\n")):
        return []
    return [text[start.end() :]]


def _grew(tree: ast.Module, head: str, name: str) -> bool:
    """Whether the entry point that *head* begins got a body that does something."""
    last = head.count("\n") + 1
    begun = [node for node in tree.body if isinstance(node, _Function) and node.name == name and node.lineno <= last]
    return any(
        node.lineno > last and not isinstance(node, DEFINING) and not is_remark(node)
        for function in begun
        for node in function.body
    )


# --- the part of a text that is a program

_TRIES = 20
"""How often a text is cut or searched again before it is taken as it is."""
# The rest of a function whose indentation was lost: without it the function would only look whole.
_STRAY = re.compile(r"(?:return|yield)\b(?! (?:the|a|an|type|value)\b)|(?:else|finally|try)\s*:|(?:elif|except)\b.*:")


def _whole(source: str) -> tuple[str, ast.Module | None]:
    return source, parse(source)


def _longest(source: str) -> tuple[str, ast.Module | None]:
    """The program without its end, from the top-level statement that is no Python; no tree where nothing is left."""
    for _ in range(_TRIES):
        tree, line = parse_or_line(source)
        if tree is not None:
            return source, tree
        lines = source.split("\n")
        if line > len(lines) or (line and _STRAY.match(lines[line - 1])):
            break
        while line > 1 and _continues(lines, line):
            line -= 1
        if line < 2:
            break
        source = "\n".join(lines[: line - 1]).rstrip() + "\n"
    return source, None


def _continues(lines: list[str], line: int) -> bool:
    """Whether a line, counted from 1, belongs to a statement that starts above it."""
    text = lines[line - 1]
    return not text.strip() or text[0] in " \t)]}" or lines[line - 2].startswith("@")


# Prose begins with "import" and "from" as well, so a line of imports must be one to its end.
_NAMES = r"[\w.]+(?:\s+as\s+\w+)?(?:\s*,\s*[\w.]+(?:\s+as\s+\w+)?)*"
_START = re.compile(
    rf"[ \t]*(?:@\w|(?:async\s+)?def\s+\w+\s*[(\[]|class\s+\w+\s*[:(\[]|\w+\s*=\s*lambda\b"
    rf"|(?:import\s+{_NAMES}|from\s+[\w.]+\s+import\s+(?:\*|\(.*|{_NAMES}))\s*(?:[;#].*)?$)"
)


_ANNOUNCED = re.compile(
    r"^[ \t*]*[A-Za-z ]{1,30}:[*]*[ \t]+(?=(?:async\s+)?def\s+\w+\s*\(|(?:class|import|from)\s+\w|@\w)", re.MULTILINE
)
"""Words on the line where code starts, such as `Answer:`."""


def _stretches(text: str, weight: int, problem: Problem) -> list[Program]:
    """The parts of a mixed text that are code, each from a line that starts a definition or an import."""
    lines = _ANNOUNCED.sub("", text.translate(_INVISIBLE)).split("\n")
    starts = _starts(lines)
    found: list[Program] = []
    done = 0
    for start in starts[:_TRIES]:
        program = _stretch(lines[start:], weight, problem) if start >= done else None
        if program is not None:
            found.append(program)
            done = start + program.source.rstrip().count("\n") + 1
    if weight >= 0:
        # Of a block, all is handed on, so that what the judge says of its lines is true.
        return [replace(program, source=text) if program.level is Level.BROKEN else program for program in found]
    return found


def _starts(lines: list[str]) -> list[int]:
    """Where code starts, among prose, counted from 0."""
    return [number for number, line in enumerate(lines) if _START.match(line[:1000])]


def _stretch(lines: list[str], weight: int, problem: Problem) -> Program | None:
    """The program that starts with the first of *lines*; None where that is prose."""
    inside = _inside(lines)
    source, tree = _longest(inside)
    if tree is not None and source.strip():
        return Program(source, tree, _level(source, tree, problem.entry_point), weight)
    meant = rf"(?:@.*\n)*(?:async\s+)?def\s+{re.escape(problem.entry_point)}\s*\("
    return Program(inside.rstrip(), None, Level.BROKEN, weight) if re.match(meant, inside) else None


def _inside(lines: list[str]) -> str:
    """The first lines that are at least as far in as the first one, moved to the left edge."""
    edge = len(lines[0]) - len(lines[0].lstrip())
    return "\n".join(line[edge:] for line in takewhile(lambda line: not line[:edge].strip(), lines))
