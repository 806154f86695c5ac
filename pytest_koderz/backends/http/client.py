"""JSON over HTTP: one deadline and one size limit for each call, and no redirect to another server."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from socket import socket
from typing import TYPE_CHECKING, Any

from pytest_koderz.backends.redaction import Redactor, cause_of
from pytest_koderz.core.errors import Withdrawn
from pytest_koderz.core.withdrawal import check_wanted, in_flight, is_withdrawn
from pytest_koderz.files.call_deadline import CallDeadline, Connections, session_over, watched

from .failures import SPENT, failure_of_status, words_of
from .hosts import is_loopback, is_own, origin_of, redirected, shown
from .limits import BadEncoding, Room, TooLarge
from .plain_port import NEITHER, is_silent, plain_port
from .retry import CONNECT_SECONDS, MayPass, Refused, Unanswered, never_sent

if TYPE_CHECKING:
    import requests


MOST_BYTES = 4 << 20
"""Of one answer, unpacked. A model's longest reply takes two fifths of it, and each answer ten times its own bytes."""

MOST_LATE = 1 << 18
"""Bytes that are still read of a call that was cut short: what had arrived by then counts."""

MOST_REDIRECTS = 5
REDIRECTS = frozenset({301, 302, 303, 307, 308})


GREETING_SECONDS = 3.0
"""To be greeted in TLS by a server of one's own network: a port of another kind takes the connection in silence."""


def connect_seconds(url: str) -> float:
    """How long it may take until a request can be sent to *url*."""
    return GREETING_SECONDS if url.startswith("https:") and is_own(url) else CONNECT_SECONDS


