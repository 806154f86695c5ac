"""Messages over a stream socket: four bytes of length, then JSON. Before any of them a forked process sends its id."""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from pytest_koderz.files.json_weight import has_more_values

LARGEST = 16 * 2**20
"""Bytes of one message that are accepted from a process that is not trusted."""
GREETING_SIZE = 4
"""Bytes of a greeting."""
_LONGEST_REFUSAL = 500
_USUAL = 4096
"""Bytes that are read at once where nobody has told how many there are: more would have a child ask for memory."""


class MalformedMessage(Exception):
    """What arrived is not of this format, or of the one that values have."""


class Gone(Exception):
    """The other side has closed the channel or died."""


class Channel:
    """One end; messages are JSON values, None sets no limit to their size. *objects*: they may hold objects."""

    def __init__(
        self,
        sock: socket.socket,
        largest: int | None = LARGEST,
        *,
        objects: bool = False,
        with_descriptors: bool = False,
    ) -> None:
        self._sock = sock
        self._largest = largest
        self._objects = objects
        self._with_descriptors = with_descriptors
        self._buffer = bytearray()
        self.deadline: float | None = None
        """Of the monotonic clock: what has not come by then is not waited for."""
        self.descriptors: list[int] = []
        """What came with the messages; whoever takes one closes it."""

    def send(self, message: object, descriptors: Sequence[int] = ()) -> None:
        self.send_body(dumps(message), descriptors)

    def send_body(self, body: bytes, descriptors: Sequence[int] = ()) -> None:
        """Send a message that is JSON already."""
        message = len(body).to_bytes(4, "big") + body
        try:
            sent = socket.send_fds(self._sock, [message], descriptors) if descriptors else 0
            if sent < len(message):
                self._sock.sendall(message[sent:])
        except OSError as error:
            raise Gone(str(error)) from None

    def recv(self) -> Any:
        """The next message. Raises Gone, or MalformedMessage for bytes that are none."""
        return loads(self.recv_body(), objects=self._objects)

    def recv_body(self) -> bytes:
        """The next message as it came. Raises Gone, or MalformedMessage where it is too large."""
        self._fill(4)
        size = int.from_bytes(self._buffer[:4], "big")
        if self._largest is not None and size > self._largest:
            raise MalformedMessage("a message of more bytes than are accepted")
        self._fill(4 + size)
        body = bytes(memoryview(self._buffer)[4 : 4 + size])
        del self._buffer[: 4 + size]
        return body

    def _fill(self, size: int) -> None:
        while len(self._buffer) < size:
            try:
                if self.deadline is not None:
                    self._sock.settimeout(max(self.deadline - time.monotonic(), 1e-6))
                chunk = self._chunk(max(_USUAL, size - len(self._buffer)))
            except OSError as error:
                raise Gone(str(error)) from None
            if not chunk:
                raise Gone("closed")
            self._buffer += chunk

    def _chunk(self, size: int) -> bytes:
        if not self._with_descriptors:
            return self._sock.recv(size)
        chunk, descriptors, _, _ = socket.recv_fds(self._sock, size, 4)
        self.descriptors += descriptors
        return chunk

    def close(self) -> None:
        self._sock.close()


def greet(channel: int) -> None:
    """Say that this process is ready, before it touches anything that is not ours."""
    os.write(channel, os.getpid().to_bytes(GREETING_SIZE, "big"))


def refuse(channel: int, error: Exception) -> None:
    """Say instead why this process, or the one that was asked for, is not ready; no process has the id 0."""
    with suppress(OSError):  # nobody listens any more
        os.write(channel, bytes(GREETING_SIZE) + f"{type(error).__name__}: {error}"[:_LONGEST_REFUSAL].encode())


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is no number")


def _no_object(_: object) -> object:
    raise ValueError("an object")


_MOST_LISTS = 2_000_000
"""In one message: each takes more memory than bytes of the message."""
_MOST_BESIDE_OBJECTS = 500_000
"""Values of a message that may hold objects, which take more than lists."""
_LISTS = json.JSONDecoder(object_pairs_hook=_no_object, parse_constant=_no_constant)
_OBJECTS = json.JSONDecoder(parse_constant=_no_constant)
_ENCODER = json.JSONEncoder(separators=(",", ":"), check_circular=False)


def dumps(message: object) -> bytes:
    return _ENCODER.encode(message).encode()


def loads(body: bytes | bytearray, *, objects: bool = False) -> Any:
    """The message of *body*: lists within lists, and where *objects* are let in these too.

    Raises MalformedMessage where that is no JSON, or would take more memory than its size lets one think.
    """
    if body.count(b"[") > _MOST_LISTS:
        raise MalformedMessage("too many lists")
    if objects and has_more_values(bytes(body), _MOST_BESIDE_OBJECTS):
        raise MalformedMessage("too many values")
    try:
        message, end = (_OBJECTS if objects else _LISTS).raw_decode(text := body.decode("ascii"))
    except (ValueError, RecursionError) as error:
        raise MalformedMessage(f"no JSON: {error}"[:200]) from None
    if end != len(text):
        raise MalformedMessage("more than one message")
    return message
