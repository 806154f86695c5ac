"""The experiment's hooks into cortex: what happened is stored, what is asked is recalled."""

from __future__ import annotations

import atexit
import json
import os
import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Lock
from time import monotonic
from typing import Any, TypeVar

from pytest_koderz.core.arm import Arm
from pytest_koderz.core.errors import MemoryUnavailable
from pytest_koderz.core.experiment import Advice, Experiment, Guidance, Spec
from pytest_koderz.core.iteration import Iteration
from pytest_koderz.core.problem import Problem
from pytest_koderz.files.secret_values import Redaction

from .connection import Connection, Launch
from .delivery import Complain, Courier, Delivery, Question, refusals
from .kept_memories import by_title, export
from .memories import (
    MemoryEntry,
    advice_in,
    failure_of,
    memory_of_advice,
    memory_of_benchmark,
    memory_of_checkpoint,
    memory_of_iteration,
    memory_of_result,
    memory_of_spec,
    recalled_of,
    spec_in,
    spec_key,
    title_of,
)
from .replies import in_context
from .spool import Spool, SpoolTaken, State, owed_by

T = TypeVar("T")

CANNOT_SAY = (MemoryUnavailable, SpoolTaken, ValueError, OSError, sqlite3.Error)
"""Why nothing is recalled: no server, no spool, or a row that this version cannot read."""

SPOOLS = "**/*.spool"

PATIENCE = 20.0
"""Seconds that an experiment waits for cortex, whose server may have to start first.

Halved each time in vain, restored by an answer."""


def open_cortex(
    *,
    cortex_path: str | None,
    database: Path,
    spool: Path,
    project: str = "koderz",
    environment: Mapping[str, str] | None = None,
    head: Mapping[str, Any] | None = None,
    complain: Complain | None = None,
) -> Cortex:
    """A memory that starts no server before it is needed.

    *cortex_path* is claude-cortex's `dist/index.js`; None is the embedded server. *spool* is this process's own queue
    file. *environment* (default: this process's) gives PATH and HOME to the server, and what must not be stored.
    *head* is what the benchmark says of itself, kept with the first event; for one of its processes only.
    *complain* is told at once, in a thread of cortex's, why the server refuses memories: each reason once.
    """
    environment = os.environ if environment is None else environment
    launch = Launch.of(cortex_path, database, project, environment)
    return Cortex(launch, spool, Redaction.of(environment), head, complain)


