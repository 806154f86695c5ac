"""What a call may take: its place among all calls of a user on this machine, and its answer's size."""

from __future__ import annotations

import json
import os
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Protocol

from pytest_koderz.files.json_weight import has_more_keys, has_more_values
from pytest_koderz.files.locks import lock

MINUTE = 60.0
POLL = 0.1
"""Seconds between two looks for a free place."""


class Keeper(Protocol):
    """Who keeps the limits of calls that are made for a process on another machine; folders go by their names."""

    def called(self, host: str) -> str:
        """The name of *host* that no other one has: each machine has its own `localhost`."""
        ...

    def taken(self, folder: str, places: int) -> Callable[[], None] | None: ...
    def until_free(self, folder: str, per_minute: int) -> float: ...


kept_by: ContextVar[Keeper | None] = ContextVar("kept_by", default=None)
"""Of the call under way. None: files of this machine."""


class Limits:
    """At most *in_flight* calls at once and *per_minute* begun in any 60 s; None: no limit.

    Kept in locked files, whose locks the kernel drops when a process dies: a killed run blocks nobody.
    """

    def __init__(
        self,
        folder: Path,
        in_flight: int | None = None,
        per_minute: int | None = None,
        *,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.folder = folder
        self.in_flight = in_flight
        self.per_minute = per_minute
        self._clock = clock
        self._sleep = sleep

    @contextmanager
    def held(self) -> Iterator[None]:
        """Wait for a place among the calls in flight and in the minute, and keep the first until the block ends."""
        if self.in_flight is None:
            self._pace()
            yield
            return
        give_back = self._place(self.in_flight)
        try:
            self._pace()
            yield
        finally:
            give_back()

    def _place(self, places: int) -> Callable[[], None]:
        """What gives the place back."""
        while (give_back := self.taken(places)) is None:
            self._sleep(POLL)
        return give_back

    def taken(self, places: int) -> Callable[[], None] | None:
        """The same at once. None: all *places* are taken."""
        elsewhere = kept_by.get()
        if elsewhere is not None:
            return elsewhere.taken(self.folder.name, places)
        for number in range(places):
            descriptor = self._open(f"place-{number}")
            if lock(descriptor, wait=False):
                return partial(os.close, descriptor)
            os.close(descriptor)
        return None

    def _pace(self) -> None:
        if self.per_minute is None:
            return
        while (wait := self.until_free(self.per_minute)) > 0:
            self._sleep(wait)

    def until_free(self, per_minute: int) -> float:
        """Seconds until one more call may begin; 0 and the call is entered where it may now."""
        elsewhere = kept_by.get()
        if elsewhere is not None:
            return elsewhere.until_free(self.folder.name, per_minute)
        descriptor = self._open("minute")
        try:
            lock(descriptor)
            now = self._clock()
            # A time ahead of now was written before the clock was set back.
            begun = [then for then in _read(descriptor) if now - MINUTE < then <= now]
            if len(begun) >= per_minute:
                return begun[-per_minute] + MINUTE - now
            _write(descriptor, [*begun, now])
            return 0.0
        finally:
            os.close(descriptor)

    def _open(self, name: str) -> int:
        self.folder.mkdir(parents=True, exist_ok=True)
        return os.open(self.folder / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)


class TooLarge(Exception):
    """More than there is room for; its words say of what."""


class BadEncoding(Exception):
    """Bytes that cannot be unpacked; its words are the encoding's name."""


class Room:
    """Holds an answer of at most *most* bytes, counted unpacked: a few packed ones may stand for any number."""

    def __init__(self, encoding: str, most: int) -> None:
        """*encoding* is that of HTTP's header; no more than is asked for is understood."""
        self._encoding = encoding.strip().lower()
        self._most = most
        self._held = bytearray()
        self._searched = 0
        """Of the bytes that are held, those in which no line ends."""
        self._lines = 0
        """That were given away."""
        # 32 + 15: gzip and deflate alike.
        self._unpack = zlib.decompressobj(32 + 15) if self._encoding in _PACKED else None
        if self._unpack is None and self._encoding not in ("", "identity"):
            raise BadEncoding(encoding)

    @property
    def content(self) -> bytes:
        return bytes(self._held)

    def put(self, piece: bytes) -> None:
        """Raises TooLarge or BadEncoding."""
        if self._unpack is not None:
            try:
                piece = self._unpack.decompress(piece, self._most + 1 - len(self._held))
            except zlib.error:
                raise BadEncoding(self._encoding) from None
        self._held += piece
        if len(self._held) > self._most:
            raise TooLarge(f"its answer is longer than {self._most >> 20} MB")

    def check_containers(self) -> None:
        """Raises TooLarge where the JSON that is held would take up many times its bytes, and minutes to read."""
        _check_containers(self._held)

    def lines(self) -> list[bytes]:
        """The whole lines that are held, which make room for others. Raises TooLarge, as for a whole answer."""
        if self._held.find(b"\n", self._searched) < 0:
            self._searched = len(self._held)
            return []
        self._lines += self._held.count(b"\n", self._searched)
        if self._lines > MOST_LINES:
            raise TooLarge(f"its answer has more than {MOST_LINES:,} lines")
        *lines, rest = self._held.split(b"\n")
        self._held, self._searched = rest, len(rest)
        for line in lines:
            if len(line) > MOST_CONTAINERS:  # a shorter one cannot hold too much
                _check_containers(line)
        return [bytes(line) for line in lines]


def _check_containers(content: bytearray) -> None:
    if content.count(b"[") + content.count(b"{") > MOST_CONTAINERS:
        raise TooLarge(f"its answer holds more than {MOST_CONTAINERS:,} lists and objects")
    if has_more_values(content, MOST_VALUES):
        raise TooLarge(f"its answer holds more than {MOST_VALUES:,} values")
    if has_more_keys(content, MOST_KEYS):
        raise TooLarge(f"its answer holds more than {MOST_KEYS:,} keys")


MOST_CONTAINERS = 200_000
"""Opened by brackets in one answer: a list of hundreds of models takes a few thousand, a long reply's code as many."""

MOST_VALUES = 1_000_000
"""Of any kind in one answer: millions of numbers alone take seconds."""

MOST_LINES = 1_000_000
"""Of one answer that comes in pieces, each of which takes a line or two."""

MOST_KEYS = 300_000
"""Of all objects in one answer: where each is another, a million take seconds, in which no other call goes on."""

_PACKED = ("gzip", "x-gzip", "deflate")


def folder_of(host: str) -> Path:
    """Where the limits of *host* are kept for this user."""
    elsewhere = kept_by.get()
    called = host if elsewhere is None else elsewhere.called(host)
    return folder_named(sha256(called.encode()).hexdigest()[:16])


def folder_named(name: str) -> Path:
    import platformdirs

    return platformdirs.user_cache_path("pytest-koderz") / "limits" / name


def _read(descriptor: int) -> list[float]:
    os.lseek(descriptor, 0, os.SEEK_SET)
    try:
        return [float(then) for then in json.loads(os.read(descriptor, 1 << 20))]
    except (ValueError, TypeError):
        # New, or torn by a process that was killed while writing: the minute begins anew.
        return []


def _write(descriptor: int, times: list[float]) -> None:
    os.ftruncate(descriptor, 0)
    os.lseek(descriptor, 0, os.SEEK_SET)
    os.write(descriptor, json.dumps(times).encode())
