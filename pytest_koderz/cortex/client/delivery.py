"""The thread that carries memories from the spool to the server, and answers questions on the way."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from concurrent.futures import CancelledError
from dataclasses import dataclass
from typing import Any, TypeVar

from pytest_koderz.core.errors import MemoryUnavailable

from .connection import Connection, Launch, connect
from .kept_memories import by_title, export, holds
from .replies import in_context, is_context, long_term_count, remembered
from .spool import RESENT, Owed, Spool, State

T = TypeVar("T")
Question = Callable[[Connection], Awaitable[T]]

Complain = Callable[[str], None]

REAL_SERVER = "claude-cortex"
CAP = 5_000
"""claude-cortex deletes long-term memories beyond this number, the least important first, without a word."""
NEAR = 4_000
"""From here on the user is told."""
MARGIN = 100
"""Room left under the cap for other writers; the count is asked for again after as many memories."""

MOST_REASONS = 3
"""Why a server refuses memories that are told; it may give another one for each."""
MOST_TITLES = 8
"""Of one memory that a server takes for others, after which it counts as refused."""

POLITENESS = 0.005
"""Seconds between being told of a memory and sending it, so that the two threads do not want Python at once."""

FIRST_DELAY, LONGEST_DELAY = 0.2, 15.0
"""Seconds before a server that failed is started again; doubled each time until something is stored."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of the memories of one process; adds up over processes."""

    stored: int = 0
    """The server said that it has them."""
    verified: int = 0
    """Of these: read back from the server, and equal to what was sent."""
    owed: int = 0
    """Still in the spool, to be delivered another time."""
    missing: tuple[str, ...] = ()
    """Titles that the server said it has, but does not have, or not as they were sent."""
    warnings: tuple[str, ...] = ()

    def __add__(self, other: Delivery) -> Delivery:
        return Delivery(
            self.stored + other.stored,
            self.verified + other.verified,
            self.owed + other.owed,
            (*self.missing, *other.missing),
            tuple(dict.fromkeys((*self.warnings, *other.warnings))),
        )

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> Delivery:
        """From what `dataclasses.asdict` made, after a journey that turned tuples into lists."""
        return cls(**{**plain, "missing": tuple(plain["missing"]), "warnings": tuple(plain["warnings"])})