class Cortex:
    """A plugin object: its methods are hooks. None of them raises because of the server, or waits long for it."""

    def __init__(
        self,
        launch: Launch,
        spool: Path,
        redaction: Redaction,
        head: Mapping[str, Any] | None = None,
        complain: Complain | None = None,
    ) -> None:
        self.launch = launch
        self._path = spool
        self._redaction = redaction
        self._head = head
        self._complain = complain
        self._mutex = Lock()
        self._opened: tuple[Spool, Courier] | None = None
        self._spec_keys: dict[tuple[str, str], str] = {}
        self._patience = PATIENCE

    def describe(self) -> str:
        """One line for a report's header. Starts nothing."""
        if self.launch.cortex_path is None:
            return f"embedded server, {_near(self.launch.database)}"
        return f"{_package_of(Path(self.launch.cortex_path))}, {_near(self.launch.database)}"

    # What is stored

    def pytest_koderz_spec_written(self, experiment: Experiment, spec: Spec) -> None:
        known = self._spec_keys.get((experiment.problem_id, experiment.arm))
        key = known or spec_key(experiment.problem_id, "", spec.model_id, experiment.prompt_version)
        self._store(memory_of_spec(experiment, spec, key))

    def pytest_koderz_iterated(self, experiment: Experiment, iteration: Iteration) -> None:
        self._store(memory_of_iteration(experiment, iteration))

    def pytest_koderz_advised(self, experiment: Experiment, advice: Advice) -> None:
        self._store(memory_of_advice(experiment, advice))

    def pytest_koderz_checkpointed(self, experiment: Experiment, guidance: Guidance) -> None:
        self._store(memory_of_checkpoint(experiment, guidance))

    def store_result(self, experiment: Experiment) -> None:
        """Keep how *experiment* ended; for the process that ran it."""
        self._store(memory_of_result(experiment))

    # What is recalled

    def pytest_koderz_recall_iterations(self, experiment: Experiment, limit: int) -> Sequence[Iteration] | None:
        """The last *limit* iterations of *experiment*, in order; None: cortex cannot be asked, or lacks one of them."""
        numbers = [iteration.number for iteration in experiment.iterations[-limit:]] if limit else []
        if not numbers:
            return []
        try:
            return self._recall_iterations(experiment, numbers)
        except CANNOT_SAY:
            return None

    def pytest_koderz_recall_spec(self, problem: Problem, arm: Arm) -> Spec | None:
        """The spec paid for earlier, for the same problem, model and prompt version; only where *arm* reuses specs."""
        if arm.spec is None:
            return None
        key = spec_key(problem.id, problem.prompt, arm.spec.model, arm.prompt_set.version)
        self._spec_keys[problem.id, arm.name] = key
        if not arm.reuse_spec:
            return None
        try:
            return self._recall_spec(key)
        except CANNOT_SAY:
            return None

    def pytest_koderz_recall_guidance(self, experiment: Experiment) -> Sequence[Advice] | None:
        """Guidance that helped on another problem, out of a failure like the latest of *experiment*; one at most."""
        last = experiment.iterations[-1].number if experiment.iterations else 0
        failure = failure_of(experiment, last)
        try:
            found = self._search(f"helped-{failure}") if failure else []
        except CANNOT_SAY:
            return None
        return [advice for advice in advice_in(found) if advice.problem_id != experiment.problem_id][:1]

    # What became of it

    def deliver(self, timeout: float) -> Delivery:
        """Send what is queued and compare what was sent with what the server has, within *timeout* seconds."""
        if self._opened is None:
            return Delivery()
        spool, courier = self._opened
        try:
            courier.settle(timeout)
            return _delivery(spool, courier)
        except (sqlite3.Error, OSError) as fault:
            # Such as a full disk, which must not take the summary with it.
            return Delivery(warnings=(f"{self._path}: {fault}",))

    def close(self) -> None:
        """Stop the server. What it has not got stays in the spool; an emptied spool is deleted."""
        with self._mutex:
            opened, self._opened = self._opened, None
        if opened is not None:
            spool, courier = opened
            atexit.unregister(self.close)
            courier.close()
            spool.close()

    def _open(self) -> tuple[Spool, Courier]:
        with self._mutex:
            if self._opened is None:
                spool = Spool(self._path, self._redaction)
                self._opened = spool, Courier(self.launch, spool, complain=self._complain)
                atexit.register(self.close)
            return self._opened

    def _store(self, memory: MemoryEntry) -> None:
        spool, courier = self._open()
        with self._mutex:
            head, self._head = self._head, None
        if head is not None:
            spool.put(memory_of_benchmark(head))
        spool.put(memory)
        courier.wake()

    def _recall_iterations(self, experiment: Experiment, numbers: Sequence[int]) -> Sequence[Iteration]:
        spool, _ = self._open()
        titles = spool.titles(experiment.id, "iteration")
        wanted = {number: titles.get(number) or title_of(experiment, f"iteration-{number}") for number in numbers}

        async def read(connection: Connection) -> Mapping[str, Mapping[str, Any]]:
            return await rows_of(connection, self.launch, experiment.id, list(wanted.values()))

        rows = self._ask(experiment.id, read)
        iterations = [recalled_of(Iteration, rows[title]) for title in wanted.values()]
        if [iteration.number for iteration in iterations] != list(numbers):
            raise ValueError("cortex has other iterations under these titles")
        return iterations

    def _recall_spec(self, key: str) -> Spec | None:
        name = f"spec-{key}"
        return spec_in(self._search(name, after=self._open()[0].experiment_of(name)), key)

    def _search(self, words: str, after: str = "") -> Sequence[Mapping[str, Any]]:
        """Rows found by *words*, among others, once the memories of the experiment *after* are there."""

        async def read(connection: Connection) -> Sequence[Mapping[str, Any]]:
            arguments = {"project": self.launch.project, "query": words, "format": "raw"}
            return list(by_title(in_context(await connection.call("get_context", arguments))).values())

        return self._ask(after, read)

    def _ask(self, experiment: str, question: Question[T]) -> T:
        _, courier = self._open()
        began = monotonic()
        try:
            answer = courier.ask(question, self._patience, after=experiment)
        except MemoryUnavailable:
            self._patience = max(self._patience / 2, 0.1) if monotonic() - began >= self._patience else self._patience
            raise
        self._patience = PATIENCE
        return answer


