"""Which marks in a reply are no marks but texts of the programs in it, such as `text.split('</think>')`."""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Iterator, Sequence
from itertools import accumulate
from textwrap import dedent

from pytest_koderz.core.syntax import parse_part

from .stretches import LONGEST, START, inside, longest_program

_MOST = 200
"""Marks, the last ones, of which it is asked whether they are texts: a model that loops writes thousands."""
_TRIES = 20
"""Places from which the rest of a reply is read as a program."""
_STRETCHES = 5
"""Stretches of code in running text that are read for the sake of texts of several lines."""

Mark = re.Match[str]
Span = tuple[int, int]


def outside_programs(text: str, marks: Sequence[Mark]) -> list[Mark]:
    """Those of *marks*, found in *text* in order, that are not texts of a program in it."""
    near = marks[-_MOST:]
    names = _names_in_brackets(text, near)
    near = [mark for mark in near if not _spoken_of(text, mark) and not (mark[0] in names and _is_inside(text, mark))]
    known = _within(near, _sound_fences(text, near))
    for texts in (_in_the_rest, _in_lines, _in_stretches):
        near = [mark for mark in near if mark not in known]
        known = texts(text, near)
    return [*marks[:-_MOST], *(mark for mark in near if mark not in known)]


def _names_in_brackets(text: str, marks: Sequence[Mark]) -> set[str]:
    """Of marks such as `[EOS]`, which Python takes for a subscript, those whose word is a name elsewhere."""
    words = {word[1] for mark in marks if (word := _WORD_IN_BRACKETS.fullmatch(mark[0]))}
    return {f"[{word}]" for word in words if re.search(rf"(?<!\[)\b{word}\b(?!\])", text)}


def _is_inside(text: str, mark: Mark) -> bool:
    """Whether there is something before it on its line."""
    return bool(text[_line_start(text, mark.start()) : mark.start()].strip())


_WORD_IN_BRACKETS = re.compile(r"\[(\w+)\]")


def _spoken_of(text: str, mark: Mark) -> bool:
    """Whether it stands between quotes of its own, in prose or in a program."""
    before, after = text[max(mark.start() - 1, 0) : mark.start()], text[mark.end() : mark.end() + 1]
    return before == after and before in {"`", "'", '"'}


def _within(marks: Sequence[Mark], spans: Sequence[Span]) -> set[Mark]:
    return {mark for mark in marks if any(start <= mark.start() and mark.end() <= end for start, end in spans)}


# --- fenced blocks

_FENCE = re.compile(
    r"^[^\S\n]*(?P<mark>`{3,}|~{3,})[^`\n]*\n(?P<code>(?s:.*?))^[^\S\n]*(?P=mark)[^\S\n]*$", re.MULTILINE
)


def _sound_fences(text: str, marks: Sequence[Mark]) -> list[Span]:
    """The fenced blocks with marks in them that are Python as they stand."""
    found: list[Span] = []
    place = _line_start(text, max(marks[0].start() - LONGEST, 0)) if marks else len(text)
    while fence := _FENCE.search(text, place):
        span = fence.span("code")
        if _within(marks, [span]) and _parses(fence["code"]):
            found.append(span)
            place = fence.end()
        else:
            # What seems to open a block can be the end of another one.
            place = span[0] if span[1] - span[0] < LONGEST else fence.end()
    return found


def _line_start(text: str, place: int) -> int:
    return text.rfind("\n", 0, place) + 1


def _parses(source: str) -> bool:
    """Whether it is a program, or the body of a function."""
    source = dedent(source)
    return bool(source.strip()) and len(source) <= LONGEST and parse_part(source) is not None


# --- a reply that is a program from a mark on


def _in_the_rest(text: str, marks: Sequence[Mark]) -> set[Mark]:
    """The marks in what is a program from the reply's start, or from one of the marks, to its end."""
    if not marks:
        return set()
    last = _tail(text, marks)
    for end in dict.fromkeys((len(text), last)):
        for start in (0, *(mark.end() for mark in marks[:_TRIES])):
            inner = [mark for mark in marks if start <= mark.start() and mark.end() <= end]
            if inner and end - start <= LONGEST and _parses(_padded(text[start:end])):
                return _texts_of(text, start, end, inner)
    return set()


def _tail(text: str, marks: Sequence[Mark]) -> int:
    """Where the marks begin with which the reply ends."""
    end = len(text)
    for mark in reversed(marks):
        if text[mark.end() : end].strip():
            break
        end = mark.start()
    return end


