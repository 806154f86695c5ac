"""`stop: decided`: no further problem is begun once there is a claim of the first arm."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_koderz.evidence.compare import Claim
from pytest_koderz.evidence.early_stop import decided, stops_of
from pytest_koderz.records.events import Looked
from pytest_koderz.records.plan import record_look
from pytest_koderz.records.recorded import about_of
from pytest_koderz.records.shared_rows import shared_rows
from pytest_koderz.reporters.text import counted

from .context import BenchmarkRun
from .look_record import is_shard
from .speaking import shown


def register(run: BenchmarkRun) -> StoppingRule | None:
    """None: the benchmark runs to its end."""
    if not run.settings.stops_when_decided or run.config.option.collectonly:
        return None
    rule = StoppingRule(run, Queue(run.folder / "queue.db"))
    run.register(rule, "stopping-rule")
    return rule


class Queue:
    """The problems in their order, which of them were begun, and the decision to begin no more: in a file that all
    processes and threads share. It appears when something is entered.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def enter(self, items: Sequence[tuple[str, str]]) -> None:
        """The items in their order, each with its problem, unless they stand there already."""
        with self._rows() as rows:
            rows.execute("BEGIN IMMEDIATE")
            there = rows.execute("SELECT problem, item FROM items ORDER BY place").fetchall()
            if there != list(items):
                rows.execute("DELETE FROM items")
                rows.executemany("INSERT INTO items (problem, item) VALUES (?, ?)", items)
            rows.execute("COMMIT")

    def items(self) -> list[tuple[str, str]]:
        """Problem and item, in order; empty where nothing was entered."""
        if not self._path.exists():
            return []
        with self._rows() as rows:
            return rows.execute("SELECT problem, item FROM items ORDER BY place").fetchall()

    def begin(self, problems: Iterable[str]) -> None:
        """Take them for begun, whatever was decided."""
        with self._rows() as rows:
            rows.execute("BEGIN IMMEDIATE")
            rows.executemany("INSERT OR IGNORE INTO begun VALUES (?)", [(problem,) for problem in problems])
            rows.execute("COMMIT")

    def admit(self, problem: str) -> str:
        """Begin it, unless it is begun already; the words of the decision that is in the way, or none."""
        with self._rows() as rows:
            # One statement asks and enters, so that no decision can come between.
            rows.execute("INSERT OR IGNORE INTO begun SELECT ? WHERE NOT EXISTS (SELECT 1 FROM decision)", (problem,))
            if rows.execute("SELECT 1 FROM begun WHERE problem = ?", (problem,)).fetchone():
                return ""
            return str(rows.execute("SELECT words FROM decision").fetchone()[0])

    def close(self, words: str) -> None:
        """Decide that no more are begun."""
        with self._rows() as rows:
            rows.execute("INSERT INTO decision SELECT ? WHERE NOT EXISTS (SELECT 1 FROM decision)", (words,))

    def decision(self) -> str:
        """Its words; empty: there is none."""
        if not self._path.exists():
            return ""
        with self._rows() as rows:
            found = rows.execute("SELECT words FROM decision").fetchone()
        return "" if found is None else str(found[0])

    def begun(self) -> set[str]:
        if not self._path.exists():
            return set()
        with self._rows() as rows:
            return {str(problem) for (problem,) in rows.execute("SELECT problem FROM begun")}

    def _rows(self) -> AbstractContextManager[sqlite3.Connection]:
        return shared_rows(self._path, _TABLES)


_TABLES = """
CREATE TABLE IF NOT EXISTS items (place INTEGER PRIMARY KEY, problem TEXT NOT NULL, item TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS begun (problem TEXT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS decision (words TEXT NOT NULL);
"""


