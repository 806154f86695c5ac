"""Replies that change a file instead of writing it: search/replace blocks and unified diffs.

The blocks are those that aider made common; diffs are read as `patch` reads them, but for the line numbers, which
models get wrong: a hunk belongs where its lines stand.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import PurePosixPath

from .place import ModuleText
from .syntax import UNREADABLE

_SEARCH = re.compile(r"<{5,9} ?SEARCH\b.*")
_DIVIDER = re.compile(r"={5,9}\s*")
_REPLACE = re.compile(r">{5,9} ?REPLACE\b.*")
_HUNK = re.compile(r"@@(?: -(\d+)(?:,\d+)? \+\d+(?:,\d+)? @@.*| .*@@.*|\s*)")
_OLD, _NEW = re.compile(r"--- (\S+).*"), re.compile(r"\+\+\+ (\S+).*")
_NOTE = "\\ No newline"
_FENCE = re.compile(r"\s*(?:```|~~~)")
_FUZZ = 2
"""Lines of context at either end of a hunk that may be wrong, as `patch` has it."""


class Unapplied(ValueError):
    """An edit that does not fit the file; says which and why."""


@dataclass(frozen=True, slots=True)
class Edit:
    """Lines of a file, and what is to stand there instead."""

    name: str
    """As a person would point at it, such as `SEARCH block 2`."""
    old: tuple[str, ...]
    new: tuple[str, ...]
    context: tuple[int, int] = (0, 0)
    """How many lines at the beginning and the end of both are there to find the place alone."""
    line: int | None = None
    """Where the old lines are said to begin, from 1."""
    file: str | None = None


def edits_of(text: str) -> list[Edit]:
    """Those in *text*, in order; empty where it holds none that is whole."""
    return [edit for edit, _ in _found(_lines(text))]


def parted(text: str) -> tuple[str, str]:
    """The lines of *text* from its first edit to its last, empty where it holds none; and all others."""
    lines = _lines(text)
    parts = [part for _, part in _found(lines)]
    if not parts:
        return "", text
    first, end = parts[0].start, parts[-1].stop
    return "\n".join(lines[first:end]) + "\n", "\n".join(lines[:first] + lines[end:])


def edited_module(module: ModuleText, name: str, text: str, file: str, earlier: str = "") -> str:
    """What *text* makes of *module*, in which *name* is still to be written: itself where it holds no edits.

    *earlier*: the function as it stands there till then; empty: without a body. Raises Unapplied, also where another
    function would be changed: its own tests are not run.
    """
    edits = edits_of(text)
    if not edits:
        return text
    shown = module.filled(name, earlier).source if earlier else module.emptied(name)
    made = ModuleText(edited(shown, edits, file))
    try:
        known = made.functions
    except UNREADABLE:
        return made.source  # whoever compiles it says what is wrong
    for other in module.functions:
        if other != name and (other not in known or made.text_of(other) != module.text_of(other)):
            raise Unapplied(f"the edits change {other}; only {name}, and what is new, may be written")
    return made.source


def _lines(text: str) -> list[str]:
    return text.replace("\r\n", "\n").split("\n")


def _found(lines: list[str]) -> list[tuple[Edit, range]]:
    """Edits with the lines that they are written in."""
    return list(_blocks(lines)) or list(_hunks(lines))


def edited(source: str, edits: Sequence[Edit], file: str) -> str:
    """*source*, the text of *file*, after one edit after another; all of them fit, or none is made.

    White space at the ends of lines does not count, nor does a margin that all lines of an edit lack or have too much.
    Raises Unapplied.
    """
    lines = source.split("\n")
    for edit in edits:
        if edit.file is not None and not _same_file(edit.file, file):
            raise Unapplied(f"{edit.name} is for {edit.file}; only {file} can be changed")
        lines = _made(lines, edit, file)
    return "\n".join(lines)


def _same_file(named: str, file: str) -> bool:
    """Whether a diff's name, with or without `a/` and folders before it, may mean *file*."""
    path, own = PurePosixPath(named.removeprefix("./")), PurePosixPath(file)
    stripped = PurePosixPath(*path.parts[1:]) if path.parts[:1] in (("a",), ("b",)) else path
    return any(_ends_with(own, each) or _ends_with(each, own) for each in (path, stripped))


def _ends_with(path: PurePosixPath, end: PurePosixPath) -> bool:
    return bool(end.parts) and path.parts[-len(end.parts) :] == end.parts


# --- search/replace blocks


def _blocks(lines: list[str]) -> Iterator[tuple[Edit, range]]:
    start, divider, number = None, None, 0
    for place, line in enumerate(lines):
        if _SEARCH.fullmatch(line.strip()):
            start, divider, number = place, None, number + 1
        elif start is not None and divider is None and _DIVIDER.fullmatch(line):
            divider = place
        elif start is not None and divider is not None and _REPLACE.fullmatch(line.strip()):
            old, new = tuple(lines[start + 1 : divider]), tuple(lines[divider + 1 : place])
            yield Edit(f"SEARCH block {number}", old, new), range(start, place + 1)
            start = None


