"""https that was asked of a port where http is spoken, or neither."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import urlsplit

from .hosts import base_url, shown
from .retry import Refused

PROBE_SECONDS = 2.0

NEITHER = "it takes the connection, and answers neither https nor http there; correct host and port, unless it hangs"
_TLS_ALERT = b"\x15\x03"
"""How an answer begins that is https after all."""


def plain_port(url: str, fault: BaseException, *, in_handshake: bool) -> Refused | None:
    """What is to be said where *fault* came of that; None where it did not. Another try would not change it.

    A server that waits for a line of text says nothing to a greeting in TLS, so it is asked in its own language, where
    the handshake is what failed.
    """
    parts = urlsplit(url)
    if parts.scheme != "https":
        return None
    faults = [each for each in _chain(fault) if isinstance(each, ssl.SSLError)]
    if any(isinstance(each, ssl.SSLCertVerificationError) for each in faults):
        return None
    said = any("WRONG_VERSION_NUMBER" in str(each) for each in faults)
    if not (said or in_handshake or faults):
        return None
    answer = _answer_to_http(parts.hostname or "", parts.port or 443)
    if not answer.startswith((b"HTTP/", _TLS_ALERT)) and (said or answer):
        return Refused(None, "it speaks neither https nor http there; correct host and port", lasting=True)
    if not said and (not answer.startswith(b"HTTP/") or any(word in answer for word in (b"HTTPS", b"SSL", b"TLS"))):
        return None
    plain = shown(base_url(url.replace("https://", "http://", 1), 80))
    return Refused(None, f"it speaks http there, not https; write {plain}", lasting=True)


def is_silent(fault: BaseException) -> bool:
    """Whether *fault*, in a handshake, is that no word came."""
    return any(isinstance(each, TimeoutError) for each in _chain(fault))


def _chain(fault: BaseException) -> Iterator[BaseException]:
    """*fault* and what it came of, in whichever way its library says so."""
    cause: BaseException | None = fault
    while cause is not None:
        yield cause
        yield from (each for each in cause.args if isinstance(each, ssl.SSLError))
        cause = cause.__cause__ or cause.__context__


def _answer_to_http(host: str, port: int) -> bytes:
    """How it begins; empty where there is none. Servers of https answer too, with a complaint that names what they
    want, or with an alert of their own.
    """
    with suppress(OSError), socket.create_connection((host, port), PROBE_SECONDS) as connection:
        connection.settimeout(PROBE_SECONDS)
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        return connection.recv(4096)
    return b""
