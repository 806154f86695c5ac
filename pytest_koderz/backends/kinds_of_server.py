"""What a server that speaks OpenAI's /v1 says it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .backend import Identity
from .http.client import HttpClient
from .http.retry import MayPass, Refused
from .served import name_of
from .token_counts import MOST_TOKENS

LOOK_SECONDS = 2.0
"""How long it may take to say so."""

LLAMA_CPP = "llama.cpp"
OWNERS = {"llamacpp": LLAMA_CPP, "vllm": "vLLM", "library": "Ollama", "organization_owner": "LM Studio"}
"""What these write as `owned_by` of each model that they list."""


@dataclass(frozen=True, slots=True)
class Listing:
    """A server's answer to `/v1/models`."""

    headers: Mapping[str, str]
    models: Sequence[Mapping[str, Any]]

    @property
    def owners(self) -> set[str]:
        return {name_of(model.get("owned_by"), "") for model in self.models}

    @property
    def is_of_a_gateway(self) -> bool:
        """LiteLLM names itself in its headers; others list what their models cost."""
        named = any(name.lower().startswith(("x-litellm", "x-openrouter")) for name in self.headers)
        return named or any("pricing" in model for model in self.models)

    def answering(self, model: str) -> Sequence[Mapping[str, Any]]:
        """What answers where *model* is asked for: llama-server has one, and answers with it whatever that is."""
        alone = self.owners == {"llamacpp"} and len(self.models) == 1
        return self.models if alone else [each for each in self.models if each.get("id") == model]


def listing_of(client: HttpClient) -> Listing | None:
    """None: it gives none."""
    try:
        headers, answer = client.look("/v1/models")
    except (MayPass, Refused):
        return None
    models = answer.get("data")
    if not isinstance(models, list) or not all(isinstance(model, dict) for model in models):
        return None
    return Listing(headers, models)


def kind_of(client: HttpClient) -> str | None:
    """Such as `llama.cpp`. None: it is another kind, or does not say.

    A gateway writes one owner over all that it passes on, or their several ones; it is none of these kinds.
    """
    listing = listing_of(client)
    if listing is None or listing.is_of_a_gateway:
        return None
    owners = listing.owners
    if len(owners) == 1 and next(iter(owners)) in OWNERS:
        return OWNERS[next(iter(owners))]
    if listing.headers.get("server", "").startswith(LLAMA_CPP):
        return LLAMA_CPP
    # Whoever's models they are, Ollama writes the publisher's name there.
    return "Ollama" if not owners & {"openai", "system"} and _lists_digests(client) else None


def _lists_digests(client: HttpClient) -> bool:
    try:
        models = client.get("/api/tags")["models"]
        return bool(models) and all("digest" in model for model in models)
    except (MayPass, Refused, KeyError, TypeError):
        return False


def answers_by_itself(client: HttpClient, model: str) -> bool:
    """Whether no more than the machine it runs on is paid for an answer of *model*."""
    # Ollama passes these on to its own service.
    return not model.lower().endswith(("-cloud", ":cloud")) and kind_of(client) is not None


WEIGHTS = "weights"
"""What a server calls what it serves."""


def identity_at(client: HttpClient, model: str) -> Identity:
    """What the server says that answers when it is asked for *model*."""
    listing = listing_of(client)
    if listing is None or listing.owners not in ({"llamacpp"}, {"vllm"}):
        return Identity()
    kind = OWNERS[next(iter(listing.owners))]
    told: dict[str, object] = {}
    for found in listing.answering(model):
        about = _mapping(found.get("meta"))
        told = {WEIGHTS: found.get("root") or found.get("id")}
        told |= {"quantization": about.get("ftype"), "size": about.get("size")}
    weights = {name: name_of(str(value), "") for name, value in told.items() if isinstance(value, str | int)}
    return Identity(weights, f"{kind} {_version(client, kind)}".strip())


def _version(client: HttpClient, kind: str) -> str:
    path, key = ("/props", "build_info") if kind == LLAMA_CPP else ("/version", "version")
    try:
        return name_of(client.get(path).get(key), "")
    except (MayPass, Refused):
        return ""


MOST_SLOTS = 1_000
"""Of one server: each takes memory of its own there."""


def slots_at(client: HttpClient) -> int | None:
    """How many calls llama-server answers at once, as its `/props` say. None: it is another, or does not say."""
    try:
        told = client.get("/props").get("total_slots")
    except (MayPass, Refused):
        return None
    return told if type(told) is int and 0 < told <= MOST_SLOTS else None


def window_at(client: HttpClient, model: str) -> int | None:
    """Tokens of a prompt and its reply, as llama-server and vLLM tell them. None: it does not say."""
    listing = listing_of(client)
    if listing is None or listing.is_of_a_gateway:
        return None
    told: list[object] = [_slot_window(client)] if listing.owners == {"llamacpp"} else []
    for found in listing.answering(model):
        told += [_mapping(found.get("meta")).get("n_ctx"), found.get("max_model_len")]
    return next((each for each in told if type(each) is int and 0 < each <= MOST_TOKENS), None)


def _slot_window(client: HttpClient) -> object:
    """llama-server's window is shared out among its slots."""
    try:
        return _mapping(client.get("/props").get("default_generation_settings")).get("n_ctx")
    except (MayPass, Refused):
        return None


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
