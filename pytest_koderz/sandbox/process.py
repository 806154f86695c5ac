"""A forked process of the sandbox, seen from the supervisor."""

from __future__ import annotations

import os
import signal
import socket
from contextlib import suppress
from dataclasses import replace

from pytest_koderz.core.errors import SandboxFault

from . import scratch
from .greeting import SIZE
from .servers import Server
from .usage import Fate, handle_of, threads_of

_START_SECONDS = 20.0
_MOST_THREADS = 256


class Process:
    """A process that another one forked for us, named by a descriptor where the kernel has them."""

    def __init__(self, server: Server, *, locked: bool, scratch: str | None = None) -> None:
        """Raises SandboxFault where it does not come to be, or is not ready in time."""
        self.sock, there = socket.socketpair()
        self._server = server
        self._scratch = scratch
        self._excess: str | None = None
        self.pid = 0
        self.out = self.err = -1
        self._pidfd: int | None = None
        ends = []
        if locked:
            self.out, out = os.pipe()
            self.err, err = os.pipe()
            ends = [out, err]
        else:
            ends = [os.open(os.devnull, os.O_WRONLY) for _ in range(2)]
        try:
            server.fork([there.fileno(), *ends])
            there.close()
            self._await_greeting()
        except SandboxFault:
            self.close()
            raise
        finally:
            there.close()
            for end in ends:
                os.close(end)

    @property
    def scratch(self) -> str | None:
        """The folder that it may write in."""
        return self._scratch and scratch.folder_of(self._scratch, self.pid)

    @property
    def missing(self) -> tuple[str, ...]:
        """Names of the locks that it lacks, as all children of its zygote do."""
        return self._server.missing

    def _await_greeting(self) -> None:
        self.sock.settimeout(_START_SECONDS)
        try:
            greeting = self.sock.recv(SIZE)
            pid = int.from_bytes(greeting, "big")
            if not greeting:
                raise SandboxFault("a process of the sandbox did not start")
            self._pidfd = handle_of(pid)
        except OSError as error:
            raise SandboxFault(f"a process of the sandbox does not answer: {error}") from None
        self.sock.settimeout(None)
        self.pid = pid

    def kill(self) -> None:
        with suppress(ProcessLookupError):
            if self._pidfd is not None:
                signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)
            elif self.pid:
                os.kill(self.pid, signal.SIGKILL)

    def fate(self) -> Fate:
        """How it ended; it is killed first if it has not."""
        self.kill()
        return replace(self._server.fate(self.pid), excess=self._excess)

    def restrain(self) -> None:
        """Kill it if it has outgrown what no limit of the kernel bounds."""
        if threads_of(self.pid) > _MOST_THREADS:
            self._excess = f"more than {_MOST_THREADS} threads"
        elif self.scratch and scratch.is_overgrown(self.scratch):
            self._excess = "too many or too large files"
        if self._excess:
            self.kill()

    def close(self) -> None:
        self.kill()
        self.sock.close()
        for descriptor in (self.out, self.err, self._pidfd):
            if descriptor is not None and descriptor >= 0:
                os.close(descriptor)
