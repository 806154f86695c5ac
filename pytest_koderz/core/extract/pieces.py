"""The parts of a model's reply that may be code, as tags and fences mark them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

LONGEST = 30_000
"""Characters that are read of one piece of a reply, and half of what is read in all. No honest answer is longer."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of the reply that may be code."""

    text: str
    weight: int
    """2: marked as the answer, 1: a block, 0: marked as something else, such as a trial run; -1: running text."""


def plain(reply_text: str) -> str:
    """The reply without its thinking and the conversation's own marks, and with one kind of line end."""
    text = reply_text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "").lstrip("\ufeff")
    text = _SPECIAL.sub("\n", text)
    closing = [match.end() for match in _THOUGHT.finditer(text)]
    if closing:
        # Some servers leave out the opening tag: all that comes before the closing one was thought.
        opening = _THINKING.search(text, 0, closing[-1])
        text = text[: opening.start() if opening else 0] + text[closing[-1] :]
    return text


# `table[THINK]` is Python.
_THINKING = re.compile(r"(?i:<think(?:ing)?>)|(?<![\w\])])\[THINK\]|\u25c1think\u25b7")
_THOUGHT = re.compile(r"(?i:</think(?:ing)?>)|\[/THINK\]|\u25c1/think\u25b7")
_SPECIAL = re.compile(r"<\|[a-z_]{2,20}\|>|</?s>|<(?:end_of_turn|eos)>|\[/?INST\]")
"""What marks the turns of a conversation to a model, and gets into its reply."""


def marked_pieces(text: str) -> list[Piece]:
    """Tagged and fenced parts of a plain text, in order."""
    pieces: list[Piece] = []
    place = 0
    for start, end, piece in _tagged(text):
        pieces += _fenced(text[place:start], 1)
        pieces += _fenced(piece.text, piece.weight) or [piece]
        place = end
    return _last(pieces + _fenced(text[place:], 1))


def unmarked_pieces(text: str) -> list[Piece]:
    """The running text, and the fenced parts of a text whose tags mark nothing."""
    unthought = _THINKING.split(text, maxsplit=1)[0]
    return [Piece(unthought[:LONGEST], -1), *_last(_fenced(text, 1))]


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
# These are words of HTML and of prose too, so they mark a section at the start of a line alone.
_ANSWERS_ON_A_LINE = _ANSWERS | {"final", "code", "python", "result", "response"}
# Square brackets are Python's too, so they open a section in capitals and at the start of a line alone.
_TITLES = "PYTHON|ANSWER|SOLUTION|CODE"
_TAG = re.compile(
    r"<(?P<close>/?)(?P<name>[A-Za-z]\w{1,20})(?: [^<>\n]{0,80})?>"
    rf"|^[ \t]*\[(?P<title>{_TITLES})\](?=[ \t]*(?:$|@|(?:async|def|class|import|from)\b))|\[/(?P<shut>{_TITLES})\]",
    re.MULTILINE,
)


def _tagged(text: str) -> Iterator[tuple[int, int, Piece]]:
    """Start, end and content of each innermost section; a marked answer that is never closed runs to the end."""
    opened: re.Match[str] | None = None
    tags = list(_TAG.finditer(text))
    closed = {_name(tag) for tag in tags if _closes_section(tag)}
    for tag in tags:
        # Programs hold `<words>` in their texts, which nothing closes.
        opens = not _closes_section(tag) and (_marks_answer(tag) or (_name(tag) in closed and _starts_line(tag)))
        if opened is not None and (_marks_answer(opened) if opens else _closes_section(tag, opened)):
            weight = 2 if _marks_answer(opened) else 0
            yield opened.start(), tag.start(), Piece(text[opened.end() : tag.start()], weight)
            opened = None
        if opens:
            opened = tag
    if opened is not None and _marks_answer(opened):
        yield opened.start(), len(text), Piece(text[opened.end() :], 2)


def _closes_section(tag: re.Match[str], opened: re.Match[str] | None = None) -> bool:
    """Whether the tag is a closing one, and that of *opened*."""
    return bool(tag["close"] or tag["shut"]) and (opened is None or _name(tag) == _name(opened))


def _name(tag: re.Match[str]) -> str:
    return (tag["name"] or tag["title"] or tag["shut"]).lower()


def _marks_answer(tag: re.Match[str]) -> bool:
    if _starts_line(tag):
        return _name(tag) in _ANSWERS_ON_A_LINE
    # In quotes it is spoken of, or part of a program's text.
    return _name(tag) in _ANSWERS and tag.string[tag.start() - 1] not in "`'\""


def _starts_line(tag: re.Match[str]) -> bool:
    line = tag.string.rfind("\n", 0, tag.start()) + 1
    return _SPACE.fullmatch(tag.string, line, tag.start()) is not None


_SPACE = re.compile(r"\s*")

# --- fences

_FENCE = re.compile(r"^(?P<lead>[ \t>]*(?:[-*+]\s+|\d+[.)]\s+)?)(?P<mark>`{3,}|~{3,})[ \t]*(?P<rest>.*)$")
_LANGUAGE = re.compile(
    r"\{?\.?(?:python|py|ipython|sage|pycon)[\w.]*\}?(?:\s+(?!def\b|import\b|from\b|class\b)\S+)*", re.IGNORECASE
)


def _fenced(text: str, weight: int) -> list[Piece]:
    """The contents of Markdown fences; one that is never closed runs to the end."""
    blocks: list[list[str]] = []
    mark, quoted = "", False
    for line in text.split("\n"):
        fence = _FENCE.match(line)
        if fence and (not mark or _LANGUAGE.match(fence["rest"])):
            # A language opens a fence, so one before it was left open.
            quoted = ">" in fence["lead"]
            code = _first_line(fence)
            # Fence and code on one line: the block is complete.
            mark = "" if code.endswith(fence["mark"]) else fence["mark"]
            blocks.append([code if mark else code.rstrip(fence["mark"][0])] if code else [])
        elif mark and _closes(line, fence, mark):
            blocks[-1].append("" if fence else line.rstrip().rstrip(mark[0]))
            mark = ""
        elif mark:
            blocks[-1].append(re.sub(r"^[ \t]*> ?", "", line) if quoted else line)
    return [Piece("\n".join(lines), weight) for lines in blocks]


def _first_line(fence: re.Match[str]) -> str:
    """The code on the fence's own line, after the language; empty where there is none."""
    rest = fence["rest"].strip()
    rest = rest[match.end() :].strip() if (match := _LANGUAGE.match(rest)) else rest
    return rest if re.match(r"(?:async\s+)?def\b|import\b|from\b|class\b|return\b|@", rest) else ""


def _closes(line: str, fence: re.Match[str] | None, mark: str) -> bool:
    """Whether *line* is a bare fence at least as long as *mark*, or ends with it."""
    bare = fence is not None and fence["mark"].startswith(mark) and not fence["rest"].strip()
    return bare or line.rstrip().endswith(mark)
