"""Whether the memory server can be had, without storing anything."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from .connection import Launch, connect


def server_name(
    *, cortex_path: str | None, database: Path, project: str = "koderz", environment: Mapping[str, str] | None = None
) -> str:
    """Name and version as the server itself gives them; it is started and stopped. Raises MemoryUnavailable.

    A *database* that is not there yet is not made.
    """
    launch = Launch.of(cortex_path, database, project, os.environ if environment is None else environment)
    with TemporaryDirectory() as folder:
        elsewhere = launch if database.exists() else replace(launch, database=Path(folder, "cortex.db"))
        return asyncio.run(_named(elsewhere))


async def _named(launch: Launch) -> str:
    async with connect(launch) as connection:
        return connection.server