# --- unified diffs


def _hunks(lines: list[str]) -> Iterator[tuple[Edit, range]]:
    file: str | None = None
    number, place, start = 0, 0, 0
    while place < len(lines):
        line = lines[place]
        place += 1
        if _OLD.fullmatch(line) and place < len(lines) and (new := _NEW.fullmatch(lines[place])):
            file, start, place = new[1], place - 1, place + 1
        elif found := _HUNK.fullmatch(line):
            body = _body(lines, place)
            start = start if file is not None and number == 0 else place - 1
            place += len(body)
            number += 1
            if any(each[:1] in "+-" for each in body if each):
                line_told = int(found[1]) if found[1] else None
                yield _hunk(f"hunk {number}", body, line_told, file), range(start, place)


def _body(lines: list[str], start: int) -> list[str]:
    """A hunk's lines; an empty one is context whose blank the model left out."""
    body: list[str] = []
    for place in range(start, len(lines)):
        line = lines[place]
        header = _OLD.fullmatch(line) and place + 1 < len(lines) and _NEW.fullmatch(lines[place + 1])
        if header or (line and line[0] not in " +-\\") or _FENCE.match(line):
            break
        body.append(line)
    return body


def _hunk(name: str, body: list[str], line: int | None, file: str | None) -> Edit:
    told = [each or " " for each in body if not each.startswith(_NOTE)]
    while told and not told[-1].strip():
        told.pop()
    before = len([*takewhile(lambda each: each[0] == " ", told)])
    after = len([*takewhile(lambda each: each[0] == " ", reversed(told))])
    old = tuple(each[1:] for each in told if each[0] in " -")
    new = tuple(each[1:] for each in told if each[0] in " +")
    return Edit(name, old, new, (before, after), line, file)


# --- where an edit belongs


def _made(lines: list[str], edit: Edit, file: str) -> list[str]:
    if not any(line.strip() for line in edit.old):
        raise Unapplied(f"{edit.name} has no lines to find its place in {file} by")
    for lead, trail in _trimmings(edit.context):
        old, new = edit.old[lead : len(edit.old) - trail], edit.new[lead : len(edit.new) - trail]
        if any(line.strip() for line in old) and (made := _replaced(lines, old, new, edit, lead)) is not None:
            return made
    raise Unapplied(
        f"{edit.name} does not fit: its lines do not stand in {file} as the task shows it{_hint(lines, edit)}"
    )


def _trimmings(context: tuple[int, int]) -> list[tuple[int, int]]:
    """What may be left out at either end, the least first."""
    before, after = (range(min(_FUZZ, each) + 1) for each in context)
    return sorted(((lead, trail) for lead in before for trail in after), key=sum)


def _replaced(lines: list[str], old: tuple[str, ...], new: tuple[str, ...], edit: Edit, lead: int) -> list[str] | None:
    """None where *old* stands nowhere. Raises Unapplied where it stands in several places and none is told."""
    for compared in (_exact, _unended, _unindented):
        places = [place for place in range(len(lines) - len(old) + 1) if compared(lines[place:], old)]
        if not places:
            continue
        if len(places) > 1 and edit.line is None:
            raise Unapplied(f"{edit.name} fits {len(places)} places; it needs more lines around it")
        told = (edit.line or 1) - 1 + lead
        place = min(places, key=lambda each: abs(each - told))
        here = lines[place : place + len(old)]
        return [*lines[:place], *_moved(new, old, here), *lines[place + len(old) :]]
    return None


def _exact(lines: Sequence[str], old: tuple[str, ...]) -> bool:
    return tuple(lines[: len(old)]) == old


def _unended(lines: Sequence[str], old: tuple[str, ...]) -> bool:
    return all(line.rstrip() == each.rstrip() for line, each in zip(lines, old, strict=False))


def _unindented(lines: Sequence[str], old: tuple[str, ...]) -> bool:
    """Whether one margin, more or less on every line, makes them equal."""
    pairs = [(line.rstrip(), each.rstrip()) for line, each in zip(lines, old, strict=False)]
    if any(bool(line) != bool(each) for line, each in pairs):
        return False
    shifts = {_indent(line) - _indent(each) for line, each in pairs if line}
    return len(shifts) == 1 and all(line.lstrip() == each.lstrip() for line, each in pairs)


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _moved(new: tuple[str, ...], old: tuple[str, ...], here: list[str]) -> list[str]:
    """The new lines with the margin of the place."""
    line, each = next((line, each) for line, each in zip(here, old, strict=True) if each.strip())
    shift = _indent(line) - _indent(each)
    if shift >= 0:
        return [line[:shift] + text if text.strip() else text for text in new]
    return [text[min(-shift, _indent(text)) :] for text in new]


def _hint(lines: list[str], edit: Edit) -> str:
    """The first of its lines that the file does not have at all."""
    known = {line.strip() for line in lines}
    missing = next((line.strip() for line in edit.old if line.strip() and line.strip() not in known), None)
    return "" if missing is None else f" (not there: {missing[:120]!r})"
