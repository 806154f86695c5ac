"""A memory server that loses what claude-cortex 2.0.0 is documented to lose, and fails when it is told to.

Started as `node forgetful.py --db FILE`. FILE with the suffix .faults says what goes wrong: `lost_reply`, `hang`,
`refuse`, `reject`, `drop` and `similar` list the numbers of the calls of `remember` concerned; with `refuse_by_number`
each has another reason; `long_term` is added to the count of long-term memories; `cut` is the length of contents; with
`keep` nothing is forgotten.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

import anyio

from pytest_koderz.cortex.server.mcp_server import server_of
from pytest_koderz.cortex.server.memory_tools import MemoryTools
from pytest_koderz.cortex.server.store import MemoryFilter, Store

SHORT_TERM_CAP = 250


class Forgetful(MemoryTools):
    """The embedded server's tools, with the losses put back in."""

    def __init__(self, store: Store, database: Path) -> None:
        super().__init__(store, "koderz", database.parent)
        self._calls = database.with_suffix(".calls")
        self._faults: dict[str, Any] = json.loads(database.with_suffix(".faults").read_text(encoding="utf-8"))

    def call(self, tool: str, arguments: Mapping[str, Any]) -> tuple[str, bool]:
        if tool == "remember":
            return self._remember_forgetfully(arguments), False
        if tool == "export_memories":  # claude-cortex knows no other argument
            arguments = {name: value for name, value in arguments.items() if name == "project"}
        if tool == "forget" and self._faults.get("keep"):
            return "Failed to forget: Error: locked", False
        if tool == "end_session":
            self._store.forget([row["id"] for row in self._store.find(MemoryFilter(type="short_term"))])
        text, is_error = super().call(tool, arguments)
        if tool == "memory_stats":
            more = self._faults.get("long_term", 0)
            count = len(self._store.find(MemoryFilter(type="long_term")))
            text = text.replace(f"Long-term: {count}", f"Long-term: {count + more}")
        return text, is_error

    def _remember_forgetfully(self, arguments: Mapping[str, Any]) -> str:
        with self._calls.open("a", encoding="utf-8") as calls:
            calls.write(".")
        number = self._calls.stat().st_size
        if number in self._faults.get("hang", ()):
            time.sleep(3600)
        if number in self._faults.get("refuse", ()):
            return "Failed to remember: Database is busy (another operation in progress). Please try again in a moment."
        if number in self._faults.get("reject", ()) or "transferable" in arguments:
            return "Failed to remember: Error: SQLite3 can only bind numbers, strings, bigints, buffers, and null"
        if self._faults.get("refuse_by_number"):
            return f"Failed to remember: Error: {number}"
        if number in self._faults.get("similar", ()) or self._has_like(arguments):
            return (
                f'Remembered: "{arguments["title"]}"\n  ID: 1\n  Type: long_term\n  Category: custom\n'
                "  Salience: 100%\n  Reason: Updated existing similar memory"
            )
        text, _ = super().call("remember", self._cut(arguments))
        rows = self._store.find(MemoryFilter(type="short_term"), "salience, last_accessed, id")
        self._store.forget([row["id"] for row in rows[: max(0, len(rows) - SHORT_TERM_CAP)]])
        if number in self._faults.get("drop", ()):
            self._store.forget([self._store.find(MemoryFilter())[-1]["id"]])
        if number in self._faults.get("lost_reply", ()):
            os._exit(1)
        return text

    def _has_like(self, arguments: Mapping[str, Any]) -> bool:
        important = arguments.get("importance") in ("high", "critical")
        rows = self._store.find(MemoryFilter(query=arguments["title"]))
        return important and any(row["title"] == arguments["title"] for row in rows)

    def _cut(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        content, limit = arguments["content"], self._faults.get("cut", 10_240)
        units = len(content.encode("utf-16-le")) // 2
        note = "\n\n[Content truncated - exceeded 10KB limit]"
        return {
            **arguments,
            "content": content if units <= limit else content[:limit] + note,
            "tags": list(arguments.get("tags", ()))[:10],
        }


async def serve(tools: MemoryTools) -> None:
    from mcp.server.stdio import stdio_server

    server = server_of(tools)
    server.name, server.version = "claude-cortex", "2.0.0"
    async with stdio_server() as (incoming, outgoing):
        await server.run(incoming, outgoing, server.create_initialization_options())


if __name__ == "__main__":
    path = Path(sys.argv[sys.argv.index("--db") + 1])
    anyio.run(serve, Forgetful(Store(path), path))
