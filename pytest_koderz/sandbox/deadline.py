"""A candidate's time and output, while the supervisor waits for what comes of it."""

from __future__ import annotations

import os
import select
import socket
import time

from .fork_server import ForkedProcess
from .resources import cpu_seconds, waited_seconds

LONGEST_OUTPUT = 10_000
"""Bytes of stdout and of stderr that are kept."""


_GLANCE = 0.1
"""Seconds between two looks at how much a child has taken."""


class Stopwatch:
    """Wall-clock time without the time spent waiting for a CPU, so that a loaded machine fails no right answer."""

    def __init__(self, seconds: float, child: int, *others: int) -> None:
        self._limit = seconds
        self._child = child
        self._pids = child, *others
        self._waited = self._waits()
        self._start = time.monotonic()

    @property
    def seconds(self) -> float:
        """Wall-clock, since the start."""
        return time.monotonic() - self._start

    def left(self) -> float:
        """Seconds after which to look again; 0 or less: the time is up.

        Not more than three times the limit passes in all, and the child itself uses the CPUs no longer than the limit.
        """
        taken = self.seconds
        if taken < self._limit:
            return self._limit - taken
        waited = min(self._waits() - self._waited, 2 * self._limit)
        return self._limit - max(taken - waited, cpu_seconds(self._child))

    def _waits(self) -> float:
        return sum(map(waited_seconds, self._pids))


class CapturedOutput:
    """The beginning of what a child writes; the rest is read and dropped, so that it never stands still for us."""

    def __init__(self, child: ForkedProcess) -> None:
        self._child = child
        self._kept = {child.out: bytearray(), child.err: bytearray()}
        self._poller = select.poll()
        for pipe in self._kept:
            self._poller.register(pipe, select.POLLIN)

    def until(self, answer: socket.socket, watch: Stopwatch) -> bool:
        """Read until *answer* has something to say; False where the time was up before."""
        self._poller.register(answer, select.POLLIN)
        glance = _GLANCE
        while (left := watch.left()) > 0:
            ready = [number for number, _ in self._poller.poll(min(left, _GLANCE) * 1000 + 1)]
            if watch.seconds > glance:
                self._child.restrain()
                glance = watch.seconds + _GLANCE
            for pipe in self._kept.keys() & ready:
                self._read(pipe)
            if answer.fileno() in ready:
                break
        self._poller.unregister(answer)
        return left > 0

    def texts(self) -> tuple[str, ...]:
        """Stdout and stderr so far, cut, as text."""
        for pipe, _ in self._poller.poll(0):
            self._read(pipe)
        return tuple(_text(kept) for kept in self._kept.values())

    def _read(self, pipe: int) -> None:
        os.set_blocking(pipe, False)  # the child may take back what it wrote, and nobody would look at the clock
        try:
            chunk = os.read(pipe, 65536)
        except BlockingIOError:
            return
        if not chunk:
            self._poller.unregister(pipe)  # an end of file would wake us for ever
        kept = self._kept[pipe]
        kept += chunk[: LONGEST_OUTPUT + 1 - len(kept)]


def _text(output: bytearray) -> str:
    text = bytes(output[:LONGEST_OUTPUT]).decode(errors="backslashreplace")
    return f"{text}\n... (cut)" if len(output) > LONGEST_OUTPUT else text
