"""A fork server: a small single-threaded process, started with a clean environment, that runs no candidate itself."""

from __future__ import annotations

import importlib
import json
import os
import select
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from . import own_account, scratch, thread_semaphores
from .channel import Channel, greet, refuse
from .child import serve
from .child_locks import ChildLocks
from .file_attributes import REQUESTS
from .system_calls import die_with_parent, hide_from_equals

if TYPE_CHECKING:
    from .repository_child import RepositoryChild

CHANNEL = 3
"""The descriptor of a zygote's orders, and of a child's channel: the same socket object serves both."""
_MOST_STATUSES = 64
_RSS_UNIT = 1 if sys.platform == "darwin" else 1024
Body = Callable[[], None]


def main() -> None:
    """Fork children until the supervisor is gone. Orders come by stdin; the argument holds the settings, as JSON."""
    settings: dict[str, Any] = json.loads(sys.argv.pop())
    control = socket.socket(fileno=os.dup(0))  # the first free number, CHANNEL
    devnull = os.open(os.devnull, os.O_RDWR)  # the next one, REQUESTS, which no other file may get
    _, supervisor, _, _ = socket.recv_fds(control, 1, 1)
    for number in (0, 1):
        os.dup2(devnull, number)
    folder = settings["scratch"]
    locks, removal = ChildLocks(settings, control.fileno()), scratch.Removal(folder)
    try:
        _work(settings, locks, control, supervisor)
    finally:  # however it ends: the supervisor may be gone before it could be told that all is ready
        if "private mounts" in locks.missing:
            scratch.remove(folder)
        removal.carry_out()


def _work(settings: dict[str, Any], locks: ChildLocks, control: socket.socket, supervisor: list[int]) -> None:
    locks.enter()
    if sys.platform == "linux":
        hide_from_equals()  # before there is anybody that nobody has looked at
    _preload(settings)
    body = _body_of(settings, locks, control)
    locks.withdraw()
    locks.prepare()
    children = Children(body)
    control.send(json.dumps(["ready", *locks.missing]).encode())
    try:
        _serve(control, supervisor, children)
    finally:
        children.clear()


def _preload(settings: dict[str, Any]) -> None:
    """Import now what children would import one by one."""
    sys.path[:] = [*(path for path in sys.path if path != settings["home"]), *settings["paths"]]
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # numpy would start threads, which do not survive a fork
    for name in settings["preload"]:
        importlib.import_module(name)
    for name in settings.get("plugins", ()):
        with suppress(Exception):  # of what is broken pytest itself tells
            importlib.import_module(name)
    own_account.install()
    if settings["kind"] != "checker":
        thread_semaphores.install()
        os.environ.clear()
    if settings["kind"] in ("process-separated", "in-process"):
        # What is imported finds its own parts; nothing else is to be found where the datasets lie.
        sys.path[:] = [path for path in sys.path if path not in settings["paths"]]


def _body_of(settings: dict[str, Any], locks: ChildLocks, sock: socket.socket) -> Body:
    """All that a child of this zygote does."""
    if settings["kind"] == "repository":
        from .repository_child import RepositoryChild

        return partial(_placed, locks, sock.fileno(), RepositoryChild(sock, locks.folder))
    return partial(_held, locks, sock.fileno(), _work_of(settings["kind"], sock))


def _placed(locks: ChildLocks, channel: int, child: RepositoryChild) -> None:
    """What it is to run is put in its place by the child itself, as long as it still can."""

    def furnished() -> None:
        greet(channel)
        child.take()

    locks.furnished = furnished
    try:
        locks.hold()
        scratch.enter(locks.folder)
    except Exception as error:
        refuse(channel, error)
        raise
    child.serve()


def _work_of(kind: str, sock: socket.socket) -> Body:
    """What a child of this zygote does with its channel *sock*."""
    if kind == "checker":
        from .checker import serve as check

        return partial(check, sock)
    if kind == "process-separated":
        return partial(serve, Channel(sock, None))
    from .in_process import serve as serve_alone

    return partial(serve_alone, Channel(sock, None))


def _held(locks: ChildLocks, channel: int, work: Body) -> None:
    """Be held, say so, and do the work."""
    try:
        locks.hold()
        scratch.enter(locks.folder)
    except Exception as error:
        refuse(channel, error)
        raise
    greet(channel)
    work()


class Children:
    """The children of this zygote: those that live, and how others have ended."""

    def __init__(self, body: Body) -> None:
        self._body = body
        self._living: set[int] = set()
        self._statuses: dict[int, list[float]] = {}

    def fork(self, descriptors: Sequence[int]) -> None:
        """One child, whose channel, stdout, stderr and, if it is a candidate's, requests are *descriptors*."""
        parent = os.getpid()
        try:
            pid = os.fork()
        except OSError as error:
            refuse(descriptors[0], error)
            pid = -1
        if pid == 0:
            _become(parent, descriptors, self._body)
        if pid > 0:
            self._living.add(pid)
        for number in descriptors:
            os.close(number)
        self.reap()

    def reap(self, awaited: int | None = None) -> None:
        """Note which children have ended, and wait for *awaited* to do so."""
        with suppress(ChildProcessError):
            while awaited not in self._statuses:
                pid, status, usage = os.wait4(awaited or -1, 0 if awaited else os.WNOHANG)
                if pid == 0:
                    return
                self._living.discard(pid)
                seconds, peak = usage.ru_utime + usage.ru_stime, usage.ru_maxrss * _RSS_UNIT
                self._statuses[pid] = [os.waitstatus_to_exitcode(status), seconds, peak]
                if len(self._statuses) > _MOST_STATUSES:
                    del self._statuses[next(iter(self._statuses))]

    def exit_status(self, pid: int) -> list[float]:
        """Exit code, CPU seconds, peak of memory in bytes; empty where the child is long forgotten."""
        self.reap(pid)
        return self._statuses.pop(pid, [])

    def clear(self) -> None:
        """End all children."""
        for pid in self._living:
            os.kill(pid, signal.SIGKILL)
        for pid in list(self._living):
            self.reap(pid)


def _serve(control: socket.socket, supervisor: list[int], children: Children) -> None:
    poller = select.poll()
    for source in (control.fileno(), *supervisor):
        poller.register(source, select.POLLIN)
    while True:
        for number, _ in poller.poll():
            # The socket may have been inherited by others, so its end alone does not tell that the supervisor is gone.
            if number in supervisor:
                return
        order, descriptors, _, _ = socket.recv_fds(control, 1, 4)
        if not order:
            return
        if order == b"w":
            pid = int.from_bytes(control.recv(4), "big")
            control.sendall(json.dumps(children.exit_status(pid)).encode())
        else:
            children.fork(descriptors)


def _become(parent: int, descriptors: Sequence[int], body: Body) -> None:
    """Be a child, and end as one."""
    status = 1
    try:
        _begin(parent, descriptors)
        body()
        status = 0
    finally:
        os._exit(status)


def _begin(parent: int, descriptors: Sequence[int]) -> None:
    if sys.platform == "linux":
        die_with_parent()
    os.setsid()
    if os.getppid() != parent:
        os._exit(1)
    # Its own: two that share an open file can tell each other something by the flags of that.
    os.close(0)
    os.open(os.devnull, os.O_RDONLY)
    # None of them has one of these numbers, which the zygote's own bear.
    for number, descriptor in zip((CHANNEL, 1, 2, REQUESTS), descriptors, strict=False):
        os.dup2(descriptor, number)