@dataclass(frozen=True)
class HttpClient:
    """Where and how JSON is asked for. Each call has a connection of its own, so threads may share it."""

    url: str
    timeout: float
    """Seconds for a whole call, from the connection to the answer's last byte."""
    key: str | None
    redact: Redactor

    def __repr__(self) -> str:
        return f"HttpClient({shown(self.url)!r})"

    def post(self, path: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        """The object that the server answers. Raises MayPass or Refused."""
        return self._object(self._asked("POST", path, payload))

    def stream(self, path: str, payload: Mapping[str, Any], take: Callable[[bytes], None]) -> dict[str, Any] | None:
        """Give *take* each line of the answer as it comes, as far as it comes before the call is withdrawn.

        The object, where the server answers one in place of a stream. Raises MayPass or Refused, what *take* raises,
        and Withdrawn where nothing was sent.
        """
        check_wanted()
        answer = self._asked("POST", path, payload, take)
        if answer.streamed:
            return None
        try:
            return self._object(answer)
        except MayPass:
            if answer.status < 400 and is_withdrawn():
                return None
            raise

    def get(self, path: str) -> dict[str, Any]:
        """The same for a question without a body."""
        return self.look(path)[1]

    def look(self, path: str) -> tuple[Mapping[str, str], dict[str, Any]]:
        """The same, behind the headers that it came with."""
        answer = self._asked("GET", path, None)
        return answer.headers, self._object(answer)

    def _asked(
        self, method: str, path: str, payload: Mapping[str, Any] | None, take: Callable[[bytes], None] | None = None
    ) -> _Answer:
        import requests
        import urllib3

        withdrawal = None if take is None else in_flight.get()
        with (
            CallDeadline(self.timeout) as deadline,
            nullcontext() if withdrawal is None else withdrawal.cutting(deadline.cut),
        ):
            way = _Way(deadline, self.url)
            try:
                return self._followed(method, self.url + path, payload, way, take)
            # ValueError: what they make of a chunk of less than nothing, and of an address that is none.
            except (requests.exceptions.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as fault:
                if deadline.was_cut:
                    return _cut_off(way)
                refusal = plain_port(self.url, fault, in_handshake=way.in_handshake)
                raise refusal or self._silence(fault, way) from None

    def _silence(self, fault: Exception, way: _Way) -> Unanswered:
        """Why nothing whole came back."""
        import requests

        unbilled = never_sent(fault) or way.in_handshake
        if way.in_handshake and (way.deadline.passed or is_silent(fault)):
            return Unanswered(NEITHER, unbilled=True)
        if not unbilled and (way.deadline.passed or isinstance(fault, requests.exceptions.ReadTimeout)):
            return Unanswered(f"nothing came within {self.timeout:g} s", timed_out=True)
        return Unanswered(f"the connection failed ({self.redact.quoted(cause_of(fault))})", unbilled=unbilled)

    def _followed(
        self,
        method: str,
        url: str,
        payload: Mapping[str, Any] | None,
        way: _Way,
        take: Callable[[bytes], None] | None,
    ) -> _Answer:
        """The answer at the end of redirects. requests would make a GET of some, and follow others anywhere."""
        for _ in range(MOST_REDIRECTS + 1):
            with way.session() as session, self._sent(session, method, url, payload) as response:
                location = response.headers.get("location")
                if response.status_code not in REDIRECTS or not location:
                    if take is not None and _is_stream(response):
                        return self._streamed(response, way.deadline, take)
                    return _Answer(response.status_code, response.headers, self._body(response, way.deadline))
            url = self._target(url, location)
        raise Refused(None, "it redirects again and again", lasting=True)

    def _sent(
        self, session: requests.Session, method: str, url: str, payload: Mapping[str, Any] | None
    ) -> requests.Response:
        return session.request(
            method,
            url,
            json=payload,
            timeout=(min(connect_seconds(url), self.timeout), self.timeout),
            # As `auth`, since requests would put a password of ~/.netrc over a plain header.
            auth=self._authorized if self.key else None,
            headers={"Accept-Encoding": "identity"},
            allow_redirects=False,
            stream=True,
        )

    def _authorized(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self.key}"
        return request

    def _target(self, url: str, location: str) -> str:
        """Where a redirect leads to, with the password that *url* has. Raises Refused for any other server."""
        target = redirected(url, location)
        if target is None:
            words = (
                f"it redirects to {self.redact.quoted(origin_of(url, location))}, another server, which is not asked"
            )
            advice = "name that one in koderz.yaml or the environment if you trust it"
            raise Refused(None, f"{words}; {advice}", lasting=True)
        return target

    def _body(self, response: requests.Response, deadline: CallDeadline) -> bytes:
        """The whole of it, unpacked. Raises Refused where it is longer than anything that a model says."""
        *_, room = self._filled(response, deadline)
        return room.content

    def _streamed(self, response: requests.Response, deadline: CallDeadline, take: Callable[[bytes], None]) -> _Answer:
        """Each line in turn, with what stands behind the last one unless the call was cut."""
        room = None
        for room in self._filled(response, deadline):
            for line in _lines(room):
                take(line)
        if room is not None and not deadline.was_cut:
            take(room.content)
        return _Answer(response.status_code, response.headers, b"", streamed=True)

    def _filled(self, response: requests.Response, deadline: CallDeadline) -> Iterator[Room]:
        """What holds the answer so far, unpacked, with each piece of it and at its end; at the least once."""
        late = 0
        try:
            room = Room(response.headers.get("content-encoding", ""), MOST_BYTES)
            for piece in response.raw.stream(1 << 16, decode_content=False):
                room.put(piece)
                yield room
                late += len(piece) if deadline.was_cut else 0
                if deadline.passed or late > MOST_LATE:
                    # A socket that is shut still gives what goes on arriving.
                    break
            room.check_containers()
        except BadEncoding as fault:
            raise MayPass(f"its answer cannot be unpacked: it is packed as {self.redact.quoted(str(fault))}") from None
        except TooLarge as fault:
            raise _too_large(fault) from None
        except Exception:
            if not deadline.passed:
                raise
        if deadline.passed:
            # Where no length was promised, an answer that was cut off here looks like a whole one.
            raise Unanswered(f"the answer was not whole within {self.timeout:g} s", timed_out=True)
        yield room

    def _object(self, answer: _Answer) -> dict[str, Any]:
        if answer.status >= 400:
            raise self._error(answer)
        try:
            value = json.loads(answer.body)
        except (ValueError, RecursionError):
            raise MayPass("it answered something that is not JSON") from None
        if not isinstance(value, dict):
            raise MayPass("it answered JSON that is no object")
        return value

    def _error(self, answer: _Answer) -> MayPass | Refused:
        text = answer.body.decode(errors="replace")
        words = self.redact.quoted(words_of(text) or f"status {answer.status}")
        return failure_of_status(answer.status, words, answer.headers, spent=SPENT in text)


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes
    streamed: bool = False
    """Its lines were given away as they came."""


def _is_stream(response: requests.Response) -> bool:
    """Whether it is given line by line. Lines of JSON have a type of their own, under several names."""
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    return response.status_code < 400 and kind != "application/json"


def _lines(room: Room) -> list[bytes]:
    try:
        return room.lines()
    except TooLarge as fault:
        raise _too_large(fault) from None


def _too_large(fault: TooLarge) -> Refused:
    return Refused(None, str(fault), billed=True)


def _cut_off(way: _Way) -> _Answer:
    """What came was given away. Raises Withdrawn where nothing was sent."""
    if not way.connected:
        raise Withdrawn("its answer is no longer wanted")
    return _Answer(200, {}, b"", streamed=True)


class _Way:
    """How a call comes to its server: by connections that end at *deadline*."""

    def __init__(self, deadline: CallDeadline, url: str) -> None:
        self.deadline = deadline
        self.in_handshake = False
        """Whether the last connection was opened and not yet agreed on."""
        self.connected = False
        """Whether any was agreed on, so that something may have been sent."""
        self._url = url

    def session(self) -> requests.Session:
        session = session_over(self.watched)
        # A proxy of the environment does not know our loopback.
        session.trust_env = not is_loopback(self._url)
        return session

    def watched(self, kind: Connections) -> Connections:
        way = self

        class AgreedConnection(watched(kind, self.deadline)):  # type: ignore[misc]  # chosen by the URL's scheme
            def _new_conn(self) -> socket:
                opened: socket = super()._new_conn()
                way.in_handshake = True
                return opened

            def connect(self) -> None:
                super().connect()
                way.in_handshake = False
                way.connected = way.connected or not way.deadline.was_cut

        return AgreedConnection
