"""The one HTTP client: a deadline and a size limit for each call, and redirects that lead nowhere else."""

from __future__ import annotations

import gzip
import itertools
import json
import socket
import traceback
from threading import Thread
from time import sleep
from typing import Any

import pytest

from pytest_koderz.backends.http.client import connect_seconds
from pytest_koderz.backends.http.plain_port import plain_port
from pytest_koderz.core.errors import ModelUnavailable
from pytest_koderz.core.ports import Reply

from .worlds import SECRET, Naps, RawServer, Say, a_model, a_prompt, open_model

CHAT = {"model": "m", "message": {"content": "ok"}, "done": True, "prompt_eval_count": 9, "eval_count": 1}
COMPLETION = {
    "model": "m",
    "choices": [{"message": {"content": "ok"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 9, "completion_tokens": 1},
}
MESSAGE = {
    "model": "m",
    "content": [{"type": "text", "text": "ok"}],
    "stop_reason": "end_turn",
    "usage": {"input_tokens": 9, "output_tokens": 1},
}
WHOLE = {"ollama": CHAT, "openai": COMPLETION, "anthropic": MESSAGE}
BODIES = {name: json.dumps(answer).encode() for name, answer in WHOLE.items()}
EACH = pytest.mark.parametrize("name", ["ollama", "openai", "anthropic"])
OURS = pytest.mark.parametrize("name", ["ollama", "openai"])
"""The SDK follows no redirect at all."""

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
PIECE = b" " * (1 << 16)


def ask(name: str, url: str, **settings: Any) -> Reply:
    keys = {"OLLAMA_API_KEY": SECRET, "OPENAI_API_KEY": SECRET, "ANTHROPIC_API_KEY": SECRET}
    model = a_model(name, hosts=(url,), options={"retries": 0}, **settings)
    opened = open_model(model, environment=keys, sleep=Naps())
    reply: Reply = opened.complete(a_prompt("The prompt itself."))
    return reply


def endless(path: str, say: Say) -> None:
    say(HEAD + b"\r\n")
    while True:
        say(PIECE)


def endless_chunks(path: str, say: Say) -> None:
    say(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
    while True:
        say(b"%x\r\n%s\r\n" % (len(PIECE), PIECE))


def endless_error(path: str, say: Say) -> None:
    say(b"HTTP/1.1 500 Oops\r\n\r\n")
    while True:
        say(PIECE)


def bomb(path: str, say: Say) -> None:
    """A thousand times as large when it is unpacked."""
    packed = gzip.compress(bytes(17 << 20))
    say(HEAD + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed) + packed)


@EACH
@pytest.mark.parametrize("answer", [endless, endless_chunks, endless_error, bomb])
def test_an_answer_of_any_length_is_left_at_the_size_limit(name: str, answer: Any) -> None:
    """Decoded bytes are counted; the error names the server and the limit, and it is not asked again."""
    with RawServer(answer) as server:
        with pytest.raises(ModelUnavailable, match=rf"{server.url}: .*longer than 4 MB"):
            ask(name, server.url, timeout=600)
        assert len(server.asked) == 1


@EACH
@pytest.mark.parametrize("item", [b"[],", b'{"id":"x"},'])
def test_an_answer_of_nothing_but_lists_is_left_unread(name: str, item: bytes) -> None:
    """Each takes up twenty times its bytes, and millions of them minutes."""

    def lists(path: str, say: Say) -> None:
        say(HEAD + b"\r\n" + b'{"data": [' + item * 200_001 + b"0]}")

    with (
        RawServer(lists) as server,
        pytest.raises(ModelUnavailable, match=rf"{server.url}: its answer holds more than 200,000 lists"),
    ):
        ask(name, server.url)


@EACH
def test_an_answer_of_nothing_but_numbers_is_left_unread(name: str) -> None:
    """Millions of them take seconds, and ten times their bytes."""
    body = b'{"data": [' + b"1.5," * 1_000_000 + b"0]}"
    with (
        RawServer(lambda _, say: say(HEAD + b"\r\n" + body)) as server,
        pytest.raises(ModelUnavailable, match=rf"{server.url}: its answer holds more than 1,000,000 values"),
    ):
        ask(name, server.url)


@EACH
def test_an_answer_of_nothing_but_keys_is_left_unread(name: str) -> None:
    """Those that differ take ten times as long as numbers."""
    body = b"{" + b",".join(b'"%d":0' % number for number in range(300_001)) + b"}"
    with (
        RawServer(lambda _, say: say(HEAD + b"\r\n" + body)) as server,
        pytest.raises(ModelUnavailable, match=rf"{server.url}: its answer holds more than 300,000 keys"),
    ):
        ask(name, server.url)


@EACH
@pytest.mark.parametrize("head", [b"HTTP/1.1 400 Bad\r\n", b"HTTP/1.1 200 OK\r\n"])
@pytest.mark.parametrize("charset", [b"bz2_codec", b"zlib_codec", b"undefined", b"idna"])
def test_an_answer_s_text_is_utf_8_whatever_it_is_called(name: str, head: bytes, charset: bytes) -> None:
    """Else a codec of Python's would unpack it without a limit, or raise what nobody expects."""
    body = b"no answer \xff" * 10
    head += b"Content-Type: text/plain; charset=%s\r\nContent-Length: %d\r\n\r\n" % (charset, len(body))
    with (
        RawServer(lambda _, say: say(head + body)) as server,
        pytest.raises(ModelUnavailable, match=r"no answer \S ?no answer|is not JSON|is no message"),
    ):
        ask(name, server.url)


def drip(say: Say, head: bytes) -> None:
    """One byte after the other, each long before a time limit that began anew with it."""
    say(head)
    for byte in itertools.cycle(b"x"):
        say(bytes([byte]))
        sleep(0.01)


def slow_body(path: str, say: Say) -> None:
    drip(say, HEAD + b"Content-Length: 100000\r\n\r\n")


def slow_body_without_a_length(path: str, say: Say) -> None:
    drip(say, HEAD + b"\r\n")


def slow_head(path: str, say: Say) -> None:
    drip(say, HEAD + b"X-Slow: ")


def slow_error(path: str, say: Say) -> None:
    drip(say, b"HTTP/1.1 503 Busy\r\n\r\n")


@EACH
@pytest.mark.parametrize("answer", [slow_body, slow_body_without_a_length, slow_head, slow_error])
def test_a_server_that_trickles_is_left_at_the_deadline(name: str, answer: Any) -> None:
    """The time limit is that of the whole call, not of each byte."""
    with (
        RawServer(answer) as server,
        pytest.raises(ModelUnavailable, match=rf"{server.url}: no answer in 1 try; the last: .* within 0.3 s"),
    ):
        ask(name, server.url, timeout=0.3)


@EACH
def test_a_packed_answer_is_read(name: str) -> None:
    """Though it was not asked for."""

    def packed(path: str, say: Say) -> None:
        body = gzip.compress(BODIES[name])
        say(HEAD + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body) + body)

    with RawServer(packed) as server:
        assert ask(name, server.url).text == "ok"


@EACH
@pytest.mark.parametrize("encoding", [b"gzip", b"br", b"gzip, gzip"])
def test_what_cannot_be_unpacked_is_named(name: str, encoding: bytes) -> None:
    """Not taken for text."""

    def packed(path: str, say: Say) -> None:
        say(HEAD + b"Content-Encoding: %s\r\nContent-Length: 5\r\n\r\nhello" % encoding)

    with RawServer(packed) as server, pytest.raises(ModelUnavailable, match="packed"):
        ask(name, server.url)


def chunk_of_less_than_nothing(path: str, say: Say) -> None:
    say(HEAD + b"Transfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n")


def redirect_to_no_address(path: str, say: Say) -> None:
    say(b"HTTP/1.1 307 Moved\r\nLocation: http://[::1\r\nContent-Length: 0\r\n\r\n")


def redirect_to_an_address_with_escapes(path: str, say: Say) -> None:
    say(b"HTTP/1.1 307 Moved\r\nLocation: http://\x1b]0;x\x07.example/\r\nContent-Length: 0\r\n\r\n")


@EACH
@pytest.mark.parametrize(
    "answer", [chunk_of_less_than_nothing, redirect_to_no_address, redirect_to_an_address_with_escapes]
)
def test_what_the_libraries_stumble_over_is_named(name: str, answer: Any) -> None:
    """They raise a ValueError, which nobody expects of a connection."""
    with RawServer(answer) as server, pytest.raises(ModelUnavailable, match=server.url):
        ask(name, server.url)


STATUSES = pytest.mark.parametrize("status", [301, 302, 303, 307, 308])


@OURS
@STATUSES
@pytest.mark.parametrize("absolute", [False, True])
def test_a_redirect_within_the_server_keeps_method_body_and_key(name: str, status: int, absolute: bool) -> None:
    """Whatever its number: a prompt that becomes a GET would be answered with something else."""

    def moved(path: str, say: Say) -> None:
        if path.startswith("/new"):
            say(HEAD + b"\r\n" + BODIES[name])
        else:
            place = (server.url if absolute else "") + f"/new{path}"
            say(f"HTTP/1.1 {status} Moved\r\nLocation: {place}\r\nContent-Length: 0\r\n\r\n".encode())

    with RawServer(moved) as server:
        assert ask(name, server.url).text == "ok"
    first, second = server.asked
    assert second[0].startswith("POST /new/")
    assert second[2] == first[2] != b""
    assert f"Bearer {SECRET}" in second[1]


@OURS
@STATUSES
def test_a_redirect_to_another_server_is_refused_by_name(name: str, status: int) -> None:
    """Neither key nor prompt goes there."""

    def away(path: str, say: Say) -> None:
        head = f"HTTP/1.1 {status} Moved\r\nLocation: {other.url}/v1?key={SECRET}\r\nContent-Length: 0\r\n\r\n"
        say(head.encode())

    with RawServer(lambda _, say: say(HEAD + b"\r\n" + BODIES[name])) as other, RawServer(away) as server:
        with pytest.raises(ModelUnavailable, match=rf"{server.url}: it redirects to {other.url}, another") as caught:
            ask(name, server.url)
        assert (len(server.asked), other.asked) == (1, [])
    assert SECRET not in "".join(traceback.format_exception(caught.value))


@OURS
def test_the_body_of_a_redirect_is_not_read(name: str) -> None:
    """It may have no end, and requests would hold all of it."""

    whole = []

    def away(path: str, say: Say) -> None:
        say(b"HTTP/1.1 307 Moved\r\nLocation: http://127.0.0.1:9/\r\n\r\n")
        for _ in range(64 << 4):
            say(PIECE)
        whole.append(path)

    with RawServer(away) as server, pytest.raises(ModelUnavailable, match=r"redirects to http://127\.0\.0\.1:9,"):
        ask(name, server.url)
    assert whole == []


class PlainServer:
    """A context manager, which gives its URL of https: a port that says *words*, first or when it was asked."""

    def __init__(self, words: bytes = b"", *, first: bool = False) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._words, self._first = words, first
        self._kept: list[socket.socket] = []
        self._thread = Thread(target=self._serve, daemon=True)

    def __enter__(self) -> str:
        self._thread.start()
        return f"https://127.0.0.1:{self._socket.getsockname()[1]}"

    def __exit__(self, *_: object) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        for each in (*self._kept, self._socket):
            each.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self._kept.append(connection)
            if self._words:
                if not self._first:
                    connection.recv(4096)
                connection.sendall(self._words)


def complain(path: str, say: Say) -> None:
    say(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")


@EACH
def test_https_to_a_port_of_http_is_named_at_once(name: str) -> None:
    """It is not tried again, which would not change it."""
    naps = Naps()
    with RawServer(complain) as server:
        model = a_model(name, hosts=(server.url.replace("http:", "https:"),))
        opened = open_model(model, environment={"ANTHROPIC_API_KEY": SECRET}, sleep=naps)
        with pytest.raises(ModelUnavailable, match=f"it speaks http there, not https; write {server.url}"):
            opened.complete(a_prompt())
    assert naps.taken == []


def test_a_port_of_http_that_waits_for_a_line_is_asked_for_one() -> None:
    """Where a greeting in TLS holds no end of a line, neither side would ever say a word."""
    fault = TimeoutError("handshake")
    with RawServer(complain) as server:
        url = server.url.replace("http:", "https:")
        assert "speaks http there" in str(plain_port(url, fault, in_handshake=True))
        assert plain_port(url, fault, in_handshake=False) is None
        assert plain_port(server.url, fault, in_handshake=True) is None

    def of_https(path: str, say: Say) -> None:
        say(b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n")

    with RawServer(of_https) as server:
        assert plain_port(server.url.replace("http:", "https:"), fault, in_handshake=True) is None


@EACH
@pytest.mark.parametrize("first", [True, False], ids=["speaks first", "answers"])
def test_a_port_of_neither_is_named_at_once(name: str, first: bool) -> None:
    """As one of ssh or of a data base, which speaks of neither to both."""
    naps = Naps()
    with PlainServer(b"SSH-2.0-OpenSSH_9.6\r\n", first=first) as url:
        opened = open_model(a_model(name, hosts=(url,)), environment={"ANTHROPIC_API_KEY": SECRET}, sleep=naps)
        with pytest.raises(ModelUnavailable, match="it speaks neither https nor http there; correct host and port"):
            opened.complete(a_prompt())
    assert naps.taken == []


@OURS
def test_a_port_that_takes_connections_in_silence_is_named(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may hang, so it is asked again; what is said is not that time was over alone."""
    monkeypatch.setattr("pytest_koderz.backends.http.plain_port.PROBE_SECONDS", 0.05)
    with PlainServer() as url:
        model = open_model(a_model(name, hosts=(url,), timeout=0.2, options={"retries": 1}), sleep=Naps())
        with pytest.raises(ModelUnavailable, match=r"in 2 tries; .*answers neither https nor http there"):
            model.complete(a_prompt())


def test_a_greeting_of_ones_own_network_is_not_waited_for_as_long() -> None:
    """It comes at once, or from another kind of port not at all."""
    assert connect_seconds("https://192.168.1.5:8000/v1") < connect_seconds("https://api.openai.com/v1")
    assert connect_seconds("http://192.168.1.5:8000/v1") == connect_seconds("https://api.openai.com/v1")


@OURS
def test_a_circle_of_redirects_ends(name: str) -> None:
    """After a few rounds, with an error that says so."""

    def round_and_round(path: str, say: Say) -> None:
        say(f"HTTP/1.1 307 Again\r\nLocation: {path}\r\nContent-Length: 0\r\n\r\n".encode())

    with RawServer(round_and_round) as server:
        with pytest.raises(ModelUnavailable, match=rf"{server.url}: it redirects again and again"):
            ask(name, server.url)
        assert len(server.asked) < 10


@OURS
def test_a_password_in_the_url_goes_along(name: str) -> None:
    """To the same server, which wants it at the new place too."""

    def moved(path: str, say: Say) -> None:
        if path.startswith("/new"):
            say(HEAD + b"\r\n" + BODIES[name])
        else:
            say(f"HTTP/1.1 308 Moved\r\nLocation: {server.url}/new\r\nContent-Length: 0\r\n\r\n".encode())

    with RawServer(moved) as server:
        model = a_model(name, hosts=(server.url.replace("://", "://me:hidden@"),))
        assert open_model(model).complete(a_prompt()).text == "ok"
    assert ["Basic bWU6aGlkZGVu" in head for _, head, _ in server.asked] == [True, True]


@EACH
@pytest.mark.parametrize("body", [b"[" * 200_000, b'{"a":' * 200_000, b"1" * 5000, b"\xff\xfe\x00", b'{"a": NaN'])
def test_an_answer_that_no_parser_takes_may_pass(name: str, body: bytes) -> None:
    """Such as brackets two hundred thousand deep."""
    with (
        RawServer(lambda _, say: say(HEAD + b"\r\n" + body)) as server,
        pytest.raises(ModelUnavailable, match=r"not JSON|no object|no message"),
    ):
        ask(name, server.url)
