"""How a candidate's process begins: locked, then announced, then at the service of whoever holds the other end."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

from .channel import Channel
from .child import serve
from .greeting import greet
from .locks import Locks


def body_of(settings: dict[str, Any], channel: int) -> Callable[[socket.socket], None]:
    """Lock this zygote; what its children do."""
    locks = Locks(settings, channel)
    locks.prepare()

    def candidate(sock: socket.socket) -> None:
        greet(sock, locks.missing)
        locks.hold()
        sock.send(b"l")
        serve(Channel(sock, None))

    return candidate
