"""JSONL files read row by row, each row knowing its file and line."""

from __future__ import annotations

import errno
import gzip
import json
import math
import os
import stat
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import IO, Any, Literal

from .json_weight import has_more_values
from .nearest import most_like
from .usage_error import UsageError


@dataclass(frozen=True, slots=True)
class Row:
    """One row. Asked for a field that is missing or of another type, it raises UsageError with file, line and field."""

    path: Path
    position: int
    """Of its line, or of the entry in a list: a JSON parser keeps no lines, and often there is but one."""
    fields: Mapping[str, Any]
    unit: Literal["line", "entry"] = "line"

    @property
    def place(self) -> str:
        return f"{self.path}:{self.position}" if self.unit == "line" else f"{self.path}: entry {self.position}"

    def wrong(self, field: str, words: str) -> UsageError:
        return UsageError(f"{self.place}: {field}: {words}")

    def value(self, field: str) -> Any:
        if field not in self.fields:
            near = most_like(field, self.fields)
            raise self.wrong(field, "missing" + (f" (is {near!r} meant for it?)" if near else ""))
        return self.fields[field]

    def text(self, field: str) -> str:
        value = self.value(field)
        if not isinstance(value, str):
            raise self.wrong(field, f"must be a text, not {_kind(value)}")
        return value

    def optional_text(self, field: str) -> str | None:
        return None if self.fields.get(field) is None else self.text(field)

    def entries(self, field: str) -> list[Any]:
        value = self.value(field)
        if not isinstance(value, list):
            raise self.wrong(field, f"must be a list, not {_kind(value)}")
        return value

    def texts(self, field: str) -> list[str]:
        entries = self.entries(field)
        if not all(isinstance(entry, str) for entry in entries):
            raise self.wrong(field, "must be a list of texts")
        return entries

    def number(self, field: str) -> int | float:
        value = self.value(field)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.wrong(field, f"must be a number, not {_kind(value)}")
        return value

    def tolerance(self, field: str) -> int | float:
        value = self.number(field)
        if not 0 <= value < math.inf:
            raise self.wrong(field, f"must be 0 or more, and finite, not {value}")
        return value


def fault_of_id(name: str) -> str | None:
    """Why *name* cannot be a problem's id, which pytest shows as `file::name[arm]`; None where it can."""
    if name.strip() and not any(letter in "[]" or letter.isspace() or not letter.isprintable() for letter in name):
        return None
    no = "no spaces and no square brackets" if name.isprintable() else "no character that cannot be seen"
    return f"{name!r}: an id has {no}, such as `own/rotate`"


def read_rows(path: Path) -> Iterator[Row]:
    """The rows of a JSONL file, gzipped or not; of a JSON file that holds one list, its entries."""
    text = text_of(path)
    if path.suffix == ".json" or text.lstrip().startswith("["):
        yield from _listed(path, text)
        return
    for line, row in enumerate(_lines(text), 1):
        if line > MOST_ROWS:
            raise UsageError(f"{path}:{line}: more than {MOST_ROWS:,} lines, which is no set of problems")
        if row.strip():
            yield _row(path, line, _parsed(path, line, row), "line")


MOST_ROWS = 1_000_000
MOST_VALUES = 4_000_000
"""Of one row, or of one list of all of them: a hundred times what any has."""


def _lines(text: str) -> Iterator[str]:
    """One after the other, since all of them may be many times as large as their text."""
    start = 0
    while (end := text.find("\n", start)) >= 0:
        yield text[start:end]
        start = end + 1
    yield text[start:]


MOST_BYTES = 1 << 30
"""Of one file, unpacked: many times what any data set of problems has."""


def text_of(path: Path, most: int | None = None) -> str:
    """The text of a file, unpacked where it is gzipped. Raises UsageError for what is none, or too long to be meant:
    than *most* bytes, else MOST_BYTES.
    """
    try:
        content = content_of(path, most)
        if content.startswith(b"\x1f\x8b"):
            with gzip.open(BytesIO(content)) as packed:
                content = _bounded(path, packed, most)
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UsageError(f"{path}:{line}: not UTF-8 text (byte 0x{content[error.start]:02x})") from error
    except (OSError, EOFError, zlib.error) as error:
        raise UsageError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from error


def content_of(path: Path, most: int | None = None) -> bytes:
    """The bytes of a file. Raises UsageError for anything else, which would be waited for, or may never end."""
    check_is_file(path)
    try:
        with path.open("rb") as file:
            return _bounded(path, file, most)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror or error}") from error


def check_is_file(path: Path) -> None:
    """Raises UsageError where there is nothing, a link that leads to nothing, or what is no file."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError as error:
        raise UsageError(f"{path}: {'a link to what is not there' if path.is_symlink() else 'no such file'}") from error
    except (OSError, ValueError) as error:  # ValueError: a null byte in its name
        raise UsageError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from error
    if not stat.S_ISREG(mode):
        kind = next((words for is_it, words in _KINDS.items() if is_it(mode)), "Is a device")
        raise UsageError(f"{path}: cannot be read: {kind}")


_KINDS = {stat.S_ISDIR: os.strerror(errno.EISDIR), stat.S_ISFIFO: "Is a pipe", stat.S_ISSOCK: "Is a socket"}


def _bounded(path: Path, file: IO[bytes] | gzip.GzipFile, most: int | None) -> bytes:
    most = MOST_BYTES if most is None else most
    content = file.read(most + 1)
    if len(content) > most:
        raise UsageError(f"{path}: cannot be read: it is longer than {most >> 20} MB")
    return content


def _listed(path: Path, text: str) -> Iterator[Row]:
    entries = _parsed(path, 1, text)
    if not isinstance(entries, list):
        raise UsageError(f"{path}:1: must hold a list of problems, not {_kind(entries)}")
    for number, entry in enumerate(entries, 1):
        yield _row(path, number, entry, "entry")


def _parsed(path: Path, line: int, text: str) -> Any:
    if has_more_values(text, MOST_VALUES):
        raise UsageError(f"{path}:{line}: holds more than {MOST_VALUES:,} values, which no problems have")
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        place = line + error.lineno - 1
        raise UsageError(f"{path}:{place}: not valid JSON: {error.msg} (column {error.colno})") from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path}:{line}: not valid JSON: {error}") from error


def _row(path: Path, number: int, value: Any, unit: Literal["line", "entry"]) -> Row:
    row = Row(path, number, value, unit)
    if not isinstance(value, dict):
        raise UsageError(f"{row.place}: must be an object with the problem's fields, not {_kind(value)}")
    return row


def _kind(value: object) -> str:
    kinds = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "null"}
    return kinds.get(type(value), "a number")
