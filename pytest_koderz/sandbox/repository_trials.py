"""Many versions of a repository's functions tried in one process, which has collected the tests before."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Any, Self

from pytest_koderz.core.errors import SandboxFault

from .channel import Channel, Gone, MalformedMessage
from .child_factory import ChildFactory
from .deadline import CapturedOutput, Stopwatch
from .fork_server import ForkedProcess

UNTRIED = "untried"
_WORDS = ("passed", "refused", UNTRIED)
_LARGEST = 1 << 20
_COLLECTING_SECONDS = 300.0
_REST_SECONDS = 5.0
_PATIENCE = 10
"""As the child has it."""


class TrialsBench:
    """One child. Its versions run one after the other; a thread that wants others meanwhile opens another one."""

    def __init__(self, factory: ChildFactory, order: dict[str, Any]) -> None:
        """Raises SandboxFault where the tests cannot be collected there."""
        self._stack = ExitStack()
        self._child: ForkedProcess = self._stack.enter_context(factory.child())
        self._channel = Channel(self._child.sock, _LARGEST, objects=True)
        self._output = CapturedOutput(self._child)
        try:
            self._collect({**order, "trials": True})
        except SandboxFault:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._stack.close()

    def tried(self, path: str, name: str, sources: Sequence[str], limits: Mapping[str, float]) -> list[str]:
        """Of each module in *sources*: `passed`, `refused`, or `untried` where this way does not do.

        *path* and *name* say where the function stands; *limits* has the seconds of the CPU that each test may take.
        Raises SandboxFault.
        """
        order = {"path": path, "name": name, "sources": list(sources), "limits": dict(limits)}
        words = self._asked(order, (sum(limits.values()) * _PATIENCE + 1) * len(sources))
        if type(words) is not list or len(words) != len(sources) or not all(each in _WORDS for each in words):
            raise SandboxFault("a process of the sandbox does not tell what came of its trials")
        return words

    def _collect(self, order: dict[str, Any]) -> None:
        placed = self._asked(order, _COLLECTING_SECONDS)
        if placed != ["placed"] or self._told(_COLLECTING_SECONDS) != ["collected"]:
            raise SandboxFault("a process of the sandbox could not collect the tests")

    def _asked(self, order: dict[str, Any], seconds: float) -> Any:
        try:
            self._child.sock.settimeout(None)
            self._channel.send(order)
        except Gone as error:
            raise SandboxFault(f"a process of the sandbox is gone: {error}") from None
        return self._told(seconds)

    def _told(self, seconds: float) -> Any:
        if not self._output.until(self._child.sock, Stopwatch(seconds, self._child.pid)):
            raise SandboxFault("a process of the sandbox does not answer in time")
        self._channel.deadline = time.monotonic() + _REST_SECONDS
        try:
            return self._channel.recv()
        except (Gone, MalformedMessage) as error:
            raise SandboxFault(f"a process of the sandbox is gone: {error}") from None
