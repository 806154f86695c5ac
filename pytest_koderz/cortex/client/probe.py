"""Whether the memory server can be had, and keeps what it is told: for a look before anything is spent."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar
from uuid import uuid4

from pytest_koderz.core.errors import MemoryUnavailable

from .connection import Connection, Launch, connect
from .kept_memories import by_title, export, holds
from .memories import MemoryEntry
from .replies import has_deleted, remembered

T = TypeVar("T")


def server_name(
    *, cortex_path: str | None, database: Path, project: str = "koderz", environment: Mapping[str, str] | None = None
) -> str:
    """Name and version as the server itself gives them; it is started and stopped. Raises MemoryUnavailable.

    A *database* that is not there yet is not made.
    """

    async def named(connection: Connection, _: Launch) -> str:
        return connection.server

    return _asked(named, Launch.of(cortex_path, database, project, _given(environment)))


def probe(
    *, cortex_path: str | None, database: Path, project: str = "koderz", environment: Mapping[str, str] | None = None
) -> str | None:
    """Why the server does not keep what it is told; None: a memory was stored, read back equal, and forgotten.

    A *database* that is not there yet is not made: the server is then tried on one of its own.
    """
    try:
        return _asked(_kept_and_forgotten, Launch.of(cortex_path, database, project, _given(environment)))
    except MemoryUnavailable as fault:
        return str(fault)


async def _kept_and_forgotten(connection: Connection, launch: Launch) -> str | None:
    memory = _passing_memory()
    told = remembered(await connection.call("remember", memory.arguments(launch.project)))
    if told.id is None or not told.kept:
        return f"{connection.server} refused a memory: {told.reason}"
    row = by_title(await export(connection, launch, memory.experiment_id)).get(memory.title)
    gone = await connection.call("forget", {"id": told.id})
    if row is None:
        return f"{connection.server} said that it had a memory, and has it not"
    if not holds(row, memory):
        return f"{connection.server} gave back another memory than it was told"
    return None if has_deleted(gone) else f"{connection.server} did not forget a memory: {gone.first_line}"


def _passing_memory() -> MemoryEntry:
    name = f"probe_{uuid4().hex}"
    content = "Stored to see whether this server keeps what it is told, and forgotten at once."
    return MemoryEntry(f"{name} probe", content, "note", ("probe", name), {"kind": "probe"}, name, "probe")


def _asked(question: Callable[[Connection, Launch], Awaitable[T]], launch: Launch) -> T:
    async def ask(where: Launch) -> T:
        async with connect(where) as connection:
            return await question(connection, where)

    with TemporaryDirectory() as folder:
        elsewhere = replace(launch, database=Path(folder, "cortex.db"))
        return asyncio.run(ask(launch if launch.database.exists() else elsewhere))


def _given(environment: Mapping[str, str] | None) -> Mapping[str, str]:
    return os.environ if environment is None else environment
