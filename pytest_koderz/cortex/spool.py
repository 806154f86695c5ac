"""The durable queue between an experiment and the memory server: a small SQLite file for each process."""

from __future__ import annotations

import fcntl
import itertools
import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from threading import Lock
from typing import IO, Any

from .memories import Memory
from .redaction import Redaction
from .transaction import writing

_SCHEMA = """
CREATE TABLE IF NOT EXISTS owed (
    number INTEGER PRIMARY KEY,
    title TEXT NOT NULL UNIQUE,
    experiment TEXT NOT NULL,
    kind TEXT NOT NULL,
    turn INTEGER NOT NULL,
    digest TEXT NOT NULL,
    state TEXT NOT NULL,
    reason TEXT NOT NULL DEFAULT ''
);
-- Apart, so that a change of state does not write the memory anew.
CREATE TABLE IF NOT EXISTS memories (number INTEGER PRIMARY KEY, text TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS owed_by_state ON owed (state, number);
CREATE INDEX IF NOT EXISTS owed_by_experiment ON owed (experiment, kind, turn);
"""


_OWED = "SELECT number, title, text FROM owed JOIN memories USING (number)"


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
    memory: Memory


class SpoolTaken(Exception):
    """Another process, or another part of this one, has the spool open."""


class Spool:
    """A queue that survives the death of its process. Any thread may call it; one process at a time may open it.

    A commit is written to the operating system but not forced to the disk: the death of the process loses nothing,
    and a write takes well below a millisecond.
    """

    def __init__(self, path: Path, redaction: Redaction | None = None) -> None:
        self.path = path
        self._redaction = redaction or Redaction()
        self._mutex = Lock()
        path.parent.mkdir(parents=True, exist_ok=True)
        self._taken = _take(path)
        try:
            self._database = sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=5.0)
            # The disk is waited for only when the log moves into the file: every 20,000 pages, a few thousand memories.
            self._database.executescript(
                f"PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA wal_autocheckpoint=20000; {_SCHEMA}"
            )
        except BaseException:
            self._taken.close()
            raise

    def put(self, memory: Memory) -> None:
        """Queue *memory*. The same memory again is left out; another one of the same title gets a title of its own."""
        digest, text = memory.digest, self._redaction.of_json(memory.as_json())
        with self._mutex, writing(self._database):
            for title in _titles(memory.title):
                if self._insert(title, memory, digest, text):
                    return
                if self._one("SELECT 1 FROM owed WHERE title = ? AND digest = ?", title, digest):
                    return

    def _insert(self, title: str, memory: Memory, digest: str, text: str) -> bool:
        """False: the title is taken."""
        columns = (title, memory.experiment_id, memory.kind, memory.number, digest, State.QUEUED)
        done = self._database.execute(
            "INSERT OR IGNORE INTO owed (title, experiment, kind, turn, digest, state) VALUES (?, ?, ?, ?, ?, ?)",
            columns,
        )
        if done.rowcount:
            self._database.execute("INSERT INTO memories VALUES (?, ?)", (done.lastrowid, text))
        return bool(done.rowcount)

    def next(self, experiment: str = "") -> Owed | None:
        """The oldest queued memory; one of *experiment* goes before all others."""
        for pattern in (experiment, "*"):
            query = f"{_OWED} WHERE state = ? AND experiment GLOB ? ORDER BY number LIMIT 1"
            if pattern and (row := self._locked(query, State.QUEUED, pattern)):
                return _owed(row)
        return None

    def in_state(self, *states: State) -> tuple[Owed, ...]:
        """All memories in one of *states*, oldest first."""
        query = f"{_OWED} WHERE state IN (SELECT value FROM json_each(?)) ORDER BY number"  # noqa: S608 - a constant
        with self._mutex:
            rows = self._database.execute(query, (json.dumps(states),)).fetchall()
        return tuple(_owed(row) for row in rows)

    def unsent(self, experiment: str) -> bool:
        """Whether any memory of *experiment* is still on its way."""
        query = "SELECT 1 FROM owed WHERE experiment = ? AND state IN (?, ?) LIMIT 1"
        return self._locked(query, experiment, State.QUEUED, State.SENDING) is not None

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
                "UPDATE owed SET title = title || ' resent-' || number, state = ? WHERE number = ?",
                (State.QUEUED, number),
            )

    def count(self, *states: State) -> int:
        query = "SELECT count(*) FROM owed WHERE state IN (SELECT value FROM json_each(?))"
        row = self._locked(query, json.dumps(states))
        return int(row[0]) if row else 0

    def reasons(self) -> tuple[str, ...]:
        """Why memories were refused, each reason once."""
        with self._mutex:
            rows = self._database.execute("SELECT DISTINCT reason FROM owed WHERE state = ?", (State.REFUSED,))
            return tuple(str(row[0]) for row in rows)

    def titles(self, experiment: str, kind: str) -> dict[int, str]:
        """The title of each number, the latest where there are several."""
        with self._mutex:
            rows = self._database.execute(
                "SELECT turn, title FROM owed WHERE experiment = ? AND kind = ? ORDER BY number", (experiment, kind)
            ).fetchall()
        return {int(turn): str(title) for turn, title in rows}

    def experiment_of(self, name: str) -> str:
        """The experiment with a memory whose title ends in *name*; empty where there is none."""
        row = self._locked("SELECT experiment FROM owed WHERE title LIKE '% ' || ? ORDER BY number LIMIT 1", name)
        return str(row[0]) if row else ""

    def close(self) -> None:
        """Close the file, and delete it if nothing in it is owed any more."""
        with self._mutex:
            (left,) = self._database.execute("SELECT count(*) FROM owed WHERE state != ?", (State.VERIFIED,)).fetchone()
            self._database.close()
            if not left:
                for name in (self.path.name, f"{self.path.name}-wal", f"{self.path.name}-shm", _lock_name(self.path)):
                    self.path.with_name(name).unlink(missing_ok=True)
            self._taken.close()

    def _one(self, query: str, *values: object) -> tuple[Any, ...] | None:
        row: tuple[Any, ...] | None = self._database.execute(query, values).fetchone()
        return row

    def _locked(self, query: str, *values: object) -> tuple[Any, ...] | None:
        with self._mutex:
            return self._one(query, *values)


def owed_by(path: Path) -> int:
    """How many memories the spool at *path* still owes; it may be in use. 0 where it is no spool yet."""
    query = "SELECT count(*) FROM owed WHERE state NOT IN (?, ?)"
    with closing(sqlite3.connect(path, timeout=5.0)) as database:
        try:
            (count,) = database.execute(query, (State.VERIFIED, State.STORED)).fetchone()
        except sqlite3.DatabaseError:
            return 0
        return int(count)


def _owed(row: tuple[Any, ...]) -> Owed:
    number, title, text = row
    return Owed(number, Memory.from_json(text, title))


def _titles(title: str) -> Iterator[str]:
    """*title*, and what else a memory of that title may be called."""
    yield title
    for turn in itertools.count(2):
        yield f"{title} again-{turn}"


def _lock_name(path: Path) -> str:
    return f"{path.name}.lock"


def _take(path: Path) -> IO[str]:
    """A lock that ends with this process, however it ends."""
    taken = path.with_name(_lock_name(path)).open("w")
    try:
        fcntl.flock(taken, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        taken.close()
        raise SpoolTaken(f"{path} is in use by another process") from error
    return taken
