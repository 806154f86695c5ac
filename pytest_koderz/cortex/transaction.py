"""A change of an SQLite database that happens whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3


@contextmanager
def writing(database: sqlite3.Connection) -> Iterator[None]:
    """Hold the write lock of *database*, which leaves transactions to its user; undo everything if the body raises."""
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
        database.execute("COMMIT")
    except BaseException:
        # SQLite itself has undone some of what fails, such as a commit that the disk has no room for.
        if database.in_transaction:
            database.execute("ROLLBACK")
        raise
