"""What a memory server has kept, asked of it: all of a project's memories, and whether one is what was sent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import count
from typing import Any

from .connection import Connection, Launch
from .memories import MemoryEntry, lasting, metadata_of
from .replies import ToolReply, exported, exports_nothing

EXPORT_TIMEOUT = 120.0
"""Seconds for one answer."""
ROWS_AT_ONCE = 500
"""A few megabytes; a memory takes some kilobytes."""


async def export(connection: Connection, launch: Launch, benchmark: str = "") -> list[dict[str, Any]]:
    """All of the project's rows, or at least those of *benchmark*: claude-cortex knows no argument for one.

    Nor for a part of them; ours gives as many parts as there are.
    """
    every: dict[str, Any] = {"project": launch.project}
    if launch.cortex_path is not None:
        return exported(await _export(connection, every))
    rows: list[dict[str, Any]] = []
    for start in count(step=ROWS_AT_ONCE):
        part = {"tags": [benchmark] if benchmark else [], "offset": start, "limit": ROWS_AT_ONCE}
        reply = await _export(connection, every | part)
        rows += exported(reply)
        if exports_nothing(reply):
            break
    return rows


async def _export(connection: Connection, arguments: Mapping[str, Any]) -> ToolReply:
    return await connection.call("export_memories", arguments, EXPORT_TIMEOUT)


def by_title(rows: Iterable[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    return {str(row["title"]): row for row in rows}


def holds(row: Mapping[str, Any], memory: MemoryEntry) -> bool:
    """Whether *row* is what was to be stored, be it told at another time."""
    return bool(row["content"] == memory.content) and lasting(metadata_of(row)) == lasting(memory.metadata)
