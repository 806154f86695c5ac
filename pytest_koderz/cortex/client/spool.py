"""The durable queue between an experiment and the memory server: two small files for each process."""

from __future__ import annotations

import errno
import itertools
import json
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from threading import Lock
from typing import IO, Any

from pytest_koderz.cortex.transaction import writing
from pytest_koderz.files.locks import lock
from pytest_koderz.files.secret_values import Redaction
from pytest_koderz.records.private_files import make_private_database, open_private

from .memories import MemoryEntry

_SCHEMA = """
CREATE TABLE IF NOT EXISTS owed (
    number INTEGER PRIMARY KEY,
    title TEXT NOT NULL UNIQUE,
    experiment TEXT NOT NULL,
    kind TEXT NOT NULL,
    turn INTEGER NOT NULL,
    digest TEXT NOT NULL,
    state TEXT NOT NULL,
    reason TEXT NOT NULL DEFAULT '',
    -- Where its text stands in the inbox.
    place INTEGER NOT NULL,
    length INTEGER NOT NULL
);
-- How many bytes of the inbox are listed here.
CREATE TABLE IF NOT EXISTS listed (bytes INTEGER NOT NULL);
INSERT INTO listed SELECT 0 WHERE NOT EXISTS (SELECT * FROM listed);
CREATE INDEX IF NOT EXISTS owed_by_state ON owed (state, number);
CREATE INDEX IF NOT EXISTS owed_by_experiment ON owed (experiment, kind, turn);
"""


INBOX, LOCK = ".memories", ".lock"
"""Suffixes of the files beside the database."""

RESENT = " resent-"
"""Before a number: in the title of a memory that was sent before under another one."""

_OWED = "SELECT number, title, place, length FROM owed"


class State(StrEnum):
    """How far a memory has come on its way to the server."""

    QUEUED = "queued"
    SENDING = "sending"
    """Sent, without an answer yet: it may or may not be there."""
    STORED = "stored"
    """The server said so."""
    VERIFIED = "verified"
    """It was read back, and is what was sent."""
    REFUSED = "refused"
    """The server will not have it; the reason is kept."""
    MISSING = "missing"
    """The server said that it has it, and twice did not."""


@dataclass(frozen=True, slots=True)
class Owed:
    """One memory in the queue."""

    number: int
    memory: MemoryEntry


class SpoolTaken(Exception):
    """Another process, or another part of this one, has the spool open."""


