"""A forked process of the sandbox, seen from the supervisor."""

from __future__ import annotations

import json
import os
import signal
import socket
from contextlib import suppress

from pytest_koderz.core.errors import SandboxFault

from .servers import Server
from .usage import Fate

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
