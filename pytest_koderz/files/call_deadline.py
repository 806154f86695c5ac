"""The end of a call to a server, whatever the server does."""

from __future__ import annotations

from contextlib import suppress
from socket import SHUT_RDWR, socket
from threading import Lock, Timer
from typing import Self


class CallDeadline:
    """A context manager: so many *seconds* after its begin the sockets of a call are shut, whatever they are at.

    A time limit of a socket begins anew with each byte, so that a server which sends one a second never meets it.
    """

    def __init__(self, seconds: float) -> None:
        self.passed = False
        self._sockets: list[socket] = []
        self._lock = Lock()
        self._timer = Timer(seconds, self._end)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        with self._lock:
            while self._sockets:
                self._sockets.pop().close()

    def watch(self, opened: socket) -> None:
        """A duplicate is kept, since TLS takes the socket itself over."""
        with self._lock:
            self._sockets.append(opened.dup())
            if self.passed:
                self._shut()

    def _end(self) -> None:
        with self._lock:
            self.passed = True
            self._shut()

    def _shut(self) -> None:
        for each in self._sockets:
            with suppress(OSError):
                each.shutdown(SHUT_RDWR)
