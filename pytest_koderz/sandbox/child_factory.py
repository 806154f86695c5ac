"""Children of one kind, each for one candidate: a fork server, and the next child that stands ready."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from pytest_koderz.core.errors import SandboxFault

from .fork_server import ForkedProcess, ForkServer


class ChildFactory:
    """A fork server for candidates of one kind, whose children each serve one of them. The next one stands ready."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self._server = ForkServer(settings)
        self._spares: deque[ForkedProcess] = deque()

    @contextmanager
    def child(self) -> Iterator[ForkedProcess]:
        """A locked child for one candidate, which does not outlive it. Another one begins while it is at work."""
        try:
            child = self._spares.popleft()
        except IndexError:
            child = self._ordered()
        try:
            child.await_greeting()
            self._spares.append(self._ordered())
            yield child
        finally:
            child.leave_nothing()

    @property
    def alive(self) -> bool:
        return self._server.alive

    def missing(self) -> tuple[str, ...]:
        """Names of the layers that its children lack, of which one is seen to start."""
        with self.child():
            return self._server.missing

    def let_go(self) -> None:
        """End the children that stand ready."""
        with suppress(IndexError):  # others may take them at the same time
            while True:
                close_quietly(self._spares.pop())

    def close(self) -> None:
        self.let_go()
        self._server.close()

    def _ordered(self) -> ForkedProcess:
        return ForkedProcess(self._server, candidate=True)


def close_quietly(process: ForkedProcess) -> None:
    """One that cannot be ended ends with its server; whoever is judged meanwhile is told of it."""
    with suppress(SandboxFault):
        process.close()
