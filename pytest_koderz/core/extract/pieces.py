"""The parts of a model's reply that may be code, as tags and fences mark them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from .program_texts import outside_programs
from .special_tokens import said_in
from .stretches import LONGEST


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of the reply that may be code."""

    text: str
    weight: int
    """2: marked as the answer, 1: a block, 0: marked as something else, such as a trial run; -1: running text."""


def plain(reply_text: str) -> str:
    """The reply without its thinking and the conversation's own marks, and with one kind of line end.

    What nobody sees before a line's first letter, such as a byte order mark, is taken away: Python would not read it.
    """
    text = reply_text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")
    return said_in(text if text.isascii() else _UNSEEN.sub(r"\1", text))


_UNSEEN = re.compile("(^[ \t]*|>)[\ufeff\u200b\u200e\u200f\u2060]+", re.MULTILINE)


def marked_pieces(text: str) -> list[Piece]:
    """Tagged and fenced parts of a plain text, in order."""
    pieces: list[Piece] = []
    place = 0
    for start, end, piece in _tagged(text):
        pieces += _fenced(text[place:start], 1)
        pieces.append(piece)
        place = end
    return _last(pieces + _fenced(text[place:], 1))


def running_text(text: str) -> Piece:
    """A plain text as it stands, whose marks mark nothing."""
    return Piece(text[:LONGEST], -1)


def _last(pieces: list[Piece]) -> list[Piece]:
    """As many of the last pieces as may be read: a model that loops writes thousands."""
    kept: list[Piece] = []
    left = 2 * LONGEST
    for piece in reversed(pieces):
        if piece.text.strip():
            # A short piece costs something too.
            left -= max(100, len(piece.text[:LONGEST]))
            if left < 0:
                break
            kept.insert(0, Piece(piece.text[:LONGEST], piece.weight))
    return kept


# --- tags

_ANSWERS = frozenset({"solution", "answer", "final_answer"})
_TAG = re.compile(r"<(?P<close>/?)(?P<name>[A-Za-z]\w{1,20})(?: [^<>\n]{0,80})?>")


def _tagged(text: str) -> Iterator[tuple[int, int, Piece]]:
    """Start, end and content of each innermost section; a marked answer that is never closed runs to the end."""
    opened: re.Match[str] | None = None
    tags = outside_programs(text, list(_TAG.finditer(text)))
    closed = {_name(tag) for tag in tags if tag["close"]}
    for tag in tags:
        if tag["close"]:
            if opened is not None and _name(tag) == _name(opened):
                yield opened.start(), tag.start(), Piece(text[opened.end() : tag.start()], _weight(opened))
                opened = None
        elif _weight(tag) or (_name(tag) in closed and _starts_line(tag)):
            # Programs hold `<words>` in their texts, which nothing closes.
            opened = tag
    if opened is not None and _weight(opened):
        yield opened.start(), len(text), Piece(text[opened.end() :], 2)


def _name(tag: re.Match[str]) -> str:
    return tag["name"].lower()


def _weight(tag: re.Match[str]) -> int:
    return 2 if _name(tag) in _ANSWERS else 0


def _starts_line(tag: re.Match[str]) -> bool:
    line = tag.string.rfind("\n", 0, tag.start()) + 1
    return _SPACE.fullmatch(tag.string, line, tag.start()) is not None


_SPACE = re.compile(r"\s*")

# --- fences

_FENCE = re.compile(r"^[ \t]*(?P<mark>`{3,})")


def _fenced(text: str, weight: int) -> list[Piece]:
    """The contents of Markdown fences, which may end on the last line of code; one that is never closed runs on."""
    blocks: list[list[str]] = []
    mark = ""
    for line in text.split("\n"):
        fence = _FENCE.match(line)
        if fence and not mark:
            mark = fence["mark"]
            blocks.append([])
        elif mark and line.rstrip().endswith(mark):
            blocks[-1].append(line.rstrip().rstrip("`"))
            mark = ""
        elif mark:
            blocks[-1].append(line)
    return [Piece("\n".join(lines), weight) for lines in blocks]
