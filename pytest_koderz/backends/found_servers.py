"""A local model that could write candidates now, for who begins: what servers of this machine say they have."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pytest_koderz.core.arm import ModelSettings
from pytest_koderz.files.usage_error import UsageError

from . import ollama, openai
from .backend import Environment
from .http.client import HttpClient
from .http.hosts import Service, is_own, shown
from .http.retry import MayPass, Refused
from .kinds_of_server import LOOK_SECONDS, Listing, kind_of, listing_of, window_at
from .served import listed_in, name_of

USUAL = ("http://127.0.0.1:8000", "http://127.0.0.1:8080", "http://127.0.0.1:1234")
"""Where vLLM, llama-server and LM Studio answer unless they are told otherwise."""
_NO_WRITERS = ("embed", "bge-", "rerank", "whisper", "-cloud", ":cloud")
"""In names of models that write nothing, or not here."""


@dataclass(frozen=True, slots=True)
class FoundModel:
    """A model that a server has."""

    backend: str
    model: str
    hosts: tuple[str, ...]
    """Empty: those of the environment."""
    place: str
    """Kind and address of the server, as it may be shown."""
    context_tokens: int | None = None
    """The window in which it answers. None: it is asked for one, or does not say."""


def found_model(environment: Environment, usual: Sequence[str] = USUAL) -> FoundModel | None:
    """The first that a server offers: Ollama's, that of OPENAI_BASE_URL, one at a *usual* address."""
    return next((each for each in _found(environment, usual) if each.model), None)


def _found(environment: Environment, usual: Sequence[str]) -> Iterator[FoundModel]:
    for client in _clients(ollama.SERVICE, environment, ()):
        yield FoundModel("ollama", _best(_pulled(client)), (), f"Ollama at {shown(client.url)}")
    named = environment.get(openai.SERVICE.hosts_name)
    for hosts in [()] if named else [(host,) for host in usual]:
        for client in _clients(openai.SERVICE, environment, hosts):
            kind = kind_of(client) if is_own(client.url) else None
            if kind is not None:
                model = _best(_served(listing_of(client)))
                window = window_at(client, model)
                yield FoundModel("openai", model, hosts, f"{kind} at {shown(client.url)}", window)


def _clients(service: Service, environment: Environment, hosts: tuple[str, ...]) -> list[HttpClient]:
    settings = ModelSettings("", "", "", hosts=hosts)
    try:
        urls = service.urls(settings, environment)
        # A key is for the server that the environment names.
        key = None if hosts else service.key(environment)
        return [HttpClient(url, LOOK_SECONDS, key, service.redactor(settings, environment)) for url in urls]
    except UsageError:
        return []


def _pulled(client: HttpClient) -> list[str]:
    try:
        listed = listed_in(client.get("/api/tags"), "models")
    except (MayPass, Refused):
        return []
    return [name_of(each.get("name"), "") for each in listed]


def _served(listing: Listing | None) -> list[str]:
    return [] if listing is None else [name_of(each.get("id"), "") for each in listing.models]


def _best(names: Sequence[str]) -> str:
    """One that is made for code, else the first that writes; empty where there is none."""
    plain = [name for name in names if name and name.isprintable()]
    writers = [name for name in plain if not any(part in name.lower() for part in _NO_WRITERS)]
    return next((name for name in writers if "cod" in name.lower()), writers[0] if writers else "")