async def rows_of(
    connection: Connection, launch: Launch, experiment: str, titles: Sequence[str]
) -> dict[str, Mapping[str, Any]]:
    """The rows with these titles, in the order asked for. MemoryUnavailable: the server does not have them all.

    The context of a query holds the latest rows and the best found ones, which is nearly always enough; an export,
    which holds everything, grows with the database.
    """
    found: dict[str, Mapping[str, Any]] = {}
    for query in (f"{experiment} iteration", *titles):
        if not set(titles) <= set(found) and query not in found:
            arguments = {"project": launch.project, "query": query, "format": "raw"}
            found |= by_title(in_context(await connection.call("get_context", arguments)))
    if not set(titles) <= set(found):
        found |= by_title(await export(connection, launch))
    if lost := [title for title in titles if title not in found]:
        raise MemoryUnavailable(f"cortex does not have {lost[0]}")
    return {title: found[title] for title in titles}


def deliver_spools(
    folder: Path,
    *,
    cortex_path: str | None,
    database: Path,
    project: str = "koderz",
    environment: Mapping[str, str] | None = None,
    timeout: float = 600.0,
    pattern: str = SPOOLS,
) -> Delivery:
    """Deliver what the spools in *folder* still owe. A spool that is in use is left to its owner."""
    environment = os.environ if environment is None else environment
    launch = Launch.of(cortex_path, database, project, environment)
    until, total = monotonic() + timeout, Delivery()
    for path in sorted(folder.glob(pattern)):
        try:
            total += _deliver_one(Spool(path), launch, until - monotonic())
        except SpoolTaken as taken:
            total += Delivery(owed=owed_by(path), warnings=(str(taken),))
        except sqlite3.Error as error:
            total += Delivery(warnings=(f"{path}: {error}",))
    return total


def owed_in(folder: Path, pattern: str = SPOOLS) -> int:
    """How many memories the spools in *folder* still owe, those in use among them."""
    return sum(map(owed_by, folder.glob(pattern)))


def _deliver_one(spool: Spool, launch: Launch, timeout: float) -> Delivery:
    courier = Courier(launch, spool, resuming=True)
    try:
        spool.retry()
        courier.settle(max(timeout, 0.0))
        return _delivery(spool, courier)
    finally:
        courier.close()
        spool.close()


def _delivery(spool: Spool, courier: Courier) -> Delivery:
    verified, missing = spool.count(State.VERIFIED), spool.in_state(State.MISSING)
    owed = spool.count(State.QUEUED, State.SENDING, State.REFUSED)
    unsettled = owed or spool.count(State.STORED)
    known = {name: text for name, text in courier.warnings.items() if unsettled or name != "down"}
    return Delivery(
        stored=verified + spool.count(State.STORED, State.MISSING),
        verified=verified,
        owed=owed,
        missing=tuple(one.memory.title for one in missing),
        warnings=(*known.values(), *refusals(spool.reasons())),
    )


def _near(path: Path) -> str:
    """As it is written from here."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def _package_of(index: Path) -> str:
    """Name and version of the Node.js package that *index* belongs to."""
    for folder in list(index.absolute().parents)[:2]:
        try:
            package = json.loads((folder / "package.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        return f"{package.get('name', 'cortex')} {package.get('version', '')}".strip()
    return f"cortex at {index}"
