"""JSON over HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_koderz.backends.redaction import Redactor, cause_of
from pytest_koderz.core.arm import ModelSettings

from .hosts import is_loopback, password_in, shown
from .retry import CONNECT_SECONDS, TRANSIENT, UNTOLD, MayPass, never_sent, retry_after
from .service import Service

if TYPE_CHECKING:
    import requests


SPENT = "insufficient_quota"
"""OpenAI's code of a 429 that waiting does not end: the account has no money left."""


class Refused(Exception):
    """An answer with a status that another try would not change."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status = status
        self.words = words
        """What the server said, in one line, without secrets."""


@dataclass(frozen=True)
class Wire:
    """Where and how JSON is posted. Each post has a connection of its own, so threads may share it."""

    url: str
    timeout: float
    """Seconds to wait for the server's next bytes."""
    key: str | None
    redact: Redactor

    def __repr__(self) -> str:
        return f"Wire({shown(self.url)!r})"

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


def wire_of(service: Service, settings: ModelSettings, environment: Mapping[str, str], worker: int) -> Wire:
    """To the server of *service* that *worker* talks to. Raises UsageError where its name is none."""
    url, key = service.url(settings, environment, worker), service.key(environment)
    return Wire(url, settings.timeout, key, Redactor(key, password_in(url)))


def _words(response: requests.Response) -> str:
    """The message in an error of Ollama's (`{"error": "..."}`) or OpenAI's shape, else the body itself."""
    try:
        error = response.json()["error"]
        return str(error["message"] if isinstance(error, dict) else error)
    except (ValueError, KeyError, TypeError):
        return response.text or response.reason
