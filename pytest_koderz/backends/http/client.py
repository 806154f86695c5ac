"""JSON over HTTP: one deadline and one size limit for each call, and no redirect to another server."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from socket import socket
from typing import TYPE_CHECKING, Any, ClassVar, Self

from pytest_koderz.backends.backend import Surroundings
from pytest_koderz.backends.completions import is_too_long, too_long
from pytest_koderz.backends.redaction import Redactor, cause_of
from pytest_koderz.core.arm import ModelSettings
from pytest_koderz.core.errors import ModelRefused
from pytest_koderz.core.ports import Prompt, Reply

from .hosts import Service, is_loopback, origin_of, redirected, shown
from .limits import BadEncoding, CallDeadline, Room, TooLarge
from .retry import (
    CONNECT_SECONDS,
    TRANSIENT,
    UNTOLD,
    Caller,
    MayPass,
    Refused,
    Unanswered,
    caller_of,
    never_sent,
    retry_after,
)

if TYPE_CHECKING:
    import requests


SPENT = "insufficient_quota"
"""OpenAI's code of a 429 that waiting does not end: the account has no money left."""


MOST_BYTES = 16 << 20
"""Of one answer, unpacked. A model's longest reply takes a tenth of it."""

MOST_REDIRECTS = 5
REDIRECTS = frozenset({301, 302, 303, 307, 308})


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

    def get(self, path: str) -> dict[str, Any]:
        """The same for a question without a body."""
        return self._object(self._asked("GET", path, None))

    def _asked(self, method: str, path: str, payload: Mapping[str, Any] | None) -> _Answer:
        import requests
        import urllib3

        with CallDeadline(self.timeout) as deadline:
            try:
                return self._followed(method, self.url + path, payload, deadline)
            except (requests.exceptions.RequestException, urllib3.exceptions.HTTPError, OSError) as fault:
                raise self._silence(fault, deadline) from None

    def _silence(self, fault: Exception, deadline: CallDeadline) -> Unanswered:
        """Why nothing whole came back."""
        import requests

        unbilled = never_sent(fault)
        if not unbilled and (deadline.passed or isinstance(fault, requests.exceptions.ReadTimeout)):
            return Unanswered(f"nothing came within {self.timeout:g} s", timed_out=True)
        return Unanswered(f"the connection failed ({self.redact.quoted(cause_of(fault))})", unbilled=unbilled)

    def _followed(self, method: str, url: str, payload: Mapping[str, Any] | None, deadline: CallDeadline) -> _Answer:
        """The answer at the end of redirects. requests would make a GET of some, and follow others anywhere."""
        for _ in range(MOST_REDIRECTS + 1):
            with _session(deadline, self.url) as session, self._sent(session, method, url, payload) as response:
                location = response.headers.get("location")
                if response.status_code not in REDIRECTS or not location:
                    return _Answer(response.status_code, response.headers, self._body(response, deadline))
            url = self._target(url, location)
        raise Refused(None, "it redirects again and again", lasting=True)

    def _sent(
        self, session: requests.Session, method: str, url: str, payload: Mapping[str, Any] | None
    ) -> requests.Response:
        return session.request(
            method,
            url,
            json=payload,
            timeout=(min(CONNECT_SECONDS, self.timeout), self.timeout),
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
            raise Refused(
                None, f"{words}; name that one in koderz.yaml or the environment if you trust it", lasting=True
            )
        return target

    def _body(self, response: requests.Response, deadline: CallDeadline) -> bytes:
        """The whole of it, unpacked. Raises Refused where it is longer than anything that a model says."""
        try:
            room = Room(response.headers.get("content-encoding", ""), MOST_BYTES)
            for piece in response.raw.stream(1 << 16, decode_content=False):
                room.put(piece)
        except BadEncoding as fault:
            raise MayPass(f"its answer cannot be unpacked: it is packed as {self.redact.quoted(str(fault))}") from None
        except TooLarge:
            raise Refused(None, f"its answer is longer than {MOST_BYTES >> 20} MB", billed=True) from None
        except Exception:
            if not deadline.passed:
                raise
        if deadline.passed:
            # Where no length was promised, an answer that was cut off here looks like a whole one.
            raise Unanswered(f"the answer was not whole within {self.timeout:g} s", timed_out=True)
        return room.content

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
        words = self.redact.quoted(_words(text) or f"status {answer.status}")
        if answer.status not in TRANSIENT or SPENT in text:
            return Refused(answer.status, words, lasting=True if SPENT in text else None)
        return MayPass(
            f"status {answer.status}: {words}",
            retry_after=retry_after(answer.headers),
            alive=answer.status == 429,
            # Of 500s "error loading model" is for good; llama-server and Ollama load under a 503.
            loading=answer.status == 503 and "loading" in words.lower(),
            unbilled=answer.status not in UNTOLD,
        )


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes


def _session(deadline: CallDeadline, url: str) -> requests.Session:
    """One whose connections end at *deadline*."""
    import requests
    from requests.adapters import HTTPAdapter

    class Watched(HTTPAdapter):
        def get_connection_with_tls_context(self, *arguments: Any, **named: Any) -> Any:
            pool: Any = super().get_connection_with_tls_context(*arguments, **named)
            pool.ConnectionCls = _watched(pool.ConnectionCls, deadline)
            return pool

    session = requests.Session()
    # A proxy of the environment does not know our loopback.
    session.trust_env = not is_loopback(url)
    for scheme in ("http://", "https://"):
        session.mount(scheme, Watched())
    return session


def _watched(kind: Any, deadline: CallDeadline) -> Any:
    """The class of connections *kind* of urllib3, which opens each socket in `_new_conn`."""

    class WatchedConnection(kind):  # type: ignore[misc]  # chosen by the URL's scheme
        def _new_conn(self) -> socket:
            opened: socket = super()._new_conn()
            deadline.watch(opened)
            return opened

    return WatchedConnection


def _words(text: str) -> str:
    """The message in an error of Ollama's (`{"error": "..."}`) or OpenAI's shape, else the body itself."""
    try:
        error = json.loads(text)["error"]
        return str(error["message"] if isinstance(error, dict) else error)
    except (ValueError, KeyError, TypeError, RecursionError):
        return text


class ServedModel(ABC):
    """A Model. Several threads may use it."""

    look: ClassVar[str | None] = None
    """A path that the server answers at no cost. None: there is none."""

    def __init__(self, settings: ModelSettings, client: HttpClient, caller: Caller) -> None:
        self.settings = settings
        self._client = client
        self._caller = caller
        self._options = settings.options

    @classmethod
    def opened(cls, service: Service, settings: ModelSettings, surroundings: Surroundings) -> Self:
        """The model on the server of this worker. Raises UsageError for servers that are none."""
        environment = surroundings.environment
        url = service.url(settings, environment, surroundings.worker)
        client = HttpClient(url, settings.timeout, service.key(environment), service.redactor(settings, environment))
        return cls(settings, client, caller_of(settings, url, surroundings.sleep, surroundings.notify))

    def admit(self) -> None:
        """Wait for a server that is known to be out. Raises ModelUnavailable when patience has run out."""
        look = self.look
        self._caller.settle(None if look is None else lambda: self._client.get(look))

    def complete(self, prompt: Prompt) -> Reply:
        try:
            return self._caller(lambda: self._attempt(prompt))
        except Refused as refusal:
            if refusal.status is None:
                raise ModelRefused(f"{self._caller.host}: {refusal.words}", lasting=refusal.lasting) from None
            if is_too_long(refusal.words):
                return too_long(self.settings.model, refusal.words)
            raise ModelRefused(self._what_to_do(refusal), lasting=refusal.lasting) from None

    def close(self) -> None:  # noqa: B027 - not every model has something to close
        """Nothing is kept open between calls."""

    @abstractmethod
    def _attempt(self, prompt: Prompt) -> Reply:
        """Raises MayPass or Refused."""

    @abstractmethod
    def _what_to_do(self, refusal: Refused) -> str:
        """The advice for one who reads why nothing was answered."""
