"""The embedded server's memories, in SQLite; several processes may use one file at once."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pytest_koderz.cortex.transaction import writing
from pytest_koderz.records.private_files import make_private_database

from .tool_schemas import CATEGORIES, TYPES

MIGRATIONS = (
    """
    CREATE TABLE memories (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        type TEXT NOT NULL,
        category TEXT NOT NULL,
        title TEXT NOT NULL,
        content TEXT NOT NULL,
        project TEXT,
        tags TEXT NOT NULL DEFAULT '[]',
        salience REAL NOT NULL,
        decayed_score REAL,
        access_count INTEGER NOT NULL DEFAULT 0,
        last_accessed TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP,
        created_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP,
        metadata TEXT NOT NULL DEFAULT '{}',
        scope TEXT NOT NULL DEFAULT 'project',
        transferable INTEGER NOT NULL DEFAULT 0,
        embedding BLOB,
        embedding_model TEXT
    );
    CREATE INDEX memories_by_access ON memories (project, last_accessed);
    CREATE VIRTUAL TABLE memories_fts USING fts5(title, content, tags, content='memories', content_rowid='id');
    CREATE TRIGGER memories_written AFTER INSERT ON memories BEGIN
        INSERT INTO memories_fts (rowid, title, content, tags) VALUES (new.id, new.title, new.content, new.tags);
    END;
    CREATE TRIGGER memories_forgotten AFTER DELETE ON memories BEGIN
        INSERT INTO memories_fts (memories_fts, rowid, title, content, tags)
        VALUES ('delete', old.id, old.title, old.content, old.tags);
    END;
    CREATE TABLE memory_links (
        source_id INTEGER NOT NULL REFERENCES memories (id) ON DELETE CASCADE,
        target_id INTEGER NOT NULL REFERENCES memories (id) ON DELETE CASCADE,
        relationship TEXT NOT NULL,
        strength REAL NOT NULL,
        PRIMARY KEY (source_id, target_id, relationship)
    );
    CREATE TABLE sessions (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        project TEXT,
        started_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP,
        ended_at TEXT,
        summary TEXT
    );
    """,
    """
    DROP INDEX memories_by_access;
    CREATE INDEX memories_by_access ON memories (project, last_accessed DESC, id);
    CREATE INDEX memories_by_category ON memories (category, salience);
    """,
)
"""Each takes the schema one version further; `user_version` counts those a file has had. Never edit one: add one."""

PROMOTED_FROM = 0.6
"""Salience from which a memory is long-term."""

Row = dict[str, Any]


class UnfitFile(Exception):
    """The file was written by a later version of this package, or by another program."""


@dataclass(frozen=True, slots=True)
class MemoryFilter:
    """Which memories are meant; what is None or empty does not restrict."""

    project: str | None = None
    include_global: bool = False
    query: str = ""
    category: str | None = None
    type: str | None = None
    tags: tuple[str, ...] = ()
    older_than_days: float | None = None
    salience_below: float | None = None
    salience_from: float | None = None

    def where(self) -> tuple[str, list[object]]:
        """The condition in SQL and its values."""
        clauses = list(self._clauses())
        return " AND ".join(clause for clause, _ in clauses) or "1", [
            value for _, values in clauses for value in values
        ]

    def _clauses(self) -> Iterator[tuple[str, Sequence[object]]]:
        if self.query.strip():
            yield "id IN (SELECT rowid FROM memories_fts WHERE memories_fts MATCH ?)", [search_of(self.query)]
        if self.project is not None:
            yield ("(project = ? OR scope = 'global')" if self.include_global else "project = ?"), [self.project]
        if self.tags:
            marks = ", ".join("?" * len(self.tags))
            yield f"EXISTS (SELECT 1 FROM json_each(memories.tags) WHERE value IN ({marks}))", self.tags  # noqa: S608 - marks are question marks
        for clause, value in (
            ("category = ?", self.category),
            ("type = ?", self.type),
            ("created_at < datetime('now', '-' || ? || ' days')", self.older_than_days),
            ("salience < ?", self.salience_below),
            ("salience >= ?", self.salience_from),
        ):
            if value is not None:
                yield clause, [value]


@dataclass(frozen=True, slots=True)
class Statistics:
    """Counts of memories."""

    by_type: Mapping[str, int] = field(default_factory=dict)
    by_category: Mapping[str, int] = field(default_factory=dict)
    average_salience: float = 0.0


class Store:
    """Keeps what it accepts: nothing is merged, cut, aged or deleted unless `forget` is asked to."""

    def __init__(self, path: Path) -> None:
        make_private_database(path)
        # A writer waits for the others; each holds the file for about a millisecond.
        self._database = sqlite3.connect(path, timeout=60.0, isolation_level=None)
        try:
            self._database.row_factory = sqlite3.Row
            self._database.executescript("PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON;")
            self._share()
            self._migrate()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        self._database.close()

    def add(self, memory: Mapping[str, Any]) -> Row:
        """Keep a memory. sqlite3.OperationalError: its title cannot be searched for, and it is not kept."""
        with writing(self._database):
            self._database.execute(
                "SELECT 1 FROM memories_fts WHERE memories_fts MATCH ? LIMIT 1", (search_of(memory["title"]) or '""',)
            ).fetchone()
            return self._insert(memory)

    def add_all(self, memories: Sequence[Mapping[str, Any]]) -> int:
        """Keep all of *memories*, or none where one cannot be kept."""
        with writing(self._database):
            return len([self._insert(memory) for memory in memories])

    def find(self, which: MemoryFilter, order: str = "id", limit: int = -1, offset: int = 0) -> list[Row]:
        """*order* is one of this module's own, never a user's text."""
        where, values = which.where()
        order_of = f"ORDER BY {order} LIMIT ? OFFSET ?"
        return self._rows(f"SELECT * FROM memories WHERE {where} {order_of}", *values, limit, offset)  # noqa: S608 - see the docstring

    def get(self, number: float) -> Row | None:
        rows = self._rows("SELECT * FROM memories WHERE id = ?", number)
        return rows[0] if rows else None

    def access(self, number: float) -> Row | None:
        """The memory, reinforced: what is looked at counts as more important, less so each time."""
        with writing(self._database):
            row = self.get(number)
            if row is None:
                return None
            self._database.execute(
                "UPDATE memories SET access_count = access_count + 1, last_accessed = CURRENT_TIMESTAMP, salience = ?"
                " WHERE id = ?",
                (min(1.0, row["salience"] + 0.2 * 0.9 ** row["access_count"]), number),
            )
            return self.get(number)

    def forget(self, numbers: Sequence[int]) -> None:
        with writing(self._database):
            self._database.executemany("DELETE FROM memories WHERE id = ?", [(number,) for number in numbers])

    def promotable(self) -> list[Row]:
        return self.find(MemoryFilter(type="short_term", salience_from=PROMOTED_FROM))

    def promote(self) -> int:
        """Make what has proved important long-term; returns how many."""
        with writing(self._database):
            return self._database.execute(
                "UPDATE memories SET type = 'long_term' WHERE type = 'short_term' AND salience >= ?", (PROMOTED_FROM,)
            ).rowcount

    def statistics(self, project: str | None) -> Statistics:
        where, values = MemoryFilter(project=project).where()
        counted = "SELECT {0}, count(*) FROM memories WHERE {1} GROUP BY {0} ORDER BY {0}"
        by_type = self._database.execute(counted.format("type", where), values).fetchall()
        by_category = self._database.execute(counted.format("category", where), values).fetchall()
        (average,) = self._database.execute(f"SELECT avg(salience) FROM memories WHERE {where}", values).fetchone()  # noqa: S608 - made by MemoryFilter
        return Statistics(dict(map(tuple, by_type)), dict(map(tuple, by_category)), average or 0.0)

    def link(self, source: float, target: float, relationship: str, strength: float) -> bool:
        """False: one of the two is not there, both are the same, or they are linked already, in whichever way."""
        if source == target:
            return False
        linked = "SELECT 1 FROM memory_links WHERE source_id = ? AND target_id = ?"
        try:
            with writing(self._database):
                if self._rows(linked, source, target):
                    return False
                self._database.execute(
                    "INSERT INTO memory_links VALUES (?, ?, ?, ?)", (source, target, relationship, strength)
                )
        except sqlite3.IntegrityError:
            return False
        return True

    def related(self, number: float) -> list[Row]:
        """Linked memories with `arrow`, `relationship` and `strength`; those it points to come first."""
        return self._rows(
            "SELECT m.*, '->' AS arrow, relationship, strength FROM memory_links JOIN memories m ON m.id = target_id"
            " WHERE source_id = ?1 UNION ALL "
            "SELECT m.*, '<-' AS arrow, relationship, strength FROM memory_links JOIN memories m ON m.id = source_id"
            " WHERE target_id = ?1",
            number,
        )

    def start_session(self, project: str | None) -> int:
        with writing(self._database):
            return int(self._database.execute("INSERT INTO sessions (project) VALUES (?)", (project,)).lastrowid or 0)

    def end_session(self, number: float, summary: str | None) -> None:
        with writing(self._database):
            self._database.execute(
                "UPDATE sessions SET ended_at = CURRENT_TIMESTAMP, summary = ? WHERE id = ?", (summary, number)
            )

    def _insert(self, memory: Mapping[str, Any]) -> Row:
        columns = ("type", "category", "title", "content", "project", "tags", "salience", "metadata", "scope")
        number = self._database.execute(
            "INSERT INTO memories (type, category, title, content, project, tags, salience, metadata, scope,"
            " transferable) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (*(memory[name] for name in columns), int(memory["transferable"])),
        ).lastrowid
        return self._rows("SELECT * FROM memories WHERE id = ?", number)[0]

    def _rows(self, query: str, *values: object) -> list[Row]:
        return [dict(row) for row in self._database.execute(query, values)]

    def _share(self) -> None:
        """Write-ahead log: readers and a writer at once. The one change that SQLite does not wait for by itself."""
        for attempt in range(100):
            try:
                self._database.execute("PRAGMA journal_mode=WAL")
            except sqlite3.OperationalError:
                if attempt == 99:
                    raise
                time.sleep(0.05)
            else:
                return

    def _migrate(self) -> None:
        with writing(self._database):
            (version,) = self._database.execute("PRAGMA user_version").fetchone()
            if version > len(MIGRATIONS):
                raise UnfitFile(f"written by a later version of this server (schema {version})")
            if version == 0 and self._database.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone():
                raise UnfitFile("another program's database; this server needs a file of its own")
            for number, script in enumerate(MIGRATIONS[version:], start=version + 1):
                # executescript would commit what came before it
                for statement in _statements(script):
                    self._database.execute(statement)
                self._database.execute(f"PRAGMA user_version = {number}")


def search_of(query: str) -> str:
    """*query* in the search's own syntax: all its words, in any order.

    A word with punctuation is quoted, and one with any other sign is left for the search to refuse, both as in
    claude-cortex: a title that this server takes is one that the other takes as well.
    """
    return " ".join(_word(word) for word in query.split())


def plain(row: Row) -> Row:
    """A row as `get_context` shows it."""
    return {
        "id": row["id"],
        "type": row["type"],
        "category": row["category"],
        "title": row["title"],
        "content": row["content"],
        "project": row["project"],
        "tags": json.loads(row["tags"]),
        "salience": row["salience"],
        "accessCount": row["access_count"],
        "lastAccessed": _moment(row["last_accessed"]),
        "createdAt": _moment(row["created_at"]),
        "decayedScore": row["salience"],
        "metadata": json.loads(row["metadata"]),
        "scope": row["scope"],
        "transferable": bool(row["transferable"]),
    }


def imported(entry: object) -> Row:
    """A memory from an entry of an export. ValueError: it is none."""
    if not isinstance(entry, dict) or not all(isinstance(entry.get(name), str) for name in ("title", "content")):
        raise ValueError("no memory: it has no title and content")
    row = {
        "type": entry.get("type", "long_term"),
        "category": entry.get("category", "note"),
        "title": entry["title"],
        "content": entry["content"],
        "project": entry.get("project"),
        "tags": _as_text(entry.get("tags", [])),
        "salience": float(entry.get("salience", 0.5)),
        "metadata": _as_text(entry.get("metadata", {})),
        "scope": entry.get("scope", "project"),
        "transferable": bool(entry.get("transferable", False)),
    }
    if row["type"] not in TYPES or row["category"] not in CATEGORIES:
        raise ValueError(f"no memory: its type is {row['type']!r}, its category {row['category']!r}")
    return row


def _as_text(value: object) -> str:
    if isinstance(value, str):
        json.loads(value)
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _word(word: str) -> str:
    if word.upper() in ("AND", "OR", "NOT") or any(sign in word for sign in '-:*^()&|./,{}+"'):
        return '"' + word.replace('"', '""') + '"'
    return word


def _moment(text: str) -> str:
    return f"{text.replace(' ', 'T')}.000Z"


def _statements(script: str) -> Iterator[str]:
    statement = ""
    for part in script.split(";"):
        statement += f"{part};"
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
