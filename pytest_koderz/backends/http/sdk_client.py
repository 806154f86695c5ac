"""The HTTP client of Anthropic's SDK, with the deadline and the size limit that every call has."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies

from pytest_koderz.files.call_deadline import CallDeadline

from .client import MOST_BYTES
from .hosts import is_loopback
from .limits import BadEncoding, Room, TooLarge
from .retry import MayPass, Refused

_deadline: ContextVar[CallDeadline | None] = ContextVar("deadline", default=None)
"""Of the call under way."""


@contextmanager
def bounded_by(deadline: CallDeadline) -> Iterator[None]:
    """Calls within the block end at *deadline*."""
    token = _deadline.set(deadline)
    try:
        yield
    finally:
        _deadline.reset(token)


def bounded_client(url: str) -> Any:
    """The SDK's own, but for redirects, along which it would send the key to any server.

    It goes straight to our loopback, which a proxy of the environment does not know. Each call has a connection of its
    own, which ends with it. What its answers raise, the SDK wraps.
    """
    import anthropic

    # httpx, which has a new name in later versions of the SDK.
    names = (kind.__module__.partition(".")[0] for kind in anthropic.DefaultHttpxClient.__mro__)
    library = import_module(next(name for name in names if name.startswith("httpx")))
    direct = is_loopback(url) and getproxies()
    return anthropic.DefaultHttpxClient(
        follow_redirects=False,
        mounts={f"all://{urlsplit(url).hostname}": None} if direct else {},
        limits=library.Limits(max_keepalive_connections=0),
        headers={"accept-encoding": "identity"},
        event_hooks={"request": [_watch], "response": [_bounding(library.SyncByteStream)]},
    )


def _watch(request: Any) -> None:
    """Tell the deadline of each socket that is opened for *request*."""
    deadline = _deadline.get()

    def traced(event: str, about: Any) -> None:
        if deadline is not None and event == "connection.connect_tcp.complete":
            deadline.watch(about["return_value"].get_extra_info("socket"))

    request.extensions["trace"] = traced


def _bounding(stream: type) -> Any:
    """What makes a response hold no more than there is room for, unpacked; *stream* is the library's own class."""

    class Bounded(stream):  # type: ignore[misc]  # its name differs between the SDK's versions
        def __init__(self, whole: Any, encoding: str) -> None:
            self._whole = whole
            self._encoding = encoding

        def __iter__(self) -> Iterator[bytes]:
            yield _held(self._whole, self._encoding, _deadline.get())

        def close(self) -> None:
            self._whole.close()

    def bound(response: Any) -> None:
        # What a server calls its text may be any codec of Python's, some of which unpack without a limit.
        response.encoding = "utf-8"
        response.stream = Bounded(response.stream, response.headers.pop("content-encoding", ""))

    return bound


def _held(pieces: Any, encoding: str, deadline: CallDeadline | None) -> bytes:
    try:
        room = Room(encoding, MOST_BYTES)
        for piece in pieces:
            room.put(piece)
        room.check_containers()
    except BadEncoding:
        raise MayPass("its answer cannot be unpacked: it is packed in a way that is not known") from None
    except TooLarge as fault:
        raise Refused(None, str(fault), billed=True) from None
    if deadline is not None and deadline.passed:
        # Where no length was promised, an answer that was cut off here looks like a whole one.
        raise TimeoutError
    return room.content
