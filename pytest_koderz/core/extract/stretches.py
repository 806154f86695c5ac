"""The part of a text that is a program."""

from __future__ import annotations

import ast
import re
from itertools import takewhile

from pytest_koderz.core.syntax import parse, parse_or_line

LONGEST = 30_000
"""Characters that are read of one piece of a reply, and half of what is read in all. No honest answer is longer."""

TRIES = 20
"""How often a text is cut or searched again before it is taken as it is."""


def whole(source: str) -> tuple[str, ast.Module | None]:
    return source, parse(source)


def longest_program(source: str) -> tuple[str, ast.Module | None]:
    """The program without its end, from the top-level statement that is no Python; no tree where nothing is left."""
    for _ in range(TRIES):
        tree, line = parse_or_line(source)
        if tree is not None:
            return source, tree
        lines = source.split("\n")
        if line > len(lines):
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


START = re.compile(
    r"[ \t]*(?:@\w|(?:async\s+)?def\s+\w+\s*[(\[]|class\s+\w+\s*[:(\[]|import\s+\w|from\s+[\w.]+\s+import\s+[\w*(]"
    r"|[A-Z][A-Z0-9_]*(?:\s*:[^=\n]+)?\s*=[^=\n])"
)
"""A definition, an import or a constant, which may stand above what uses it."""


def inside(lines: list[str]) -> str:
    """The first lines that are at least as far in as the first one, moved to the left edge."""
    edge = len(lines[0]) - len(lines[0].lstrip())
    return "\n".join(line[edge:] for line in takewhile(lambda line: not line[:edge].strip(), lines))
