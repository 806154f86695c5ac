"""The MCP transport to a memory server's process: with messages that can be held, and an end that comes.

The SDK's own takes lines of any length, reads the most costly of them, and may wait for ten seconds at the end.
"""

from __future__ import annotations

import os
import re
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO, cast

from pytest_koderz.core.errors import MemoryUnavailable
from pytest_koderz.files.json_weight import has_more_values

if TYPE_CHECKING:
    from anyio import CancelScope
    from anyio.abc import ByteReceiveStream, ByteSendStream, Process
    from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
    from mcp.client._transport import TransportStreams
    from mcp.client.stdio import StdioServerParameters
    from mcp.shared.message import SessionMessage

MOST_BYTES = 48 << 20
"""Of one message. All memories of a project come in one, of which claude-cortex keeps five thousand: some tens of
megabytes of text. While it is read, each byte takes two to seven, by the widest of its letters.
"""

MOST_VALUES = 100_000
"""Of one message, outside of its texts: a reply has a few, the list of tools some thousand. The SDK makes kilobytes of
each part of a reply.
"""

MOST_LINES = 2_000
"""From one request that it is sent to the next: one of them is an answer, and some may be notes."""

PATIENCE = ((None, 1.5), (signal.SIGTERM, 0.75), (signal.SIGKILL, 0.75))
"""At the end: what is sent to the server and whatever it has started, and the seconds in which it may follow.

Before the first its input is closed, which claude-cortex ignores.
"""
POLL = 0.01


@asynccontextmanager
async def bounded_stdio(server: StdioServerParameters, log: TextIO) -> AsyncIterator[TransportStreams]:
    """Start *server*, which writes beside its messages into *log*. Raises MemoryUnavailable for what is too much."""
    import anyio

    process = await anyio.open_process(
        [server.command, *server.args], env=server.env, stderr=log, cwd=server.cwd, start_new_session=True
    )
    told, incoming = anyio.create_memory_object_stream["SessionMessage | Exception"](0)
    outgoing, asked = anyio.create_memory_object_stream["SessionMessage"](0)
    talk = _Talk(anyio.CancelScope())
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_read, cast("ByteReceiveStream", process.stdout), told, talk)
        tasks.start_soon(_write, cast("ByteSendStream", process.stdin), asked, told, talk)
        try:
            yield incoming, outgoing
        finally:
            incoming.close()
            outgoing.close()
            talk.listening.cancel()
            with anyio.CancelScope(shield=True):
                await _end(process)
            tasks.cancel_scope.cancel()


@dataclass
class _Talk:
    listening: CancelScope
    """Cancelled when nobody is there any more for whom the server's words are."""
    lines: int = 0
    """That the server has said since it was last asked for something."""


async def _read(
    source: ByteReceiveStream, told: MemoryObjectSendStream[SessionMessage | Exception], talk: _Talk
) -> None:
    """Tell what comes as long as somebody listens; then only take it away, so that a server which writes can end."""
    import anyio

    async with told:
        with talk.listening, suppress(anyio.ClosedResourceError, anyio.BrokenResourceError, ConnectionError):
            async for message in _messages(source, talk):
                await told.send(message)
    with suppress(anyio.EndOfStream, anyio.ClosedResourceError, anyio.BrokenResourceError, OSError):
        while True:
            await source.receive()


async def _messages(source: ByteReceiveStream, talk: _Talk) -> AsyncIterator[SessionMessage]:
    """Of what is none nothing is told, nor of what the server notes: it has nothing to note for us.

    Raises MemoryUnavailable for what is too much or cannot be read.
    """
    from mcp.shared.message import SessionMessage
    from mcp.types import JSONRPCNotification, jsonrpc_message_adapter
    from pydantic_core import from_json

    async for line in _lines(source):
        talk.lines += 1
        if talk.lines > MOST_LINES:
            raise MemoryUnavailable(f"cortex sent more than {MOST_LINES:,} lines where one was asked for")
        if has_more_values(line, MOST_VALUES):
            raise MemoryUnavailable(f"cortex sent a message of more than {MOST_VALUES:,} values")
        try:
            # Not `validate_json`, which reads all of it once for each kind of message.
            message = jsonrpc_message_adapter.validate_python(from_json(line), by_name=False)
        except ValueError:
            if _is_meant(line):
                raise MemoryUnavailable(f"cortex sent a message that {_fault_of(line)}") from None
            continue
        del line  # what it holds is held by the message
        if not isinstance(message, JSONRPCNotification):
            yield SessionMessage(message)