def _padded(source: str) -> str:
    """With the first line set in as the least of the others, where it has lost that as the body of a function."""
    first, _, others = source.lstrip("\n").partition("\n")
    lines = [line for line in others.split("\n") if line.strip()]
    edge = min((line[: len(line) - len(line.lstrip())] for line in lines), key=len, default="")
    return source if first[:1].isspace() or not edge or parse_part(source) else f"{edge}{first}\n{others}"


def _texts_of(text: str, start: int, end: int, marks: Sequence[Mark]) -> set[Mark]:
    """All of them but those that Python takes for a subscript."""
    subscripts = [mark for mark in marks if _WORD_IN_BRACKETS.fullmatch(mark[0])]
    return set(marks).difference(subscripts) | _within(subscripts, _quoted(text[start:end], start))


def _quoted(source: str, offset: int = 0, edge: int = 0, *, comments: bool = True) -> list[Span]:
    """Where strings and comments stand in it; *edge* columns were cut off the left of each line."""
    lines = [0, *accumulate(len(line) + 1 + edge for line in source.split("\n"))]
    kinds = {tokenize.STRING, getattr(tokenize, "FSTRING_MIDDLE", tokenize.STRING)}
    kinds |= {tokenize.COMMENT} if comments else set()
    return [
        (offset + lines[first - 1] + edge + left, offset + lines[last - 1] + edge + right)
        for kind, (first, left), (last, right) in _tokens(source)
        if kind in kinds
    ]


def _texts_in(marks: Sequence[Mark], source: str, offset: int, edge: int) -> set[Mark]:
    """The marks within strings of a source, and within its comments those with which no thought ends."""
    others = [mark for mark in marks if mark.lastgroup not in {"closed", "unaside", "final"}]
    strings = _quoted(source, offset, edge, comments=False)
    return _within(marks, strings) | _within(others, _quoted(source, offset, edge))


def _tokens(source: str) -> Iterator[tuple[int, tuple[int, int], tuple[int, int]]]:
    try:
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            yield token.type, token.start, token.end
    except (tokenize.TokenError, SyntaxError):
        return


# --- lines of code

_HEADED = re.compile(r"(?:elif|if|while|for|with|else|try|except|finally|def|class|match|async)\b")


def _in_lines(text: str, marks: Sequence[Mark]) -> set[Mark]:
    """The marks within strings of lines that are statements by themselves once the marks are taken away."""
    blank = _blank(text, marks)
    found: set[Mark] = set()
    for mark in marks:
        start = _line_start(text, mark.start())
        end = text.find("\n", mark.end())
        line = blank[start : end if end >= 0 else len(text)]
        if len(line) <= LONGEST and _is_statement(line.strip()):
            edge = len(line) - len(line.lstrip())
            found |= _texts_in([mark], line[edge:], start + edge, 0)
    return found


def _blank(text: str, marks: Sequence[Mark], last: str = " ") -> str:
    """The text with spaces for the marks, so that all that follows stays where it is; *last* is the last of them."""
    parts: list[str] = []
    place = 0
    for mark in marks:
        parts += [text[place : mark.start()], re.sub(r"[^\n]", " ", mark[0])[:-1], last]
        place = mark.end()
    return "".join([*parts, text[place:]])


def _is_statement(line: str) -> bool:
    if line.startswith("#"):
        return False  # Markdown's heading is one too
    if not _HEADED.match(line):
        return parse_part(line) is not None
    return parse_part(re.sub(r"^elif\b", "  if", line).lstrip() + " pass") is not None or parse_part(line) is not None


def _in_stretches(text: str, marks: Sequence[Mark]) -> set[Mark]:
    """The marks within strings, of several lines too, of definitions in running text.

    What follows a mark may be a line of its own.
    """
    found: set[Mark] = set()
    for last in (" ", "\n"):
        rest = [mark for mark in marks if mark not in found]
        if rest:
            found |= _texts_in_stretches(_blank(text, rest, last), rest)
    return found


def _texts_in_stretches(text: str, marks: Sequence[Mark]) -> set[Mark]:
    begin = _line_start(text, max(len(text) - LONGEST, 0))
    lines = text[begin:].split("\n")
    places = list(accumulate((len(line) + 1 for line in lines), initial=begin))
    starts = [number for number, line in enumerate(lines) if START.match(line[:1000])]
    found: set[Mark] = set()
    for number in starts[-_STRETCHES:]:
        source, tree = longest_program(inside(lines[number:]))
        if tree is not None:
            edge = len(lines[number]) - len(lines[number].lstrip())
            found |= _texts_in(marks, source, places[number], edge)
    return found
