"""The embedded server's side of MCP."""

from __future__ import annotations

import logging
import sqlite3
import sys
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .memory_tools import MemoryTools
from .store import Store, UnfitFile
from .tool_schemas import DESCRIPTIONS, SCHEMAS

if TYPE_CHECKING:
    from mcp.server.lowlevel import Server

NAME = "pytest-koderz-cortex"


def serve(database: Path, environment: Mapping[str, str]) -> int:
    """Serve MCP on stdin and stdout until stdin ends; returns the exit status."""
    import anyio

    logging.basicConfig(stream=sys.stderr, level=logging.WARNING)
    try:
        store = Store(database.absolute())
    except (UnfitFile, OSError, sqlite3.Error) as error:
        # Nothing mends such a file; sqlite3 has other classes for what else is wrong with one.
        cure = "; move it away, and a new one is begun" if type(error) is sqlite3.DatabaseError else ""
        sys.stderr.write(f"{database}: {error}{cure}\n")
        return 1
    try:
        anyio.run(_serve, MemoryTools(store, environment.get("CLAUDE_MEMORY_PROJECT"), Path.cwd()))
    except KeyboardInterrupt:
        return 130
    finally:
        store.close()
    return 0


async def _serve(tools: MemoryTools) -> None:
    from mcp.server.stdio import stdio_server

    server = server_of(tools)
    async with stdio_server() as (incoming, outgoing):
        await server.run(incoming, outgoing, server.create_initialization_options())


def server_of(tools: MemoryTools) -> Server[dict[str, Any]]:
    import mcp_types as types
    from mcp.server.lowlevel import Server

    listed = [
        types.Tool(
            name=name,
            description=DESCRIPTIONS[name],
            input_schema=schema,
            execution=types.ToolExecution(task_support="forbidden"),
        )
        for name, schema in SCHEMAS.items()
    ]

    async def on_list_tools(_: object, __: object) -> types.ListToolsResult:
        return types.ListToolsResult(tools=listed)

    async def on_call_tool(_: object, asked: types.CallToolRequestParams) -> types.CallToolResult:
        text, is_error = tools.call(asked.name, asked.arguments or {})
        return types.CallToolResult(content=[types.TextContent(type="text", text=text)], is_error=is_error)

    return Server(NAME, version=_version(), on_list_tools=on_list_tools, on_call_tool=on_call_tool)


def _version() -> str:
    try:
        return version("pytest-koderz")
    except PackageNotFoundError:
        return "0"