_MEANT = re.compile(rb"(?:\xef\xbb\xbf|\xff\xfe|\xfe\xff)?\s*[\[{]")
"""How a message begins, after a mark of its encoding; servers print lines of other kinds too."""


def _is_meant(line: bytes) -> bool:
    """Whether what is no message was meant for one, whose asker would wait for it in vain."""
    narrow = line.replace(b"\0", b"")  # of UTF-16
    return _MEANT.match(narrow) is not None and b'"jsonrpc"' in narrow


def _fault_of(line: bytes) -> str:
    try:
        line.decode()
    except UnicodeDecodeError:
        return "is not UTF-8"
    return "is none of JSON-RPC"


async def _lines(source: ByteReceiveStream) -> AsyncIterator[bytes]:
    held: list[bytes] = []
    size = 0
    async for piece in source:
        *ends, rest = piece.split(b"\n")
        for end in ends:
            held.append(end)
            yield _joined(held)  # as an expression, so that nobody here keeps it meanwhile
            size = 0
        held.append(rest)
        size += len(rest)
        if size > MOST_BYTES:
            raise MemoryUnavailable(f"cortex sent a message of more than {MOST_BYTES >> 20} MB")


def _joined(pieces: list[bytes]) -> bytes:
    """All of them, which are taken away."""
    line = b"".join(pieces)
    pieces.clear()
    return line


async def _write(
    sink: ByteSendStream,
    asked: MemoryObjectReceiveStream[SessionMessage],
    told: MemoryObjectSendStream[SessionMessage | Exception],
    talk: _Talk,
) -> None:
    """Where the server takes nothing more, who waits for an answer is told that the connection is at its end."""
    import anyio
    from mcp.types import JSONRPCRequest

    try:
        async with asked:
            async for each in asked:
                text = each.message.model_dump_json(by_alias=True, exclude_unset=True)
                await sink.send(text.encode() + b"\n")
                if isinstance(each.message, JSONRPCRequest):
                    talk.lines = 0
    except (anyio.ClosedResourceError, anyio.BrokenResourceError, OSError):
        told.close()


async def _end(process: Process) -> None:
    """Of the server and of what it has started, within the seconds of PATIENCE; what is left then is nobody's.

    A shield is none against a task's own cancellation, upon which they are killed at once.
    """
    try:
        await _be_patient(process)
    finally:
        if process.returncode is None:
            _signal(process, signal.SIGKILL)
        _let_go(process)


async def _be_patient(process: Process) -> None:
    import anyio

    with suppress(OSError, anyio.BrokenResourceError, anyio.ClosedResourceError):
        await cast("ByteSendStream", process.stdin).aclose()
    for number, seconds in PATIENCE:
        if number is not None:
            _signal(process, number)
        # Not `wait`, which waits for the ends of its pipes too, of which others may have copies.
        with anyio.move_on_after(seconds):
            while process.returncode is None:
                await anyio.sleep(POLL)
        if process.returncode is not None:
            break


def _signal(process: Process, number: signal.Signals) -> None:
    with suppress(OSError):
        os.killpg(process.pid, number)


def _let_go(process: Process) -> None:
    """Of its pipes, and of one that was killed at once, whose end the loop may not see: nothing public is there for it,
    and both would be warned of when they are collected.
    """
    transport = getattr(getattr(process, "_process", None), "_transport", None)
    if transport is None:
        return
    with suppress(PermissionError):
        transport.close()
    child = transport.get_extra_info("subprocess")
    if child is not None and child.returncode is None:
        child.returncode = -signal.SIGKILL
