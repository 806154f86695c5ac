"""How a candidate's process begins: locked, then announced, then at the service of whoever holds the other end."""

from __future__ import annotations

import socket
from collections.abc import Callable
from functools import partial
from typing import Any

from .channel import Channel
from .child import serve
from .greeting import greet
from .locks import Locks


def body_of(settings: dict[str, Any], sock: socket.socket) -> tuple[Callable[[], None], list[str]]:
    """Lock this zygote; what its children do with their channel *sock*, and the names of the locks that they lack."""
    locks = Locks(settings, sock.fileno())
    locks.prepare()
    work = _work_of(settings, Channel(sock, None))

    def body() -> None:
        locks.hold()
        greet(sock.fileno())
        work()

    return body, locks.missing


def _work_of(settings: dict[str, Any], channel: Channel) -> Callable[[], None]:
    if settings["kind"] == "process-separated":
        return partial(serve, channel)
    from .inprocess import serve as serve_alone

    (scratch,) = settings["scratch"]
    return partial(serve_alone, channel, scratch)
