"""What a worker of xdist holds, and in which order it runs it."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from pytest_koderz.session.worker_queue import AHEAD, EagerQueue, JobsScheduling

END = object()
PLAIN = 9
"""Of an item that is no experiment."""


@pytest.fixture
def futures() -> dict[int, Future[None]]:
    return {}


@pytest.fixture
def queue(futures: dict[int, Future[None]]) -> EagerQueue:
    def begin(number: int) -> Future[None] | None:
        if number != PLAIN:
            futures[number] = Future()
        return futures.get(number)

    return EagerQueue(begin, lambda number: number not in futures or futures[number].done())


def test_what_ends_first_is_run_first(queue: EagerQueue, futures: dict[int, Future[None]]) -> None:
    """And begins when it comes in; a plain test is run at once, the end comes last."""
    for item in (0, 1, 2, PLAIN, END):
        queue.put(item)
    assert sorted(futures) == [0, 1, 2]
    assert queue.get() == PLAIN
    futures[1].set_result(None)
    assert queue.get() == 1
    futures[2].cancel()
    assert queue.get() == 2
    futures[0].set_result(None)
    assert queue.get() == 0
    assert queue.get() is END


@dataclass(eq=False)
class Node:
    """A worker as its scheduler sees it."""

    name: str
    shutting_down: bool = False
    held: list[int] = field(default_factory=list)

    @property
    def gateway(self) -> Any:
        return SimpleNamespace(id=self.name)

    def send_runtest_some(self, indices: list[int]) -> None:
        self.held += indices

    def shutdown(self) -> None:
        self.shutting_down = True


def _scheduled(number: int, jobs: int, chunk: int = 1) -> tuple[JobsScheduling, list[Node]]:
    option = SimpleNamespace(tx=["2*popen"], maxschedchunk=chunk, rsyncdir=[], dist="load")
    config = SimpleNamespace(getoption=lambda name: getattr(option, name), getvalue=lambda name: getattr(option, name))
    config.option, config.hook = option, None
    scheduler, nodes = JobsScheduling(config, SimpleNamespace(loadsched=print), jobs), [Node("gw0"), Node("gw1")]
    for node in nodes:
        scheduler.add_node(node)
        scheduler.add_node_collection(node, [f"item{place}" for place in range(number)])
    scheduler.schedule()
    return scheduler, nodes


def test_each_worker_holds_its_jobs_and_few_more() -> None:
    """By turns in their order, and one for each that ends."""
    scheduler, (one, other) = _scheduled(20, jobs=2)
    assert (one.held, other.held) == ([0, 2, 4, 6], [1, 3, 5, 7])
    assert len(one.held) == 2 + AHEAD
    scheduler.mark_test_complete(other, 5)
    assert other.held[-1] == 8
    assert not one.shutting_down


def test_few_items_are_shared_out() -> None:
    """And both workers know that there will be no more."""
    _, (one, other) = _scheduled(5, jobs=4)
    assert (one.held, other.held) == ([0, 2, 4], [1, 3])
    assert one.shutting_down
    assert other.shutting_down


def test_a_larger_chunk_is_the_users() -> None:
    """--maxschedchunk."""
    _, (one, _) = _scheduled(40, jobs=2, chunk=7)
    assert len(one.held) == 7


def test_what_a_lost_worker_held_is_handed_on() -> None:
    """All but the item that it is blamed for."""
    scheduler, (one, other) = _scheduled(8, jobs=1)
    assert scheduler.remove_node(one) == "item0"
    assert scheduler.pending == [6, 7, 2, 4]
    scheduler.mark_test_complete(other, 1)
    assert other.held[-1] == 6
