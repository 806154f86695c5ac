"""How a candidate's process begins: locked, then announced, then at the service of whoever holds the other end."""

from __future__ import annotations

import os
import select
import socket
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from .channel import Channel
from .child import serve
from .greeting import greet
from .kernel import Step
from .locks import Locks
from .rehearsal import TIMES, rehearse, rehearse_service

_IDLE_MILLISECONDS = 3
"""So long without work tells that nobody is waiting, and there is time to rehearse."""


def body_of(settings: dict[str, Any], sock: socket.socket) -> tuple[Callable[[], None], list[str]]:
    """Lock this zygote; what its children do with their channel *sock*, and the names of the locks that they lack."""
    rehearse_service()
    _rehearse_beginning()
    locks = Locks(settings, sock.fileno())
    locks.prepare()
    orders = select.poll()
    orders.register(sock, select.POLLIN)
    work = _work_of(settings, Channel(sock, None))
    has_work = partial(orders.poll, _IDLE_MILLISECONDS)
    return partial(_begin, locks.steps, sock.fileno(), has_work, work), locks.missing


def _begin(steps: Sequence[Step], channel: int, has_work: Callable[[], object], work: Callable[[], object]) -> None:
    for step in steps:
        step()
    greet(channel)
    if not has_work():
        rehearse()
    work()


def _rehearse_beginning() -> None:
    """Begin many times, with calls that do nothing, so that the interpreter has specialised it before the fork."""
    nobody = os.open(os.devnull, os.O_WRONLY)
    for _ in range(TIMES):
        _begin([dict, dict], nobody, object, dict)
    os.close(nobody)


def _work_of(settings: dict[str, Any], channel: Channel) -> Callable[[], None]:
    if settings["kind"] == "process-separated":
        return partial(serve, channel)
    from .inprocess import serve as serve_alone

    (scratch,) = settings["scratch"]
    return partial(serve_alone, channel, scratch)
