"""How a candidate's process begins: locked, then announced, then at the service of whoever holds the other end."""

from __future__ import annotations

import select
import socket
from collections.abc import Callable
from typing import Any

from .channel import Channel
from .child import serve
from .greeting import greet
from .locks import Locks
from .rehearsal import rehearse, rehearse_service

_TIMES = 40
"""Until the interpreter has specialised what it will."""
_IDLE_MILLISECONDS = 3
"""So long without work tells that nobody is waiting, and there is time to rehearse."""


def body_of(settings: dict[str, Any], channel: int) -> tuple[Callable[[socket.socket], None], list[str]]:
    """Lock this zygote; what its children do, and the names of the locks that they lack."""
    rehearse_service(_TIMES)
    locks = Locks(settings, channel)
    locks.prepare()
    work = _work_of(settings)
    orders = select.poll()
    orders.register(channel, select.POLLIN)

    def candidate(sock: socket.socket) -> None:
        locks.hold()
        greet(channel)
        if not orders.poll(_IDLE_MILLISECONDS):
            rehearse()
        work(Channel(sock, None))

    return candidate, locks.missing


def _work_of(settings: dict[str, Any]) -> Callable[[Channel], None]:
    if settings["kind"] == "process-separated":
        return serve
    from .inprocess import serve as serve_alone

    (scratch,) = settings["scratch"]
    return lambda channel: serve_alone(channel, scratch)
