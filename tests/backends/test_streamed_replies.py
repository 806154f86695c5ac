"""Replies that come in pieces: what is read of them is what would have come whole."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from pytest_koderz.backends.http.client import HttpClient
from pytest_koderz.backends.http.limits import Room, TooLarge
from pytest_koderz.backends.http.retry import Refused
from pytest_koderz.backends.redaction import NO_SECRETS
from pytest_koderz.backends.streamed_replies import CompletionPieces
from pytest_koderz.core.errors import ModelUnavailable, Withdrawn
from pytest_koderz.core.iteration import StopReason
from pytest_koderz.core.money import Usage
from pytest_koderz.core.ports import Reply
from pytest_koderz.core.withdrawal import Withdrawal, heeding, in_flight
from pytest_koderz.testing import Answer, LoopbackServer, OllamaServer, OpenAIServer, Status

from .worlds import Naps, RawServer, Say, a_model, a_prompt, open_model

SERVERS: dict[str, Callable[..., LoopbackServer]] = {"ollama": OllamaServer, "openai": OpenAIServer}
BOTH = pytest.mark.parametrize("name", SERVERS)
EVENTS = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
LINES = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\n\r\n"


@contextmanager
def flying() -> Iterator[Withdrawal]:
    """As beside another call."""
    withdrawal = Withdrawal()
    token = in_flight.set(withdrawal)
    try:
        yield withdrawal
    finally:
        in_flight.reset(token)


def ask(name: str, url: str, **settings: Any) -> Reply:
    model = a_model(name, hosts=(url,), **{"options": {"retries": 0}, **settings})
    reply: Reply = open_model(model, sleep=Naps()).complete(a_prompt())
    return reply


@BOTH
@pytest.mark.parametrize(
    "answer",
    [
        Answer("def add(x, y):\n    return x + y  # é", input_tokens=40, output_tokens=12),
        Answer("cut", output_tokens=9, stop=StopReason.MAX_TOKENS),
        Answer("so", thinking="hm " * 20),
        Answer("", thinking="hm " * 20),
    ],
)
def test_a_streamed_reply_is_the_whole_one(name: str, answer: Answer) -> None:
    """Text, tokens, ending, name and times; and nothing is streamed where no other call is in flight."""
    with SERVERS[name]([answer, answer]) as server:
        whole = ask(name, server.url)
        with flying():
            streamed = ask(name, server.url)
        plain, in_pieces = (request.body for request in server.requests)
    assert not plain.get("stream")
    assert in_pieces["stream"]
    parts = ("text", "usage", "model_id", "stop_reason", "gpu_seconds", "warnings", "counted")
    assert [getattr(streamed, each) for each in parts] == [getattr(whole, each) for each in parts]


def test_events_are_read_as_the_standard_has_it() -> None:
    """Comments, line ends of both kinds, an event of several lines, and one that no empty line ends."""
    pieces = CompletionPieces()
    lines = [
        b": OPENROUTER PROCESSING",
        b"",
        b"event: message\r",
        b'data: {"choices": [{"delta": {"content": "a"},\r',
        b'data: "index": 0}]}\r',
        b"\r",
        b'data:{"choices": [{"delta": {"content": "b"}, "finish_reason": "stop"}]}',
        b"",
    ]
    for line in lines:
        pieces.take(line)
    assert pieces.answer["choices"] == [{"finish_reason": "stop", "message": {"content": "ab"}}]
    assert (pieces.ended, pieces.number, pieces.written) == (True, 2, 2)


def sse(*chunks: object) -> bytes:
    return b"".join(b"data: %s\n\n" % json.dumps(chunk).encode() for chunk in chunks)


def delta(text: str, reason: str | None = None) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": reason}]}


BROKEN: dict[str, tuple[str, bytes, str]] = {
    "ended early": ("openai", EVENTS + sse(delta("a")), "its stream ended before the reply did"),
    "ended early, Ollama": ("ollama", LINES + b'{"message": {"content": "a"}, "done": false}\n', "its stream ended"),
    "error": ("openai", EVENTS + sse(delta("a"), {"error": {"message": "no slot", "code": 500}}), "no slot"),
    "error, Ollama": (
        "ollama",
        LINES + b'{"message": {"content": "a"}}\n{"error": "out of memory"}\n',
        "out of memory",
    ),
    "error before the end, Ollama": (
        "ollama",
        LINES + b'{"message": {"content": "a"}}\n{"error": "out of memory"}\n{"message": {}, "done": true}\n',
        "out of memory",
    ),
    "broken off": ("openai", EVENTS + sse(delta("a"), delta("", "error")), "it broke the reply off"),
    "no JSON": ("openai", EVENTS + b"data: {oops\n\n", "it streamed something that is not JSON"),
    "no object": ("ollama", LINES + b"[]\n", "it streamed JSON that is no object"),
    "no completion": (
        "openai",
        EVENTS + sse({"choices": {"0": 1}}),
        "it streamed something that is no chat completion",
    ),
    "no message": ("ollama", LINES + b'{"message": ["a"]}\n', "it streamed something that is no message"),
    "too many lists": ("openai", EVENTS + b"data: " + b"[" * 200_001 + b"\n\n", "holds more than 200,000 lists"),
    "a page": (
        "openai",
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html>It works!</html>",
        "its stream ended",
    ),
}


@pytest.mark.parametrize(("name", "content", "words"), BROKEN.values(), ids=BROKEN)
def test_a_stream_that_is_no_reply_is_named(name: str, content: bytes, words: str) -> None:
    """As a whole answer of the kind would be."""
    with (
        RawServer(lambda _, say: say(content)) as server,
        flying(),
        pytest.raises(ModelUnavailable, match=words),
    ):
        ask(name, server.url)


@BOTH
def test_a_stream_without_end_is_left_at_the_deadline(name: str) -> None:
    """The one time limit is that of the whole call, however often something comes."""
    piece = sse(delta("a")) if name == "openai" else b'{"message": {"content": "a"}, "done": false}\n'

    def endless(path: str, say: Say) -> None:
        say(EVENTS if name == "openai" else LINES)
        while True:
            say(piece)

    with (
        RawServer(endless) as server,
        flying(),
        pytest.raises(ModelUnavailable, match=r"no answer in 1 try; the last: .* within 0.3 s|longer than 4 MB"),
    ):
        ask(name, server.url, timeout=0.3)


def test_a_line_without_end_is_left_at_the_size_limit() -> None:
    """A line, and not the stream: that of a long reply is many times as long as its text."""
    room = Room("", 100)
    for _ in range(50):
        room.put(b"0123456789\n012")
        room.lines()
    assert room.content == b"012"

    def endless(path: str, say: Say) -> None:
        say(EVENTS + b"data: ")
        while True:
            say(b" " * (1 << 16))

    with (
        RawServer(endless) as server,
        flying(),
        pytest.raises(ModelUnavailable, match="longer than 4 MB"),
    ):
        ask("openai", server.url, timeout=600)


def test_an_event_without_end_is_left_at_the_size_limit() -> None:
    """However short its lines are, of which it is put together."""
    pieces, line = CompletionPieces(), b"data: " + b"a" * (1 << 20)
    for _ in range(4):
        pieces.take(line[:-1])
    with pytest.raises(Refused, match="longer than 4 MB"):
        pieces.take(line)


def test_a_stream_has_no_more_lines_than_a_reply_has_pieces() -> None:
    """A few packed bytes hold millions of empty ones, each of which would take up sixty times its byte."""
    room = Room("gzip", 16 << 20)
    room.put(gzip.compress(b"\n" * 1_000_001))
    with pytest.raises(TooLarge, match="its answer has more than 1,000,000 lines"):
        room.lines()


def test_a_server_that_knows_no_streams_answers_at_once() -> None:
    """It refuses the setting by name, or takes no notice of it; its plain answer is read."""

    def script(request: Any) -> Any:
        return Status(400, "unknown field: stream") if "stream" in request.body else "ok"

    with OpenAIServer(script) as server, flying():
        reply = ask("openai", server.url)
    assert reply.text == "ok"
    body = json.dumps(
        {"choices": [{"message": {"content": "ok"}}], "usage": {"prompt_tokens": 9, "completion_tokens": 1}}
    )
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"
    with RawServer(lambda _, say: say(head + body.encode())) as raw, flying():
        assert ask("openai", raw.url).usage == Usage(9, 1)


def test_a_call_that_is_not_sent_is_not_sent_any_more() -> None:
    """It wakes up from whatever it waits for."""
    with flying() as withdrawal:
        naps = Naps()

        def sleep(seconds: float) -> None:
            naps(seconds)
            withdrawal.make()

        with pytest.raises(Withdrawn):
            heeding(sleep)(60.0)
        assert len(naps.taken) == 1
        with OpenAIServer(["never asked"]) as server:
            with pytest.raises(Withdrawn):
                ask("openai", server.url)
            client = HttpClient(server.url, 60, None, NO_SECRETS)
            with pytest.raises(Withdrawn):
                client.stream("/v1/chat/completions", {}, lambda _: None)
            assert server.requests == ()