class Spool:
    """A queue that survives the death of its process. Any thread may call it; one process at a time may open it.

    `put` appends a line to the inbox and does no more, so that an experiment never waits for the courier. Everybody
    else lists what has come in before looking. What is written is with the operating system but not forced to the
    disk: the death of the process loses nothing.
    """

    def __init__(self, path: Path, redaction: Redaction | None = None) -> None:
        self.path = path
        self._redaction = redaction or Redaction()
        self._mutex = Lock()
        make_private_database(path)
        with ExitStack() as opened:
            self._taken = opened.enter_context(closing(_take(path)))
            connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=5.0)
            self._database = opened.enter_context(closing(connection))
            # The disk is waited for only when the log moves into the file: every 20,000 pages, many thousand states.
            self._database.executescript(
                f"PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA wal_autocheckpoint=20000; {_SCHEMA}"
            )
            (self._listed,) = self._database.execute("SELECT bytes FROM listed").fetchone()
            self._inbox = Inbox(_beside(path, INBOX))
            opened.pop_all()

    def put(self, memory: MemoryEntry) -> None:
        """Queue *memory*. The same memory again is left out; another one of the same title gets a title of its own.

        Raises OSError where the disk is full.
        """
        self._inbox.append(self._redaction.of_json(memory.as_json()))

    def next(self, experiment: str = "") -> Owed | None:
        """The oldest queued memory; one of *experiment* goes before all others."""
        for pattern in (experiment, "*"):
            query = f"{_OWED} WHERE state = ? AND experiment GLOB ? ORDER BY number LIMIT 1"
            if pattern and (row := self._one(query, State.QUEUED, pattern)):
                return self._owed(row)
        return None

    def in_state(self, *states: State) -> tuple[Owed, ...]:
        """All memories in one of *states*, oldest first."""
        query = f"{_OWED} WHERE state IN (SELECT value FROM json_each(?)) ORDER BY number"  # noqa: S608 - a constant
        return tuple(map(self._owed, self._all(query, json.dumps(states))))

    def unsent(self, experiment: str) -> bool:
        """Whether any memory of *experiment* is still on its way."""
        query = "SELECT 1 FROM owed WHERE experiment = ? AND state IN (?, ?) LIMIT 1"
        return self._one(query, experiment, State.QUEUED, State.SENDING) is not None

    def mark(self, numbers: Sequence[int], state: State, reason: str = "") -> None:
        with self._mutex, writing(self._database):
            self._database.executemany(
                "UPDATE owed SET state = ?, reason = ? WHERE number = ?",
                [(state, reason, number) for number in numbers],
            )

    def retry(self) -> None:
        """Queue again what was refused or missing."""
        self.mark([owed.number for owed in self.in_state(State.REFUSED, State.MISSING)], State.QUEUED)

    def rename(self, number: int) -> None:
        """Give a memory another title and queue it again: the server took it for one that it has."""
        with self._mutex:
            self._database.execute(
                "UPDATE owed SET title = title || ? || number, state = ? WHERE number = ?",
                (RESENT, State.QUEUED, number),
            )

    def count(self, *states: State) -> int:
        query = "SELECT count(*) FROM owed WHERE state IN (SELECT value FROM json_each(?))"
        return int(self._all(query, json.dumps(states))[0][0])

    def reasons(self) -> tuple[str, ...]:
        """Why memories were refused, each reason once."""
        rows = self._all("SELECT DISTINCT reason FROM owed WHERE state = ?", State.REFUSED)
        return tuple(str(row[0]) for row in rows)

    def titles(self, experiment: str, kind: str) -> dict[int, str]:
        """The title of each number, the latest where there are several."""
        query = "SELECT turn, title FROM owed WHERE experiment = ? AND kind = ? ORDER BY number"
        return {int(turn): str(title) for turn, title in self._all(query, experiment, kind)}

    def experiment_of(self, name: str) -> str:
        """The experiment with a memory whose title ends in *name*; empty where there is none."""
        row = self._one("SELECT experiment FROM owed WHERE title LIKE '% ' || ? ORDER BY number LIMIT 1", name)
        return str(row[0]) if row else ""

    def close(self) -> None:
        """Close the files, and delete them if nothing in them is owed any more."""
        try:
            owed = self._one("SELECT 1 FROM owed WHERE state != ? LIMIT 1", State.VERIFIED)
        except sqlite3.Error:
            # Such as a full disk: what has come in is listed when there is room again.
            owed = (1,)
        with self._mutex:
            self._database.close()
            self._inbox.close()
            if owed is None:
                for suffix in ("", "-wal", "-shm", INBOX, LOCK):
                    _beside(self.path, suffix).unlink(missing_ok=True)
            self._taken.close()

    def _one(self, query: str, *values: object) -> tuple[Any, ...] | None:
        rows = self._all(query, *values)
        return rows[0] if rows else None

    def _all(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        with self._mutex:
            self._list()
            return self._database.execute(query, values).fetchall()

    def _list(self) -> None:
        """List what has come in, together with how far that went: a process that is killed does it all again."""
        lines = self._inbox.after(self._listed)
        if not lines:
            return
        listed = self._listed
        with writing(self._database):
            for line in lines:
                self._queue(line, listed)
                listed += len(line) + 1
            self._database.execute("UPDATE listed SET bytes = ?", (listed,))
        self._listed = listed

    def _queue(self, line: bytes, place: int) -> None:
        try:
            memory = MemoryEntry.from_json(line)
        except (ValueError, TypeError, KeyError):
            raise sqlite3.DatabaseError(f"no memory at byte {place} of {_beside(self.path, INBOX).name}") from None
        digest = memory.digest
        for title in _titles(memory.title):
            columns = (
                title,
                memory.experiment_id,
                memory.kind,
                memory.number,
                digest,
                State.QUEUED,
                place,
                len(line),
            )
            done = self._database.execute(
                "INSERT OR IGNORE INTO owed (title, experiment, kind, turn, digest, state, place, length)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                columns,
            )
            known = self._database.execute("SELECT 1 FROM owed WHERE title = ? AND digest = ?", (title, digest))
            if done.rowcount or known.fetchone():
                return

    def _owed(self, row: tuple[Any, ...]) -> Owed:
        number, title, place, length = row
        return Owed(number, replace(MemoryEntry.from_json(self._inbox.read(place, length)), title=title))


class Inbox:
    """A file of lines. Any thread may append; each line stays where it is."""

    def __init__(self, path: Path) -> None:
        self._lock = Lock()
        self._descriptor = open_private(path, os.O_RDWR | os.O_CREAT | os.O_APPEND)
        # A process that is killed tears at most the last line.
        os.ftruncate(self._descriptor, path.read_bytes().rfind(b"\n") + 1)

    def append(self, line: str) -> None:
        """Write *line* whole or not at all, in one write. Raises OSError where the disk is full."""
        content = line.encode() + b"\n"
        with self._lock:
            end = os.fstat(self._descriptor).st_size
            if os.write(self._descriptor, content) < len(content):
                os.ftruncate(self._descriptor, end)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def after(self, place: int) -> list[bytes]:
        """The whole lines from *place* on."""
        size = os.fstat(self._descriptor).st_size
        return self.read(place, size - place).split(b"\n")[:-1] if size > place else []

    def read(self, place: int, length: int) -> bytes:
        return os.pread(self._descriptor, length, place)

    def close(self) -> None:
        os.close(self._descriptor)


def owed_by(path: Path) -> int:
    """How many memories the spool at *path* still owes; it may be in use. 0 where it is no spool yet."""
    with closing(sqlite3.connect(path, timeout=5.0)) as database:
        try:
            query = "SELECT bytes, (SELECT count(*) FROM owed WHERE state NOT IN (?, ?)) FROM listed"
            listed, count = database.execute(query, (State.VERIFIED, State.STORED)).fetchone()
        except sqlite3.DatabaseError:
            return 0
    inbox = _beside(path, INBOX)
    return int(count) + (inbox.read_bytes().count(b"\n", listed) if inbox.exists() else 0)


def _titles(title: str) -> Iterator[str]:
    """*title*, and what else a memory of that title may be called."""
    yield title
    for turn in itertools.count(2):
        yield f"{title} again-{turn}"


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


def _take(path: Path) -> IO[str]:
    """A lock that ends with this process, however it ends."""
    taken = os.fdopen(open_private(_beside(path, LOCK), os.O_RDWR | os.O_CREAT), "r+")
    if not lock(taken, wait=False):
        taken.close()
        raise SpoolTaken(f"{path} is in use by another process")
    return taken
