"""What the memory server's replies say: it reports success and failure in words."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_koderz.core.errors import MemoryUnavailable
from pytest_koderz.files.json_weight import has_more_keys, has_more_values
from pytest_koderz.files.visible_text import quoted

MOST_VALUES = 2_000_000
"""Of one export: fifty thousand memories, where claude-cortex keeps five."""
MOST_KEYS = 1_000_000
"""Of these: where each is another, they take seconds."""


@dataclass(frozen=True, slots=True)
class ToolReply:
    """The text of a tool's reply; `is_error` is set for a call that does not fit the tool's schema."""

    text: str
    is_error: bool = False

    @property
    def first_line(self) -> str:
        """As it may be told."""
        return quoted(self.text.strip().partition("\n")[0])


@dataclass(frozen=True, slots=True)
class Remembered:
    """The reply of `remember`."""

    id: int | None
    """None: it was refused."""
    kept: bool
    """False: nothing was written, although the server says `Remembered`."""
    reason: str = ""
    """Why nothing was written, or what was cut."""
    busy: bool = False
    """It was refused only because others are writing."""


_REMEMBERED = re.compile(r'Remembered: "')
_ID = re.compile(r"^  ID: (\d{1,18})$", re.MULTILINE)
_SESSION = re.compile(r"Session (\d{1,18}) started\.")
_LONG_TERM = re.compile(r"^\s+- Long-term: (\d{1,18})$", re.MULTILINE)
_EXPORTED = re.compile(r"Exported \d+ memories:\s+")
_READER = json.JSONDecoder()


def remembered(reply: ToolReply) -> Remembered:
    found = _ID.search(reply.text)
    if reply.is_error or not _REMEMBERED.match(reply.text) or found is None:
        busy = re.search(r"\b(busy|locked)\b", reply.text, re.IGNORECASE) is not None
        return Remembered(None, kept=False, reason=reply.first_line, busy=busy and not reply.is_error)
    if "\n  Reason: Updated existing similar memory" in reply.text:
        return Remembered(int(found[1]), kept=False, reason="taken for a similar memory")
    return Remembered(int(found[1]), kept=True, reason="content cut" if "\n  WARNING: Content" in reply.text else "")


def has_deleted(reply: ToolReply) -> bool:
    """Of `forget`."""
    return not reply.is_error and reply.text.startswith("Deleted ")


def session_started(reply: ToolReply) -> int | None:
    """The session's number; None where none was started."""
    found = _SESSION.match(reply.text)
    return int(found[1]) if found else None


def exported(reply: ToolReply) -> list[dict[str, Any]]:
    """The rows of `export_memories`, `tags` and `metadata` still texts. MemoryUnavailable: it is no export."""
    found = _EXPORTED.match(reply.text)
    if reply.is_error or found is None:
        raise MemoryUnavailable(f"cortex does not export: {reply.first_line}")
    rows = _json(reply.text, found.end())
    if not isinstance(rows, list):
        raise MemoryUnavailable("cortex does not export: its rows are no list")
    return _memories(rows)


def exports_nothing(reply: ToolReply) -> bool:
    return reply.text.startswith("Exported 0 ")


def is_context(reply: ToolReply) -> bool:
    return not reply.is_error and reply.text.startswith("{")


def in_context(reply: ToolReply) -> list[dict[str, Any]]:
    """The memories of `get_context` in its raw format. MemoryUnavailable: it is none."""
    if not is_context(reply):
        raise MemoryUnavailable(f"cortex gives no context: {reply.first_line}")
    context = _json(reply.text)
    summary = context.get("summary", {}) if isinstance(context, dict) else None
    if not isinstance(context, dict) or not isinstance(summary, dict):
        raise MemoryUnavailable("cortex gives no context: it is no object")
    found, recent = context.get("relevantMemories", []), summary.get("recentMemories", [])
    if not isinstance(found, list) or not isinstance(recent, list):
        raise MemoryUnavailable("cortex gives no context: its memories are no list")
    return _memories([*found, *recent])


def _json(text: str, start: int = 0) -> object:
    """What begins at *start*, with nothing behind it. None: it is none, or one that takes up hundreds of megabytes."""
    if has_more_values(text, MOST_VALUES) or has_more_keys(text, MOST_KEYS):
        return None
    try:
        value, end = _READER.raw_decode(text, start)
    except (ValueError, RecursionError):
        return None
    return None if text[end:].strip() else value


def _memories(rows: Sequence[object]) -> list[dict[str, Any]]:
    """Those that have what is asked for of one. Another's memories may be of any shape, and are none of ours."""
    return [row for row in rows if isinstance(row, dict) and _is_memory(row)]


def _is_memory(row: Mapping[str, Any]) -> bool:
    metadata = row.get("metadata") or {}
    read = _json(metadata.strip()) if isinstance(metadata, str) else metadata
    return isinstance(row.get("title"), str) and isinstance(row.get("content"), str) and isinstance(read, dict)


def long_term_count(reply: ToolReply) -> int | None:
    """Of `memory_stats`; None where it is not said."""
    found = _LONG_TERM.search(reply.text)
    return int(found[1]) if found else None
