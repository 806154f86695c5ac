"""Several experiments in flight in each of xdist's workers: what a worker holds, and how much of it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from threading import Condition
from typing import Any

from xdist.scheduler import LoadScheduling

AHEAD = 2
"""Items that a worker holds beside those in flight: the one that it reports, and the next to begin."""


class EagerQueue:
    """A worker's items, which begin as soon as they are here; the first to end is the first to be run.

    In the place of xdist's own TestQueue, with its methods. xdist runs one item at a time, and wants to know the next
    one before: with the order in which they were handed out one long experiment would hold up the reports of all
    others, and the items that the worker gets in their place. What is no number in it is the end.
    """

    def __init__(self, begin: Callable[[int], Any], ended: Callable[[int], bool]) -> None:
        """*begin* gives the Future of the item of that number, None for one that is only run; *ended* whether there
        is nothing left to wait for.
        """
        self._begin = begin
        self._ended = ended
        self._items: deque[Any] = deque()
        self._changed = Condition()

    @contextmanager
    def lock(self) -> Iterator[deque[Any]]:
        with self._changed:
            yield self._items
            self._changed.notify_all()

    def put(self, item: Any) -> None:
        future = self._begin(item) if isinstance(item, int) else None
        with self.lock() as items:
            items.append(item)
        if future is not None:
            future.add_done_callback(lambda _: self._notify())

    def replace(self, items: Iterable[Any]) -> None:
        with self.lock():
            self._items = deque(items)

    def get(self) -> Any:
        with self._changed:
            while (place := self._first()) is None:
                self._changed.wait()
            item = self._items[place]
            del self._items[place]
            return item

    def _first(self) -> int | None:
        """Its place. The end comes after all others."""
        waiting = [place for place, item in enumerate(self._items) if isinstance(item, int)]
        ended = next((place for place in waiting if self._ended(self._items[place])), None)
        return ended if waiting or not self._items else 0

    def _notify(self) -> None:
        with self._changed:
            self._changed.notify_all()


class JobsScheduling(LoadScheduling):  # type: ignore[misc]  # xdist has no types
    """Hands out items one by one, so that each worker holds as many as it has jobs, and few more."""

    collection: list[str] | None

    def __init__(self, config: Any, log: Any, jobs: int) -> None:
        super().__init__(config, log)
        self._window = max(jobs + AHEAD, self.maxschedchunk or 0)

    def check_schedule(self, node: Any, duration: float = 0) -> None:  # noqa: ARG002 - xdist's
        if node.shutting_down:
            return
        if self.pending:
            self._send_tests(node, self._window - len(self.node2pending[node]))
        else:
            node.shutdown()

    def schedule(self) -> None:
        if self.collection is not None:
            super().schedule()
            return
        if not self._check_nodes_have_same_collection():
            self.log("**Different tests collected, aborting run**")
            return
        self.collection = next(iter(self.node2collection.values()))
        self.pending[:] = range(len(self.collection))
        self._deal()

    def _deal(self) -> None:
        """By turns, so that what comes first begins first."""
        for _ in range(self._window):
            for node in self.nodes:
                self._send_tests(node, 1)
        for node in self.nodes if self.collection and not self.pending else ():
            node.shutdown()

    def _send_tests(self, node: Any, num: int) -> None:
        super()._send_tests(node, max(0, num))
