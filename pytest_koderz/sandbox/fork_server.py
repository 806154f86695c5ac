"""The fork servers and the processes that they fork, seen from the supervisor."""

from __future__ import annotations

import errno
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from pytest_koderz.core.errors import SandboxFault

from . import scratch
from .channel import GREETING_SIZE
from .file_attributes import LONGEST_REQUEST, perform
from .resources import ExitStatus, exit_status_of, pidfd_of, threads_of

HOME = str(Path(__file__).parents[2])
"""The folder that this package is imported from."""
_START = f"import sys; sys.path.append({HOME!r}); from pytest_koderz.sandbox.zygote import main; main()"
_FLAGS = ["-P", "-s", "-S", "-X", "utf8"]
"""Of the interpreter: nothing is found but what we name. -I would ignore the environment, which is our own."""
_ENVIRONMENT = {"MALLOC_ARENA_MAX": "1", "PYTHONHASHSEED": "0"}
"""The API keys of this process stay in it. Threads share one heap, since those of their own would take 64 MB each of
the address space; and a set has the same order in each run."""
_START_SECONDS = 30.0
_MOST_THREADS = 256
_NOBODY = 0
"""No child's id."""


class ForkServer:
    """A zygote. It ends by itself when the supervisor does, however that comes about."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self.scratch = scratch.make()
        """Where its children write, each in a folder of its own."""
        here, there = socket.socketpair()
        self._control = here
        with there:
            try:
                self._process = _started(there.fileno(), {"home": HOME, "scratch": self.scratch, **settings})
            except SandboxFault:
                here.close()
                scratch.remove(self.scratch)
                raise
        self._lock = threading.Lock()
        self._ready = False
        self._said = "it said nothing"
        self.missing: tuple[str, ...] = ()
        """Names of the locks that its children lack; known once it has answered."""
        self._introduce()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it still answers: one that was killed may take a while to end."""
        try:
            if self._ready:
                self.exit_status(_NOBODY)
        except SandboxFault:
            return False
        return self._process.poll() is None

    def fork(self, descriptors: Sequence[int]) -> None:
        """Ask for a child with *descriptors* as its channel, stdout and stderr; it will greet over the channel."""
        with self._lock:
            self._wait()
            try:
                socket.send_fds(self._control, [b"f"], descriptors)
            except OSError as error:
                raise SandboxFault(f"a fork server of the sandbox is gone: {error}") from None

    def exit_status(self, pid: int) -> ExitStatus:
        """How the child *pid*, which has been killed or ended by itself, did end."""
        with self._lock:
            try:
                self._control.sendall(b"w" + pid.to_bytes(4, "big"))
                return exit_status_of(json.loads(self._control.recv(200)))
            except (OSError, ValueError) as error:
                raise SandboxFault(f"a fork server of the sandbox is gone: {error}") from None

    def close(self) -> None:
        self._control.close()
        self._process.kill()
        self._process.wait()
        if self._process.stderr:
            self._process.stderr.close()
        scratch.remove(self.scratch)

    def _last_words(self) -> str:
        """The last line that it wrote to stderr, also for those who ask again."""
        self._process.kill()
        lines = (self._process.stderr.read() if self._process.stderr else b"").decode(errors="replace").splitlines()
        self._said = lines[-1] if lines else self._said
        return self._said

    def _introduce(self) -> None:
        """Hand over a descriptor that tells when this process ends; systems without one see the socket close."""
        descriptor = pidfd_of(os.getpid())
        with suppress(OSError):  # it has ended already, which the first order will tell
            if descriptor is None:
                self._control.send(b"s")
            else:
                socket.send_fds(self._control, [b"s"], [descriptor])
        if descriptor is not None:
            os.close(descriptor)

    def _wait(self) -> None:
        if self._ready:
            return
        self._control.settimeout(_START_SECONDS)
        try:
            greeting = self._control.recv(4096)
        except OSError as error:
            raise SandboxFault(f"a fork server of the sandbox does not answer: {error}") from None
        if not greeting:
            raise not_started("a fork server", self._last_words())
        _, *missing = json.loads(greeting)
        self.missing = tuple(missing)
        self._ready = True


def _started(control: int, settings: dict[str, Any]) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [sys.executable, *_FLAGS, "-c", _START, json.dumps(settings)],
            stdin=control,
            stdout=control,  # which cannot be sought in, as the pipes of its children cannot
            stderr=subprocess.PIPE,
            env=_ENVIRONMENT,
            cwd="/",
            start_new_session=True,
        )
    except OSError as error:
        raise not_started("a fork server", str(error)) from None


def not_started(what: str, why: str) -> SandboxFault:
    """With the cure where processes lack, as the system or a process of ours says; anything else has words of its own,
    such as memory.
    """
    cure = "; this user may have no more processes: end some, or raise the limit (ulimit -u)"
    more = cure if f"[Errno {errno.EAGAIN}]" in why else ""
    return SandboxFault(f"{what} of the sandbox did not start: {why}{more}")


