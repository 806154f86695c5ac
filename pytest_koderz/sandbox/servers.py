"""The fork servers, seen from the supervisor."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from pytest_koderz.core.errors import SandboxFault

from .usage import Fate, fate_of, handle_of

HOME = str(Path(__file__).parents[2])
"""The folder that this package is imported from."""
_START = f"import sys; sys.path.append({HOME!r}); from pytest_koderz.sandbox.zygote import main; main()"
_FLAGS = ["-P", "-s", "-S", "-X", "utf8"]
"""Of the interpreter: nothing is found but what we name. -I would ignore the environment, which is our own."""
_ENVIRONMENT = {"MALLOC_ARENA_MAX": "1", "PYTHONHASHSEED": "0"}
"""The API keys of this process stay in it. Threads share one heap, since those of their own would take 64 MB each of
the address space; and a set has the same order in each run."""
_START_SECONDS = 30.0
_NOBODY = 0
"""No child's id."""


class Server:
    """A zygote. It ends by itself when the supervisor does, however that comes about."""

    def __init__(self, settings: dict[str, Any]) -> None:
        here, there = socket.socketpair()
        with there:
            self._process: subprocess.Popen[bytes] = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                [sys.executable, *_FLAGS, "-c", _START, json.dumps({"home": HOME, **settings})],
                stdin=there.fileno(),
                stdout=there.fileno(),  # which cannot be sought in, as the pipes of its children cannot
                stderr=subprocess.PIPE,
                env=_ENVIRONMENT,
                cwd="/",
                start_new_session=True,
            )
        self._control = here
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
                self.fate(_NOBODY)
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

    def fate(self, pid: int) -> Fate:
        """How the child *pid*, which has been killed or ended by itself, did end."""
        with self._lock:
            try:
                self._control.sendall(b"w" + pid.to_bytes(4, "big"))
                return fate_of(json.loads(self._control.recv(200)))
            except (OSError, ValueError) as error:
                raise SandboxFault(f"a fork server of the sandbox is gone: {error}") from None

    def close(self) -> None:
        self._control.close()
        self._process.kill()
        self._process.wait()
        if self._process.stderr:
            self._process.stderr.close()

    def _last_words(self) -> str:
        """The last line that it wrote to stderr, also for those who ask again."""
        self._process.kill()
        lines = (self._process.stderr.read() if self._process.stderr else b"").decode(errors="replace").splitlines()
        self._said = lines[-1] if lines else self._said
        return self._said

    def _introduce(self) -> None:
        """Hand over a descriptor that tells when this process ends; systems without one see the socket close."""
        descriptor = handle_of(os.getpid())
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
            raise SandboxFault(f"a fork server of the sandbox did not start: {self._last_words()}")
        _, *missing = json.loads(greeting)
        self.missing = tuple(missing)
        self._ready = True
