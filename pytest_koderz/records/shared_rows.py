"""A small database that the processes and threads of a benchmark share."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .private_files import make_private_database

BUSY_SECONDS = 60.0
"""How long a process waits for others that are writing."""


@contextmanager
def shared_rows(path: Path, tables: str) -> Iterator[sqlite3.Connection]:
    """A connection of its own for each use, since threads must not share one; *tables* are made where they are missing.

    The file appears with the first use. Raises OSError and sqlite3.Error.
    """
    make_private_database(path)
    rows = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
    try:
        rows.executescript(tables)
        yield rows
    finally:
        rows.close()
