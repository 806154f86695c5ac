"""Whether a .gguf file is whole, as far as its own head tells (github.com/ggml-org/ggml, docs/gguf.md)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from mmap import ACCESS_READ, mmap
from pathlib import Path

MAGIC = b"GGUF"
_VERSIONS = (2, 3)
_STRING, _ARRAY = 8, 9
_BYTES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
"""By type of a value."""


def is_cut(path: Path) -> bool:
    """Whether it ends before its last tensor begins. A format that is not known is left to who loads it."""
    with path.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as content:
        try:
            if _number(content, 4, "I") not in _VERSIONS:
                return False
            return max(_tensors(content), default=0) >= len(content)
        except (struct.error, KeyError):
            return True


def _tensors(content: mmap) -> Iterator[int]:
    """Where each begins, behind the head."""
    place, alignment = 24, 32
    for _ in range(_number(content, 16, "Q")):
        key, place = place, _string_end(content, place)
        if content[key + 8 : place] == b"general.alignment":
            alignment = max(_number(content, place + 4, "I"), 1)
        place = _value_end(content, place + 4, _number(content, place, "I"))
    offsets = []
    for _ in range(_number(content, 8, "Q")):
        place = _string_end(content, place)
        place += 4 + 8 * _number(content, place, "I")
        offsets.append(_number(content, place + 4, "Q"))
        place += 12
    place += -place % alignment
    yield from (place + offset for offset in offsets)


def _value_end(content: mmap, place: int, kind: int) -> int:
    if kind == _STRING:
        return _string_end(content, place)
    if kind != _ARRAY:
        return place + _BYTES[kind]
    each, count = _number(content, place, "I"), _number(content, place + 4, "Q")
    place += 12
    if each in _BYTES:
        return place + count * _BYTES[each]
    for _ in range(count):
        place = _value_end(content, place, each)
    return place


def _string_end(content: mmap, place: int) -> int:
    return place + 8 + _number(content, place, "Q")


def _number(content: mmap, place: int, kind: str) -> int:
    """Raises struct.error beyond the end."""
    found: int = struct.unpack_from(f"<{kind}", content, place)[0]
    return found
