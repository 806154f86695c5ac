"""JSON over HTTP."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from pytest_koderz.backends.completions import is_too_long, too_long
from pytest_koderz.backends.options import Option, checked
from pytest_koderz.backends.redaction import Redactor, cause_of
from pytest_koderz.core.arm import ModelSettings
from pytest_koderz.core.errors import ModelUnavailable
from pytest_koderz.core.ports import Prompt, Reply

from .hosts import Service, is_loopback, password_in, shown
from .retry import (
    CONNECT_SECONDS,
    TRANSIENT,
    UNTOLD,
    Caller,
    MayPass,
    Refused,
    caller_of,
    never_sent,
    retry_after,
)

if TYPE_CHECKING:
    import requests


SPENT = "insufficient_quota"
"""OpenAI's code of a 429 that waiting does not end: the account has no money left."""


@dataclass(frozen=True)
class HttpClient:
    """Where and how JSON is posted. Each post has a connection of its own, so threads may share it."""

    url: str
    timeout: float
    """Seconds to wait for the server's next bytes."""
    key: str | None
    redact: Redactor

    def __repr__(self) -> str:
        return f"HttpClient({shown(self.url)!r})"

    def post(self, path: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        """The object that the server answers. Raises MayPass or Refused."""
        import requests

        try:
            with requests.Session() as session:
                # A proxy of the environment does not know our loopback.
                session.trust_env = not is_loopback(self.url)
                response = session.post(
                    self.url + path,
                    json=payload,
                    timeout=(CONNECT_SECONDS, self.timeout),
                    # As `auth`, since requests would put a password of ~/.netrc over a plain header.
                    auth=self._authorized if self.key else None,
                )
                return self._object(response)
        except requests.exceptions.ReadTimeout:
            raise MayPass(f"nothing came within {self.timeout:g} s", timed_out=True) from None
        except requests.exceptions.JSONDecodeError:
            raise MayPass("it answered something that is not JSON") from None
        except requests.exceptions.RequestException as fault:
            raise MayPass(
                f"the connection failed ({self.redact.quoted(cause_of(fault))})", unbilled=never_sent(fault)
            ) from None

    def _authorized(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self.key}"
        return request

    def _object(self, response: requests.Response) -> dict[str, Any]:
        if response.status_code >= 400:
            words = self.redact.quoted(_words(response))
            if response.status_code not in TRANSIENT or SPENT in response.text:
                raise Refused(response.status_code, words)
            raise MayPass(
                f"status {response.status_code}: {words}",
                retry_after=retry_after(response.headers),
                alive=response.status_code == 429,
                # Of 500s "error loading model" is for good; llama-server and Ollama load under a 503.
                loading=response.status_code == 503 and "loading" in words.lower(),
                unbilled=response.status_code not in UNTOLD,
            )
        answer = response.json()
        if not isinstance(answer, dict):
            raise MayPass("it answered JSON that is no object")
        return answer


def client_of(service: Service, settings: ModelSettings, environment: Mapping[str, str], worker: int) -> HttpClient:
    """To the server of *service* that *worker* talks to. Raises UsageError where its name is none."""
    url, key = service.url(settings, environment, worker), service.key(environment)
    return HttpClient(url, settings.timeout, key, Redactor(key, password_in(url)))


def _words(response: requests.Response) -> str:
    """The message in an error of Ollama's (`{"error": "..."}`) or OpenAI's shape, else the body itself."""
    try:
        error = response.json()["error"]
        return str(error["message"] if isinstance(error, dict) else error)
    except (ValueError, KeyError, TypeError):
        return response.text or response.reason


class ServedModel(ABC):
    """A Model. Several threads may use it."""

    def __init__(self, settings: ModelSettings, client: HttpClient, caller: Caller, options: Mapping[str, Any]) -> None:
        self.settings = settings
        self._client = client
        self._caller = caller
        self._options = options

    @classmethod
    def opened(
        cls,
        service: Service,
        known: Mapping[str, Option],
        settings: ModelSettings,
        environment: Mapping[str, str],
        worker: int,
        notify: Callable[[str], None],
        sleep: Callable[[float], None],
    ) -> Self:
        """The model on the server of *worker*. Raises UsageError for servers or options that are none."""
        options = checked(settings, known)
        client = client_of(service, settings, environment, worker)
        return cls(settings, client, caller_of(settings, options, client.url, sleep, notify), options)

    def admit(self) -> None:
        """Raise ModelUnavailable where a call would be refused, since the server is known to be dead."""
        self._caller.breaker.check()

    def complete(self, prompt: Prompt) -> Reply:
        try:
            reply = self._caller(lambda: self._attempt(prompt))
        except Refused as refusal:
            if is_too_long(refusal.words):
                return too_long(self.settings.model, refusal.words)
            raise ModelUnavailable(self._what_to_do(refusal)) from None
        return self._client.redact.reply(reply)

    def close(self) -> None:  # noqa: B027 - not every model has something to close
        """Nothing is kept open between calls."""

    @abstractmethod
    def _attempt(self, prompt: Prompt) -> Reply:
        """Raises MayPass or Refused."""

    @abstractmethod
    def _what_to_do(self, refusal: Refused) -> str:
        """The advice for one who reads why nothing was answered."""