class StoppingRule:
    """In each process it asks before a problem is begun; where reports come together it decides.

    It looks when the first k problems of the random order have ended, and at these alone: problems that end first
    are not a sample of all. Those that were begun meanwhile run to their end, in all arms.
    """

    def __init__(self, run: BenchmarkRun, queue: Queue) -> None:
        self._run = run
        self._queue = queue
        self._frame = run.frame
        self._order: list[str] = []
        """Problems, as they were drawn."""
        self._problems: dict[str, str] = {}
        """By item."""
        self._open: Counter[str] = Counter()
        """By problem: how many of its items have not ended."""
        self._ended = 0
        """How many of the order have ended, one after the other."""
        self._looks_at: tuple[int, ...] = ()
        """At how many of these there is a look."""
        self._said = False
        if not any(self._idle()):
            run.benchmark.admit = queue.admit

    @property
    def not_begun(self) -> Collection[str]:
        """Problems that the decision kept from beginning."""
        if not self._queue.decision():
            return ()
        begun = self._queue.begun()
        return {problem for problem, _ in self._queue.items() if problem not in begun}

    def pytest_report_header(self) -> list[str]:
        words = self._queue.decision()
        told = [f"{words}; remove `stop: decided` to go on"] if words else list(self._idle())
        return [shown(self._run.config, f"koderz: {self._run.mark}{line}") for line in told]

    def pytest_report_collectionfinish(self) -> list[str]:
        """Where this process has collected; xdist's controller has not, and says it at the end."""
        self._said = True
        return [shown(self._run.config, f"koderz: {self._run.mark}{line}") for line in self._unplanned()]

    def lines(self) -> Iterable[str]:
        return () if self._said else self._unplanned()

    def _unplanned(self) -> Iterator[str]:
        if not any(self._idle()) and not self._queue.items():
            yield "stop: decided has nothing to go by in tests of your own, which may ask for any problem: all are run"

    def _idle(self) -> Iterator[str]:
        if len(self._run.settings.arms) < 2:
            yield "stop: decided has nothing to decide, since one arm runs"
        elif is_shard(self._run.config):
            yield "stop: decided waits for nothing in a shard, of which nothing is claimed"

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Of tests of a user's own nobody knows how many problems there will be: nothing is entered, nor decided."""
        from .items import ExperimentItem

        ours = [item for item in session.items if isinstance(item, ExperimentItem)]
        if not self._run.head.get("planned") or any(self._idle()):
            return
        if not self._run.is_worker and self._run.recorded is not None:
            self._queue.begin(self._recorded({item.problem.id for item in ours}))
        # What the command line puts first, such as --ff, is no random beginning.
        ours.sort(key=lambda item: self._run.places.get(item.problem.id, 0.0))
        self._queue.enter([(item.problem.id, item.nodeid) for item in ours])

    def _recorded(self, problems: Collection[str]) -> set[str]:
        assert self._run.recorded is not None  # noqa: S101 - asked before
        groups = self._run.recorded.experiments.values()
        return {about_of(run).problem for group in groups for run in group.values()} & set(problems)

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        """What a crashed worker was at has no finish: from there on nothing is decided, since nobody knows of it."""
        if self._run.is_worker or not self._known() or nodeid not in self._problems:
            return
        self._open[self._problems.pop(nodeid)] -= 1
        while self._ended < len(self._order) and not self._open[self._order[self._ended]]:
            self._ended += 1
            if self._ended in self._looks_at and not self._queue.decision():
                self._look(self._order[: self._ended])

    def _known(self) -> bool:
        """Whether the queue was entered, which workers do."""
        if not self._order:
            items = self._queue.items()
            self._problems = {item: problem for problem, item in items}
            self._open = Counter(self._problems.values())
            self._order = list(dict.fromkeys(problem for problem, _ in items))
            self._looks_at = stops_of(len(self._order))
        return bool(self._order)

    def _look(self, problems: Sequence[str]) -> None:
        frame = replace(self._frame, planned=len(self._order))
        found = decided(frame, self._run.experiments.in_order(), frozenset(problems))
        if found is None:
            return
        look, claim = found
        word = "" if claim is Claim.INCONCLUSIVE else str(claim)
        self._frame = replace(frame, looks=(*frame.looks, look))
        if word:
            at = f"{look.problems} of {counted(look.planned, 'problem')}"
            self._queue.close(f"decided at {at} ({word}): no further problem is begun")
        # A look that cannot be recorded is not paid for by later ones, which is better than to end the run.
        with suppress(OSError):
            record_look(self._run.folder, Looked(look.problems, look.planned, word))
