"""Text in the columns of a terminal, where some letters take two and some none: cut, folded, and as tables."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from textwrap import TextWrapper
from unicodedata import category, east_asian_width

from .plain_text import cut

LONGEST = 20_000
"""Characters of one line that are shown; ten megabytes would be read by nobody."""
LEAST = 8
"""Columns that a word which was cut still has."""
TOGETHER = re.compile(r"\S*\d (?:%|s\b)\S*|\S*\[[^\s\]]+, [^\s\]]+\]\S*")
"""What no line ends within: a number with its unit, and an interval."""


def width_of(text: str) -> int:
    """Columns that *text* takes."""
    return len(text) if text.isascii() else sum(map(_columns, text))


def _columns(letter: str) -> int:
    return 0 if category(letter) in ("Mn", "Me", "Cf") else 2 if east_asian_width(letter) in "WF" else 1


def fitting(line: str, columns: int) -> str:
    """*line* cut to so many columns."""
    if width_of(line) <= columns:
        return line
    return _head(line, columns - 3) + "..."[: max(columns, 0)]


def _head(text: str, room: int) -> str:
    """As much of *text* as fits, with the marks on its last letter."""
    for place, letter in enumerate(text):
        room -= _columns(letter)
        if room < 0:
            return text[:place]
    return text


def wrapped(
    line: str, columns: int, first: str = "", later: str = "", *, hyphens: bool = False, whole_words: bool = False
) -> list[str]:
    """*line* in parts that fit, the first behind *first*, the others behind *later*; one may end at *hyphens*. *Whole
    words* are not cut where they are longer.
    """
    wrapper = _Wrapper(columns, first, later, break_on_hyphens=hyphens, break_long_words=not whole_words)
    return wrapper.wrap(cut(line, LONGEST))


class _Measured(str):
    """Of which the length is its columns."""

    __slots__ = ()

    def __len__(self) -> int:
        return width_of(str(self))


class _Wrapper(TextWrapper):
    """textwrap measures with `len` what `_split` gives it, and cuts a word that is longer than a line itself."""

    def _split(self, text: str) -> list[str]:
        kept: list[str] = []
        for chunk in super()._split(text):
            if len(kept) > 1 and TOGETHER.fullmatch(whole := "".join((*kept[-2:], chunk))):
                kept[-2:] = [whole]
            else:
                kept.append(chunk)
        return [_Measured(chunk) for chunk in kept]

    def _handle_long_word(self, reversed_chunks: list[str], cur_line: list[str], cur_len: int, width: int) -> None:
        if not self.break_long_words:
            super()._handle_long_word(reversed_chunks, cur_line, cur_len, width)
            return
        word = str(reversed_chunks.pop())
        head = _head(word, max(width - cur_len, 1)) or ("" if cur_line else word[0])
        if head:
            cur_line.append(_Measured(head))
        reversed_chunks.append(_Measured(word[len(head) :]))


class Table:
    """Rows beneath each other where there is room. Figures are never cut: words are, and where that is not enough each
    row is folded into lines that name its figures.
    """

    def __init__(self, picture: str, rows: Iterable[Sequence[object]], room: int | None, *, head: bool = True) -> None:
        """*picture* as in `"  <10 >7"`: words to the left, figures to the right, each at least so wide. The first of
        all *rows* is the *head*; None is as much *room* as they take.
        """
        known = [tuple(map(str, row)) for row in rows]
        self._gaps, signs, widths = zip(*re.findall(r"( *)([<>])(\d+)", picture), strict=True)
        self._words = tuple(sign == "<" for sign in signs)
        self._head = known[0] if head and known else ("",) * len(signs)
        self._has_head = head
        self._room = room
        self._widths = self._fitted(known, tuple(map(int, widths)))

    @property
    def folded(self) -> bool:
        return self._widths is None

    def all_lines(self, rows: Iterable[Sequence[object]]) -> Iterator[str]:
        """The head's and those of *rows*."""
        yield from self.head_lines()
        for row in rows:
            yield from self.lines(row)

    def head_lines(self) -> list[str]:
        """Empty where each figure is named beside it."""
        return [] if self.folded or not self._has_head else self.lines(self._head)

    def lines(self, row: Sequence[object]) -> list[str]:
        """One, or those that name its figures."""
        cells = tuple(map(str, row))
        if self._widths is None:
            return list(self._labelled(cells))
        padded = zip(self._gaps, cells, self._words, self._widths, strict=True)
        return ["".join(gap + _padded(cell, word, width) for gap, cell, word, width in padded).rstrip()]

    def _labelled(self, cells: Sequence[str]) -> Iterator[str]:
        room = self._room or 0
        inset = self._gaps[0] + " " * (len(cells[0]) - len(cells[0].lstrip()))
        yield from wrapped(cells[0].strip(), room, inset, f"{inset}    ")
        line = ""
        for pair in map(_labelled, self._head[1:], cells[1:]):
            if line and width_of(f"{inset}  {line}; {pair}") > room - 1:
                yield f"{inset}  {line};"
                line = ""
            line = f"{line}; {pair}" if line and pair else line or pair
        yield from wrapped(line, room, f"{inset}  ", f"{inset}    ")

    def _fitted(self, rows: Sequence[Sequence[str]], pictured: Sequence[int]) -> tuple[int, ...] | None:
        """The width of each column; None where they do not fit."""
        needed = [max((width_of(row[place]) for row in rows), default=0) for place in range(len(pictured))]
        wide = list(map(max, needed, pictured))
        room = None if self._room is None else self._room - sum(map(len, self._gaps))
        if room is None or sum(wide) <= room:
            return tuple(wide)
        half = [max(LEAST, -(-width // 2)) for width in needed]
        kept = self._shrunk(wide, pictured, room) or self._shrunk(needed, half, room)
        return None if kept is None or self._confuses(rows, kept) else kept

    def _shrunk(self, widths: Sequence[int], least: Sequence[int], room: int) -> tuple[int, ...] | None:
        """The widest words are cut first, none below its *least*."""
        kept = list(widths)
        while sum(kept) > room:
            places = [place for place, word in enumerate(self._words) if word and kept[place] > least[place]]
            if not places:
                return None
            kept[max(places, key=kept.__getitem__)] -= 1
        return tuple(kept)

    def _confuses(self, rows: Sequence[Sequence[str]], widths: Sequence[int]) -> bool:
        """Whether two different words would be cut to the same."""
        for place, width in enumerate(widths):
            words = {row[place] for row in rows}
            if len({fitting(word, width) for word in words}) < len(words):
                return True
        return False


def _padded(cell: str, word: bool, width: int) -> str:
    kept = fitting(cell, width) if word else cell
    room = " " * (width - width_of(kept))
    return kept + room if word else room + kept


def _labelled(label: str, cell: str) -> str:
    """`solved: 3/4`, and `iter. 2`."""
    if not label or not cell:
        return cell
    return f"{label} {cell}" if label.endswith(".") else f"{label}: {cell}"
