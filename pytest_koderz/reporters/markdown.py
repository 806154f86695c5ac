"""What a run came to, as Markdown for a CI system, a pull request or a note."""

from __future__ import annotations

import re
from collections.abc import Sequence

from pytest_koderz.files.visible_text import visible

MOST_BYTES = 1 << 20
"""GitHub refuses a step's summary that is larger."""
CUT = "... cut here: a summary holds 1 MiB\n"


def section(heading: str, lines: Sequence[str]) -> str:
    """*lines* of the terminal under a heading, as they stand there."""
    return f"## {inline(heading)}\n\n{fenced(lines)}"


def fenced(lines: Sequence[str]) -> str:
    """*lines* as they stand in the terminal."""
    fence = _fence(lines)
    return "\n".join([f"{fence}text", *map(visible, lines), fence, ""])


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Cells are text: nothing in them is Markdown or HTML."""
    lines = [_row(head), _row(["---"] * len(head)), *(_row([inline(cell) for cell in row]) for row in rows)]
    return "\n".join([*lines, ""])


def inline(text: str) -> str:
    """*text* of models and files as text within a line, whatever it holds: no markup, link, mention or image."""
    line = " ".join(visible(text).split())
    return _MARKS.sub(lambda found: f"&#{ord(found[0])};", line)


_MARKS = re.compile(r"[\\`*_\[\]<>#|~@&$]|:(?=\S)|(?<=www)\.", re.IGNORECASE)
"""Of markup, mentions, references, formulas, emoji and addresses that are made links of."""


def cut(text: str, most: int = MOST_BYTES) -> str:
    """At most so many bytes; what is cut ends a line, closes what it cut open, and says so. Empty: there is no room."""
    whole = text.encode(errors="replace")
    if len(whole) <= most:
        return text
    room = most - len(CUT) - 80
    if room <= 0:
        return ""
    kept = whole[:room].decode(errors="ignore").rpartition("\n")[0]
    return f"{kept}\n{_closing(kept)}\n{CUT}"


def _closing(kept: str) -> str:
    """The fence that is open at the end of *kept*; empty where none is."""
    fence = ""
    for line in kept.splitlines():
        if not fence and line.startswith("```"):
            fence = line.rstrip("abcdefghijklmnopqrstuvwxyz")
        elif fence and line == fence:
            fence = ""
    return fence[:70]


def _fence(lines: Sequence[str]) -> str:
    """Longer than any run of backticks in *lines*."""
    fence = "```"
    while any(fence in line for line in lines):
        fence += "`"
    return fence


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
