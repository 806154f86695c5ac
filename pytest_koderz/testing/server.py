"""A scripted HTTP server on loopback, whatever dialect it speaks."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from select import select
from threading import Event, Lock, Thread
from types import TracebackType
from typing import Any, Self

from pytest_koderz.core.money import Usage

from .script import Answer, Dropped, Fault, Garbage, HalfSent, Hang, HttpStatus, Playback, Script, Stalled


@dataclass(frozen=True, slots=True)
class Request:
    """What a client sent."""

    method: str
    path: str
    body: Mapping[str, Any]
    """The JSON object; empty where there was none."""
    headers: Mapping[str, str] = field(repr=False)
    """By name in lower case; the client's key is among them."""


@dataclass(frozen=True, slots=True)
class Billed:
    """The calls that were answered in full, and their tokens."""

    calls: int = 0
    usage: Usage = Usage()

    def __add__(self, usage: Usage) -> Billed:
        return Billed(self.calls + 1, self.usage + usage)


@dataclass(frozen=True, slots=True)
class Body:
    """The bytes of a response, with their type."""

    content: bytes
    content_type: str = "application/json"


def json_body(value: object) -> Body:
    return Body(json.dumps(value).encode())


class LoopbackServer(ABC):
    """A context manager: inside it the server answers at `url`, one thread for each request."""

    def __init__(self, script: Script = ()) -> None:
        self._playback = Playback(script)
        self._lock = Lock()
        self._leaving = Event()
        self._requests: list[Request] = []
        self._billed = Billed()
        self._cancelled = Billed()
        self.stalled = Event()
        """Set when all pieces of a Stalled turn are sent."""
        self._most_at_once = 0
        self._at_once = 0
        self._http = _Server(("127.0.0.1", 0), _handler(self))
        self._thread = Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    @property
    def url(self) -> str:
        """Base URL, without a closing slash."""
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    @property
    def requests(self) -> tuple[Request, ...]:
        """The scripted requests so far, the earliest first, faults included."""
        with self._lock:
            return tuple(self._requests)

    @property
    def billed(self) -> Billed:
        with self._lock:
            return self._billed

    @property
    def cancelled(self) -> Billed:
        """The calls whose client left before the end, with the tokens that had been made by then."""
        with self._lock:
            return self._cancelled

    @property
    def most_at_once(self) -> int:
        """The most scripted requests that were open at the same time."""
        with self._lock:
            return self._most_at_once

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leaving.set()
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()

    @abstractmethod
    def is_scripted(self, request: Request) -> bool:
        """Whether *request* takes a turn of the script."""

    @abstractmethod
    def usage_of(self, answer: Answer, request: Request) -> Usage:
        """What is billed for *answer*."""

    @abstractmethod
    def body_of(self, answer: Answer, usage: Usage, request: Request) -> Body: ...

    @abstractmethod
    def error_of(self, status: HttpStatus) -> object:
        """The JSON of an error."""

    def begun(self, pieces: Sequence[str], request: Request) -> Body:  # noqa: ARG002 - for dialects that stream
        """The beginning of a streamed reply."""
        return Body(b"")

    def plain(self, request: Request) -> Body | HttpStatus:
        """The answer to a request that takes no turn."""
        return HttpStatus(404, f"{request.method} {request.path} is not served")

    def _respond(self, request: Request, connection: BaseHTTPRequestHandler) -> None:
        if not self.is_scripted(request):
            plain = self.plain(request)
            self._send_status(connection, plain) if isinstance(plain, HttpStatus) else _send(connection, plain)
            return
        with self._lock:
            self._requests.append(request)
            turn = self._playback.next(request)
            self._at_once += 1
            self._most_at_once = max(self._most_at_once, self._at_once)
        try:
            self._perform(turn, request, connection)
        finally:
            with self._lock:
                self._at_once -= 1

    def _perform(self, turn: Answer | Fault, request: Request, connection: BaseHTTPRequestHandler) -> None:
        match turn:
            case Answer():
                self._answer(turn, request, connection)
            case HttpStatus():
                self._send_status(connection, turn)
            case HalfSent(text):
                answer = Answer(text)
                _send(connection, self.body_of(answer, self.usage_of(answer, request), request), share=0.5)
            case Garbage(body, content_type):
                _send(connection, Body(body, content_type))
            case Hang():
                self._leaving.wait()
            case Stalled(pieces):
                self._stall(pieces, request, connection)
            case Dropped():
                return

    def _answer(self, answer: Answer, request: Request, connection: BaseHTTPRequestHandler) -> None:
        if answer.latency:
            self._leaving.wait(answer.latency)
        usage = self.usage_of(answer, request)
        body = self.body_of(answer, usage, request)
        # Counted before it is sent, so that a client which has its answer finds it counted.
        with self._lock:
            self._billed += usage
        _send(connection, body)

    def _stall(self, pieces: Sequence[str], request: Request, connection: BaseHTTPRequestHandler) -> None:
        begun = self.begun(pieces, request)
        if begun.content:
            _send(connection, begun, ended=False)
        self.stalled.set()
        while not self._leaving.is_set() and not _has_left(connection):
            pass
        read = self.usage_of(Answer(""), request)
        with self._lock:
            self._cancelled += replace(read, output=len(pieces) if begun.content else 0)

    def _send_status(self, connection: BaseHTTPRequestHandler, status: HttpStatus) -> None:
        headers = dict(status.headers)
        if status.retry_after is not None:
            headers["retry-after"] = f"{status.retry_after:g}"
        _send(connection, json_body(self.error_of(status)), status.code, headers)


class _Server(ThreadingHTTPServer):
    # Their threads are waited for at the end, so that no socket outlives the block.
    daemon_threads = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that leaves early is part of the game."""


def _handler(server: LoopbackServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._serve()

        def do_POST(self) -> None:
            self._serve()

        def do_HEAD(self) -> None:
            self._serve()

        def _serve(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            content = self.rfile.read(int(headers.get("content-length", "0")))
            body = json.loads(content) if content else {}
            server._respond(Request(self.command, self.path, body, headers), self)  # noqa: SLF001 - its other half

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
            """Nothing is printed."""

    return Handler


def _send(
    connection: BaseHTTPRequestHandler,
    body: Body,
    status: int = 200,
    headers: Mapping[str, str] = {},
    *,
    share: float = 1.0,
    ended: bool = True,
) -> None:
    """Send *body*, or only a *share* of it under a head that promises all. Not *ended*: as the beginning of more."""
    connection.send_response(status)
    connection.send_header("Content-Type", body.content_type)
    if ended:
        connection.send_header("Content-Length", str(len(body.content)))
    for name, value in headers.items():
        connection.send_header(name, value)
    connection.end_headers()
    if connection.command != "HEAD":
        connection.wfile.write(body.content[: int(len(body.content) * share)])


def _has_left(connection: BaseHTTPRequestHandler) -> bool:
    """Whether the client has closed its end; waits a moment for it."""
    readable, _, _ = select([connection.connection], [], [], 0.02)
    return bool(readable) and not connection.connection.recv(1)


def estimate(text: str) -> int:
    """Tokens, as characters / 4, at least one."""
    return max(len(text) // 4, 1)