class Courier:
    """Owns one thread, its event loop, and in it one connection to the server.

    It starts with the first call of `wake` or `ask`, so that a process without memories has no server. The server may
    be slow, hang, crash or be absent: whoever calls is not held up by it.
    """

    def __init__(
        self, launch: Launch, spool: Spool, *, resuming: bool = False, complain: Complain | None = None
    ) -> None:
        """*complain* is told, in the courier's thread, why the server refuses memories: the first reasons, at once."""
        self.launch = launch
        self.spool = spool
        self._complain = complain or _to_nobody
        self._complained: set[str] = set()
        self._resuming = resuming
        """What is queued may have been delivered by somebody else since."""
        self.down = False
        """The last attempt to reach the server failed."""
        self.warnings: dict[str, str] = {}
        self.server = ""
        """Name and version, once it has said them."""
        self.first = ""
        """The experiment whose memories go first, since somebody waits for them."""
        self._awaited = 0
        """How many wait for an answer."""
        self._doubted = False
        """A question had no answer: whether the server is still there is to be found out."""
        self._seen: dict[str, bool] = {}
        """By experiment: whether the server had memories of it before this process sent any."""
        self._stopped = False
        self._thread: threading.Thread | None = None
        self._mutex = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None

    def wake(self) -> None:
        """There is something to carry. Returns at once."""
        try:
            loop = self._started()
        except MemoryUnavailable as error:  # the spool keeps it
            self.warnings["down"] = str(error)
            return
        with contextlib.suppress(RuntimeError):  # the loop has ended: likewise
            loop.call_soon_threadsafe(self._work.set)

    def ask(self, question: Question[T], timeout: float, after: str = "") -> T:
        """The server's answer, asked once it has all memories of the experiment *after*. Raises MemoryUnavailable.

        Where the server is known to be down, nobody waits.
        """
        if self.down:
            raise MemoryUnavailable(self.warnings.get("down", "cortex is not there"))
        self.first = after or self.first
        return self._wait(self._answer(question, after), timeout)

    def settle(self, timeout: float) -> None:
        """Wait until all is carried and verified, or nothing more can be done, or *timeout* seconds are over."""
        if self.spool.count(State.QUEUED, State.SENDING, State.STORED):
            try:
                self._wait(self._settled(), timeout)
            except MemoryUnavailable as error:
                self.warnings.setdefault("down", str(error))

    def close(self) -> None:
        """Stop the server and the thread. What is still queued stays in the spool."""
        with self._mutex:
            thread, loop = self._thread, self._loop
        if thread is None or loop is None:
            return
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(self._stop)
        thread.join(10.0)  # a server has three seconds to end

    def _wait(self, answer: Coroutine[Any, Any, T], timeout: float) -> T:
        try:
            future = asyncio.run_coroutine_threadsafe(answer, self._started())
        except MemoryUnavailable:
            answer.close()
            raise
        except RuntimeError as error:
            answer.close()
            raise MemoryUnavailable("cortex is closed") from error
        try:
            return future.result(timeout)
        except TimeoutError as error:
            future.cancel()
            raise MemoryUnavailable(f"cortex did not answer within {timeout:g} s") from error
        except CancelledError as error:
            raise MemoryUnavailable("cortex is closed") from error

    def _started(self) -> asyncio.AbstractEventLoop:
        with self._mutex:
            if self._loop is None:
                loop = asyncio.new_event_loop()
                self._work, self._idle, self._hurry, self._sent, self._asked = (asyncio.Event() for _ in range(5))
                self._ready: asyncio.Future[Connection] = loop.create_future()
                thread = threading.Thread(target=self._live, args=(loop,), name="cortex", daemon=True)
                try:
                    thread.start()
                except RuntimeError as error:  # a limit of the system is in the way
                    loop.close()
                    raise MemoryUnavailable(f"cortex cannot be reached: {error}") from None
                self._loop, self._thread = loop, thread
            return self._loop

    def _live(self, loop: asyncio.AbstractEventLoop) -> None:
        asyncio.set_event_loop(loop)
        self._task = loop.create_task(self._serve())
        try:
            with contextlib.suppress(asyncio.CancelledError):
                loop.run_until_complete(self._task)
        except sqlite3.Error as error:
            self.warnings["down"] = f"the spool cannot be read or written: {error}"
        finally:
            self.down = True
            for task in (left := asyncio.all_tasks(loop)):
                task.cancel()
            loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.close()

    def _stop(self) -> None:
        self._stopped = True
        self._task.cancel()

    async def _serve(self) -> None:
        """Connect, and connect again whenever the server fails, later and later as long as nothing gets through."""
        delay = FIRST_DELAY
        # A cancellation that meets a server's failure becomes a part of it, and comes only once.
        while True:
            stored = self.spool.count(State.STORED)
            try:
                async with connect(self.launch) as connection:
                    await self._carry(connection)
            except MemoryUnavailable as error:
                self.warnings["down"] = str(error)
            self._lose()
            if self._stopped:
                return
            delay = FIRST_DELAY if self.spool.count(State.STORED) > stored else min(2 * delay, LONGEST_DELAY)
            self._hurry.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._hurry.wait(), delay)

    def _lose(self) -> None:
        """The connection is gone: those who wait for one learn it, the next ones wait for the next."""
        self.down = True
        if not self._ready.done():
            self._ready.set_exception(MemoryUnavailable(self.warnings.get("down", "cortex is not there")))
            self._ready.exception()  # seen: nobody may have been waiting
        self._ready = asyncio.get_running_loop().create_future()
        self._doubted = False
        self._idle.set()
        self._sent.set()

    async def _carry(self, connection: Connection) -> None:
        """Send what is queued, and wait for more, as long as the connection lasts."""
        self.server = connection.server
        await self._find_out(connection)
        room = await self._room(connection)
        self.down = False
        self._ready.set_result(connection)
        while True:
            owed = self.spool.next(self.first)
            if owed is None or room <= 0:
                self._idle.set()
                await self._work.wait()
                await self._polite()
                self._work.clear()
                if self._doubted:
                    await connection.call("get_project", {})
                    self._doubted = False
                room = room if room > 0 else await self._room(connection)
                continue
            self._idle.clear()
            await self._send(connection, owed)
            self._sent.set()
            room = room - 1 if room > 1 else await self._room(connection)

    async def _polite(self) -> None:
        """Let the experiment that has just told something go on, unless it waits for an answer."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._asked.wait(), POLITENESS)

    async def _find_out(self, connection: Connection) -> None:
        """Look up what was sent without an answer, so that nothing is stored twice."""
        uncertain = self.spool.in_state(State.SENDING, *([State.QUEUED] if self._resuming else []))
        if not uncertain:
            return
        rows = by_title(await export(connection, self.launch, common_benchmark(uncertain)))
        there = [owed.number for owed in uncertain if same(owed, rows.get(owed.memory.title))]
        self.spool.mark([owed.number for owed in uncertain], State.QUEUED)
        self.spool.mark(there, State.STORED)

    async def _send(self, connection: Connection, owed: Owed) -> None:
        self.spool.mark([owed.number], State.SENDING)
        there = await self._there(connection, owed)
        if there is not None:
            if same(owed, there):
                self.spool.mark([owed.number], State.STORED)
            else:
                self._rename(owed)
            return
        answer = remembered(await connection.call("remember", owed.memory.arguments(self.launch.project)))
        if answer.kept:
            self.spool.mark([owed.number], State.STORED)
            self.warnings.pop("down", None)
        elif answer.busy:
            self.spool.mark([owed.number], State.QUEUED)
            await asyncio.sleep(FIRST_DELAY)
        elif answer.id is not None:
            self._rename(owed)
        else:
            self._refused(owed, answer.reason)

    def _rename(self, owed: Owed) -> None:
        """Send it again under another title, as long as that may help."""
        if owed.memory.title.count(RESENT) < MOST_TITLES:
            self.spool.rename(owed.number)
        else:
            self._refused(owed, "taken for a similar memory under each of its titles")

    def _refused(self, owed: Owed, reason: str) -> None:
        self.spool.mark([owed.number], State.REFUSED, reason)
        if reason not in self._complained and len(self._complained) < MOST_REASONS:
            self._complained.add(reason)
            with contextlib.suppress(Exception):  # whoever listens cannot stop the delivery
                self._complain(refusal(reason))

    async def _there(self, connection: Connection, owed: Owed) -> Mapping[str, Any] | None:
        """What the server has under its title. Only asked where it knew the experiment before: a resumed one."""
        experiment, title = owed.memory.experiment_id, owed.memory.title
        if not self._seen.get(experiment, True):
            return None
        arguments = {"project": self.launch.project, "query": title, "format": "raw"}
        reply = await connection.call("get_context", arguments)
        row = by_title(in_context(reply)).get(title) if is_context(reply) else None
        self._seen.setdefault(experiment, row is not None)
        return row

    async def _room(self, connection: Connection) -> int:
        """How many memories may be sent before the server's number of them is to be asked for again."""
        if not connection.server.startswith(REAL_SERVER):
            return 1_000_000
        stored = long_term_count(await connection.call("memory_stats", {"project": "*"}))
        if stored is None:
            return MARGIN
        if stored >= NEAR:
            full = " It is full: nothing more is sent" if stored >= CAP - MARGIN else ""
            self.warnings["cap"] = (
                f"{stored} of the {CAP} long-term memories that {REAL_SERVER} keeps are used; beyond, it deletes old "
                f"ones.{full or ' It will be full soon'}: use another database, or export and forget."
            )
        return max(0, min(MARGIN, CAP - MARGIN - stored))

    async def _answer(self, question: Question[T], after: str = "") -> T:
        self._awaited += 1
        self._asked.set()
        try:
            connection = await asyncio.shield(self._ready)
            await self._delivered(after)
            return await self._asking(question, connection)
        finally:
            self._awaited -= 1
            if not self._awaited:
                self._asked.clear()

    async def _delivered(self, experiment: str) -> None:
        """Until the server has all memories of *experiment*."""
        while experiment and self.spool.unsent(experiment):
            self._sent.clear()
            self._work.set()
            await self._sent.wait()
            if self.down:
                raise MemoryUnavailable(self.warnings.get("down", "cortex is not there"))

    async def _asking(self, question: Question[T], connection: Connection) -> T:
        try:
            return await question(connection)
        except MemoryUnavailable:
            self._doubted = True
            self._work.set()
            raise

    async def _settled(self) -> None:
        """Twice, since what turns out to be missing is sent once more."""
        for _ in range(2):
            missing = await self._verified()
            if not missing:
                return
            self.spool.mark(missing, State.QUEUED)
        self.spool.mark(await self._verified(), State.MISSING)

    async def _verified(self) -> list[int]:
        """Numbers of what the server does not have as it was sent. It may have died since it was last heard of."""
        await self._emptied()
        try:
            missing = await self._answer(self._verify)
        except MemoryUnavailable:
            await self._emptied()
            missing = await self._answer(self._verify)
        return [owed.number for owed in missing]

    async def _emptied(self) -> None:
        """Until nothing can be sent any more. A server that fails again and again is given up for now."""
        failures, stored = 0, self.spool.count(State.STORED)
        # One that has been there before may be worth a longer wait than one that was never seen.
        while failures < (8 if self.server else 3):
            self._idle.clear()
            self._work.set()
            self._hurry.set()
            await self._idle.wait()
            if not self.down:
                return
            before, stored = stored, self.spool.count(State.STORED)
            failures = 0 if stored > before else failures + 1
        raise MemoryUnavailable(self.warnings.get("down", "cortex is not there"))

    async def _verify(self, connection: Connection) -> list[Owed]:
        """Compare what was stored with what the server has now; return what is not there as it was sent."""
        stored = self.spool.in_state(State.STORED)
        if not stored:
            return []
        rows = by_title(await export(connection, self.launch, common_benchmark(stored)))
        right = [owed.number for owed in stored if same(owed, rows.get(owed.memory.title))]
        self.spool.mark(right, State.VERIFIED)
        return [owed for owed in stored if owed.number not in set(right)]


def common_benchmark(owed: Iterable[Owed]) -> str:
    """The benchmark that all of *owed* are of; empty where there is none."""
    benchmarks = {str(one.memory.metadata.get("benchmark_id", "")) for one in owed}
    return benchmarks.pop() if len(benchmarks) == 1 else ""


def refusal(reason: str) -> str:
    return f"cortex refused a memory: {reason}"


def refusals(reasons: Sequence[str]) -> list[str]:
    """A line for each of the first, and how many more there are."""
    more = len(reasons) - MOST_REASONS
    told = [refusal(reason) for reason in reasons[:MOST_REASONS]]
    return [*told, f"cortex refused memories for {more} more reasons"] if more > 0 else told


def _to_nobody(_: str) -> None: ...


def same(owed: Owed, row: Mapping[str, Any] | None) -> bool:
    return row is not None and holds(row, owed.memory)
