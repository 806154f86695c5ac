"""A candidate's time and output, while the supervisor waits for what comes of it."""

from __future__ import annotations

import os
import select
import socket
import time

from .process import Process
from .usage import waited_seconds

LONGEST_OUTPUT = 10_000
"""Bytes of stdout and of stderr that are kept."""


class Stopwatch:
    """Wall-clock time without the time spent waiting for a CPU, so that a loaded machine fails no right answer."""

    def __init__(self, seconds: float, pids: tuple[int, ...]) -> None:
        self._limit = seconds
        self._pids = pids
        self._waited = self._waits()
        self._start = time.monotonic()

    @property
    def seconds(self) -> float:
        """Wall-clock, since the start."""
        return time.monotonic() - self._start

    def left(self) -> float:
        """Seconds that it may still take, at the least. Not more than three times the limit passes in all."""
        taken = self.seconds
        if taken < self._limit:
            return self._limit - taken
        return min(self._limit - taken + self._waits() - self._waited, 3 * self._limit - taken)

    def _waits(self) -> float:
        return sum(map(waited_seconds, self._pids))


class Outputs:
    """The beginning of what a child writes; the rest is read and dropped, so that it never stands still for us."""

    def __init__(self, child: Process) -> None:
        self._kept = {child.out: bytearray(), child.err: bytearray()}
        self._poller = select.poll()
        for pipe in self._kept:
            os.set_blocking(pipe, False)
            self._poller.register(pipe, select.POLLIN)

    def until(self, answer: socket.socket, watch: Stopwatch) -> bool:
        """Read until *answer* has something to say; False where the time was up before."""
        self._poller.register(answer, select.POLLIN)
        while (left := watch.left()) > 0:
            ready = [number for number, _ in self._poller.poll(left * 1000 + 1)]
            if answer.fileno() in ready:
                return True
            for pipe in ready:
                self._read(pipe)
        return False

    def texts(self) -> tuple[str, ...]:
        """Stdout and stderr so far, cut, as text."""
        for pipe in self._kept:
            self._read(pipe)
        return tuple(_text(kept) for kept in self._kept.values())

    def _read(self, pipe: int) -> None:
        try:
            chunk = os.read(pipe, 65536)
        except BlockingIOError:
            return
        if not chunk:
            self._poller.register(pipe, 0)  # an end of file would wake us for ever
        kept = self._kept[pipe]
        kept += chunk[: LONGEST_OUTPUT + 1 - len(kept)]


def _text(output: bytearray) -> str:
    text = bytes(output[:LONGEST_OUTPUT]).decode(errors="backslashreplace")
    return f"{text}\n... (cut)" if len(output) > LONGEST_OUTPUT else text
