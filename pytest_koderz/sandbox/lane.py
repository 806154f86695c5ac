"""A checker and the child that stands ready for its next candidate."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NoReturn

from pytest_koderz.core.errors import SandboxFault

from .channel import Channel, Gone
from .servers import Server
from .usage import Fate, usage_of, waited_seconds

LONGEST_OUTPUT = 10_000
"""Bytes of stdout and of stderr that are kept."""
_GRACE = 0.5
"""Seconds that the checker has for its result once the child is dead."""
_START_SECONDS = 20.0


class Process:
    """A process that another one forked for us, named by a descriptor where the kernel has them."""

    def __init__(self, server: Server, *, locked: bool) -> None:
        here, there = socket.socketpair()
        self._locked = locked
        self._server = server
        self.out = self.err = -1
        ends = []
        if locked:
            self.out, out = os.pipe()
            self.err, err = os.pipe()
            ends = [out, err]
        else:
            ends = [os.open(os.devnull, os.O_WRONLY) for _ in range(2)]
        try:
            server.fork([there.fileno(), *ends])
        except SandboxFault:
            here.close()
            raise
        finally:
            there.close()
            for end in ends:
                os.close(end)
        self.sock = here
        self.pid = 0
        self.missing: tuple[str, ...] = ()
        self._pidfd = -1

    def greet(self) -> None:
        """Wait until it is ready. Raises SandboxFault."""
        if self.pid:
            return
        self.sock.settimeout(_START_SECONDS)
        try:
            greeting, descriptors, _, _ = socket.recv_fds(self.sock, 4096, 1)
            if greeting[-1:] == b"}" and self._locked:
                greeting += self.sock.recv(1)
        except OSError as error:
            raise SandboxFault(f"a process of the sandbox does not answer: {error}") from None
        if greeting[-1:] != (b"l" if self._locked else b"}"):
            raise SandboxFault("a process of the sandbox did not start")
        self.sock.settimeout(None)
        said = json.loads(greeting.removesuffix(b"l"))
        self.pid, self.missing = said["pid"], tuple(said["missing"])
        self._pidfd = descriptors[0] if descriptors else -1

    def kill(self) -> None:
        with suppress(ProcessLookupError):
            if self._pidfd >= 0:
                signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)
            elif self.pid:
                os.kill(self.pid, signal.SIGKILL)

    def fate(self) -> Fate:
        """How it ended; it is killed first if it has not."""
        self.kill()
        return self._server.fate(self.pid)

    def close(self) -> None:
        self.kill()
        self.sock.close()
        for descriptor in (self.out, self.err, self._pidfd):
            if descriptor >= 0:
                os.close(descriptor)


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of one candidate, as the lane saw it."""

    answer: dict[str, Any] | None
    """The checker's; None where the time was up and it had none."""
    timed_out: bool
    seconds: float
    fate: Fate
    stdout: str
    stderr: str


class Lane:
    """Judges one candidate at a time, for one thread at a time. After a SandboxFault it is of no more use."""

    def __init__(self, checkers: Server) -> None:
        self._checker = Process(checkers, locked=False)
        self._control = Channel(self._checker.sock, None)
        self.known: set[str] = set()
        """Keys of the tests that this checker has."""
        self.broken = False

    def learn(self, key: str, *sources: str) -> None:
        """Give the checker a set of tests, once. Raises SandboxFault where they cannot be compiled."""
        if key not in self.known:
            self._checker.greet()
            self._told(self._ask(["learn", key, *sources]))
            self.known.add(key)

    def judge(self, child: Process, key: str, preamble: str, source: str, seconds: float) -> Trial:
        """Let the candidate *source* answer the tests *key* in *child*, for at most so many seconds with a CPU."""
        outputs = Outputs(child)
        watch = Stopwatch(seconds, (child.pid, self._checker.pid))
        self._send(["judge", key, preamble, source], [child.sock.fileno()])
        answered = outputs.until(self._checker.sock, watch)
        usage, taken = usage_of(child.pid), watch.seconds
        answer = self._told(self._receive()) if answered else self._settle(child)
        fate = Fate(usage) if usage else child.fate()
        return Trial(answer, not answered, taken, fate, *outputs.texts())

    def _settle(self, child: Process) -> dict[str, Any] | None:
        """The time was up: without its child the checker soon comes to an end, unless it is busy with an endless answer."""
        child.kill()
        readable, _, _ = select.select([self._checker.sock], [], [], _GRACE)
        if readable:
            return self._told(self._receive())
        self.broken = True
        return None

    def _ask(self, message: list[Any]) -> Any:
        self._send(message)
        return self._receive()

    def _send(self, message: list[Any], descriptors: list[int] | None = None) -> None:
        try:
            self._control.send(message, descriptors or ())
        except Gone:
            self._fail()

    def _receive(self) -> Any:
        try:
            return self._control.recv()
        except Gone:
            self._fail()

    def _fail(self) -> NoReturn:
        self.broken = True
        raise SandboxFault("the checker of the sandbox ended")

    def _told(self, answer: dict[str, Any]) -> dict[str, Any]:
        if "fault" in answer:
            raise SandboxFault(answer["fault"])
        return answer

    def close(self) -> None:
        self._checker.close()


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
