"""The fork servers, seen from the supervisor."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pytest_koderz.core.errors import SandboxFault

HOME = str(Path(__file__).parents[2])
"""The folder that this package is imported from."""
_START = f"import sys; sys.path.append({HOME!r}); from pytest_koderz.sandbox.zygote import main; main()"


class Server:
    """A zygote. It ends by itself when the supervisor does, however that comes about."""

    def __init__(self, settings: dict[str, Any]) -> None:
        here, there = socket.socketpair()
        with there:
            self._process = subprocess.Popen(  # noqa: S603: our own interpreter and module
                [sys.executable, "-I", "-S", "-X", "utf8", "-c", _START, json.dumps({"home": HOME, **settings})],
                stdin=there,
                stdout=subprocess.DEVNULL,
                stderr=None if "KODERZ_DEBUG" in os.environ else subprocess.DEVNULL,
                env={},  # the API keys of this process stay in it
                cwd="/",
                start_new_session=True,
            )
        self._control = here
        self._ready = False

    def wait(self, seconds: float = 30.0) -> None:
        """Until it can fork. Raises SandboxFault."""
        if self._ready:
            return
        self._control.settimeout(seconds)
        try:
            self._ready = self._control.recv(1) == b"r"
        except OSError as error:
            raise SandboxFault(f"a fork server of the sandbox does not answer: {error}") from None
        if not self._ready:
            raise SandboxFault("a fork server of the sandbox did not start")

    def fork(self, descriptors: Sequence[int]) -> None:
        """Ask for one child that gets *descriptors* as its channel, stdout and stderr; it will say so over the channel."""
        self.wait()
        try:
            socket.send_fds(self._control, [b"f"], descriptors)
        except OSError as error:
            raise SandboxFault(f"a fork server of the sandbox is gone: {error}") from None

    @property
    def pid(self) -> int:
        return self._process.pid

    def close(self) -> None:
        self._control.close()
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()
