"""A fork server: a small single-threaded process, started by exec with a clean environment, that never runs a candidate itself.

It is told over one socket. Each byte comes with the descriptors of one child: its channel, its stdout, its stderr.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import signal
import socket
import sys
from collections.abc import Callable
from typing import Any

CHANNEL = 3
"""The descriptor of the child's channel."""


def main() -> None:
    """Fork children until the supervisor is gone. The socket is stdin; what to be is the first argument, as JSON."""
    settings: dict[str, Any] = json.loads(sys.argv[1])
    sys.argv[1:] = []
    prepare(settings)
    control = socket.socket(fileno=os.dup(0))
    devnull = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(devnull, number)
    os.close(devnull)
    body = _body(settings)
    gc.collect()
    gc.freeze()
    _serve(control, body)


def prepare(settings: dict[str, Any]) -> None:
    """Import now what children would import one by one."""
    sys.path[:] = [*(path for path in sys.path if path != settings["home"]), *settings["paths"]]
    for name in settings["preload"]:
        importlib.import_module(name)


def _body(settings: dict[str, Any]) -> Callable[[socket.socket], None]:
    """What a child of this zygote does with its channel."""
    if settings["kind"] == "checker":
        from .checker import serve as check

        return check
    from .channel import Channel
    from .child import serve
    from .greeting import greet
    from .locks import Locks

    locks = Locks(settings)

    def candidate(sock: socket.socket) -> None:
        locks.hold()
        greet(sock, locks.missing)
        serve(Channel(sock, None))

    return candidate


def _serve(control: socket.socket, body: Callable[[socket.socket], None]) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel reaps
    control.send(b"r")
    while True:
        order, descriptors, _, _ = socket.recv_fds(control, 1, 3)
        if not order:
            return
        if os.fork() == 0:
            _become(descriptors, body)
        for number in descriptors:
            os.close(number)


def _become(descriptors: list[int], body: Callable[[socket.socket], None]) -> None:
    status = 1
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.setsid()
        # Moved out of the way first: a descriptor may already bear one of the numbers.
        for number, descriptor in zip((CHANNEL, 1, 2), [os.dup(each) for each in descriptors], strict=True):
            os.dup2(descriptor, number)
        os.closerange(CHANNEL + 1, 1 << 16)
        body(socket.socket(fileno=CHANNEL))
        status = 0
    finally:
        os._exit(status)