class ForkedProcess:
    """A process that another one forked for us, named by a descriptor where the kernel has them."""

    def __init__(self, server: ForkServer, *, candidate: bool) -> None:
        """Order it. Raises SandboxFault where there is nobody to fork it."""
        self.sock, there = socket.socketpair()
        self._server = server
        self._excess: str | None = None
        self.pid = 0
        self.out = self.err = -1
        self._pidfd: int | None = None
        self._folder: int | None = None
        self.requests: socket.socket | None = None
        """Where it asks for what is done for it in its scratch folder."""
        ends = []
        if candidate:
            self.out, out = os.pipe()
            self.err, err = os.pipe()
            ends = [out, err]
            if sys.platform == "linux":
                self.requests, asking = socket.socketpair(type=socket.SOCK_SEQPACKET)
                ends.append(asking.detach())
        else:
            ends = [os.open(os.devnull, os.O_WRONLY) for _ in range(2)]
        try:
            server.fork([there.fileno(), *ends])
        except SandboxFault:
            self.close()
            raise
        finally:
            there.close()
            for end in ends:
                os.close(end)

    @property
    def scratch(self) -> str:
        """The folder that it may write in, as it calls it."""
        root = self._server.scratch
        return scratch.folder_of(root, self.pid) if self.leaves_files else scratch.furnished(root)

    @property
    def leaves_files(self) -> bool:
        """What it writes does not go by itself, nor does the kernel bound it."""
        return "private mounts" in self._server.missing

    @property
    def missing(self) -> tuple[str, ...]:
        """Names of the locks that it lacks, as all children of its zygote do."""
        return self._server.missing

    def await_greeting(self) -> None:
        """Wait until it is ready. Raises SandboxFault where it is not in time."""
        self.sock.settimeout(_START_SECONDS)
        try:
            greeting = self.sock.recv(GREETING_SIZE)
            pid = int.from_bytes(greeting, "big")
            if pid == 0:
                why = self.sock.recv(4096).decode(errors="replace") if greeting else "it said nothing"
                raise not_started("a process", why)
            self._pidfd = pidfd_of(pid)
            self._take_folder()
        except OSError as error:
            raise SandboxFault(f"a process of the sandbox does not answer: {error}") from None
        self.sock.settimeout(None)
        self.pid = pid

    def _take_folder(self) -> None:
        """It was sent before the greeting, when nobody else had a word to say there."""
        if self.requests:
            _, folders, _, _ = socket.recv_fds(self.requests, 1, 1, socket.MSG_DONTWAIT)
            if not folders:  # this process has too many files open to be given one
                raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
            (self._folder,) = folders

    def kill(self) -> None:
        """End it, and what it has started where nothing kept it from that. Raises SandboxFault."""
        try:
            if self._pidfd is not None:
                signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)
            elif self.pid:
                os.kill(self.pid, signal.SIGKILL)
            if self.pid and "seccomp" in self._server.missing:
                os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            return
        except PermissionError as error:
            raise SandboxFault(f"a process of the sandbox cannot be ended: pidfd_send_signal: {error}") from None

    def exit_status(self) -> ExitStatus:
        """How it ended; it is killed first if it has not."""
        self.kill()
        return replace(self._server.exit_status(self.pid), excess=self._excess)

    def restrain(self) -> None:
        """Kill it if it has outgrown what is bounded, or what no limit of the kernel bounds."""
        if threads_of(self.pid) > _MOST_THREADS:
            self._excess = f"more than {_MOST_THREADS} threads"
        elif self._is_overgrown():
            self._excess = "too many or too large files"
        if self._excess:
            self.kill()

    def _is_overgrown(self) -> bool:
        if self.leaves_files:
            return scratch.is_overgrown(self.scratch)
        return self._folder is not None and scratch.is_full(self._folder)

    def leave_nothing(self) -> None:
        """End it, and remove what would stay of it."""
        if self.leaves_files and self.pid:
            with suppress(SandboxFault):
                self.exit_status()  # it must be over before its folder can be removed
            scratch.remove(scratch.place_of(self._server.scratch, self.pid))
        self.close()

    def serve_request(self) -> bool:
        """Do what it asks for in its scratch folder, and answer; False where it will ask no more."""
        if not self.requests or self._folder is None:
            return False
        try:
            request = self.requests.recv(LONGEST_REQUEST, socket.MSG_DONTWAIT)
            number = perform(self._folder, self.scratch, request)
            self.requests.send(number.to_bytes(4, "big"), socket.MSG_DONTWAIT)
        except OSError:  # it is gone, or takes no answers
            return False
        return bool(request)

    def close(self) -> None:
        """Raises SandboxFault where it cannot be ended."""
        try:
            self.kill()
        finally:
            self.sock.close()
            if self.requests:
                self.requests.close()
            for descriptor in (self.out, self.err, self._pidfd, self._folder):
                if descriptor is not None and descriptor >= 0:
                    os.close(descriptor)
