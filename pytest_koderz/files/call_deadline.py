"""The end of a call to a server, whatever the server does."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from socket import SHUT_RDWR, socket
from threading import Lock, Timer
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    import requests


class CallDeadline:
    """A context manager: so many *seconds* after its begin the sockets of a call are shut, whatever they are at.

    A time limit of a socket begins anew with each byte, so that a server which sends one a second never meets it.
    """

    def __init__(self, seconds: float) -> None:
        self.passed = False
        self.was_cut = False
        """Whether the call was ended before its time."""
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
            if self.passed or self.was_cut:
                self._shut()

    def cut(self) -> None:
        """End the call now."""
        with self._lock:
            self.was_cut = True
            self._shut()

    def _end(self) -> None:
        with self._lock:
            self.passed = True
            self._shut()

    def _shut(self) -> None:
        for each in self._sockets:
            with suppress(OSError):
                each.shutdown(SHUT_RDWR)


Connections = Any
"""A class of urllib3's connections, which open each socket in `_new_conn`, within `connect`."""


def watched(kind: Connections, deadline: CallDeadline) -> Connections:
    """*kind*, whose sockets end at *deadline*."""

    class WatchedConnection(kind):  # type: ignore[misc]  # chosen by the URL's scheme
        def _new_conn(self) -> socket:
            opened: socket = super()._new_conn()
            deadline.watch(opened)
            return opened

    return WatchedConnection


def session_over(made: Callable[[Connections], Connections]) -> requests.Session:
    """A session of requests with connections that *made* makes of its own. It follows no redirect."""
    import requests
    from requests.adapters import HTTPAdapter

    class Adapter(HTTPAdapter):
        def get_connection_with_tls_context(self, *arguments: Any, **named: Any) -> Any:
            pool: Any = super().get_connection_with_tls_context(*arguments, **named)
            pool.ConnectionCls = made(pool.ConnectionCls)
            return pool

    class Session(requests.Session):
        def get_redirect_target(self, resp: requests.Response) -> None:
            """None, else requests reads the whole body of a redirect into memory, even where it is not to follow it."""

    session = Session()
    for scheme in ("http://", "https://"):
        session.mount(scheme, Adapter())
    return session
