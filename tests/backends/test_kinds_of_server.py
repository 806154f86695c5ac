"""What a server says it is, and what that makes it cost."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from pytest_koderz.backends.http.client import HttpClient
from pytest_koderz.backends.kinds_of_server import kind_of
from pytest_koderz.backends.openai import BACKEND
from pytest_koderz.backends.redaction import NO_SECRETS

from .worlds import RawServer, Say, a_model

NOT_FOUND = b"HTTP/1.1 404 Not Found\r\n\r\n"


def a_server(pages: Mapping[str, object], headers: str = "") -> RawServer:
    """One that has these pages of JSON, each with the same headers."""

    def answer(path: str, say: Say) -> None:
        found = path in pages
        say(f"HTTP/1.1 200 OK\r\n{headers}\r\n".encode() + json.dumps(pages[path]).encode() if found else NOT_FOUND)

    return RawServer(answer)


def listing(*owners: str, **fields: object) -> dict[str, object]:
    models = [
        {"id": f"m{number}", "object": "model", "owned_by": owner, **fields} for number, owner in enumerate(owners)
    ]
    return {"object": "list", "data": models}


TAGS = {"models": [{"name": "m:latest", "digest": "0" * 64}]}


@pytest.mark.parametrize(
    ("pages", "headers", "kind"),
    [
        ({"/v1/models": listing("llamacpp")}, "Server: llama.cpp\r\n", "llama.cpp"),
        ({"/v1/models": listing("me")}, "Server: llama.cpp\r\n", "llama.cpp"),
        ({"/v1/models": listing("vllm", "vllm")}, "Server: uvicorn\r\n", "vLLM"),
        ({"/v1/models": listing("library", "library")}, "", "Ollama"),
        ({"/v1/models": listing("library", "me"), "/api/tags": TAGS}, "", "Ollama"),
        ({"/v1/models": listing("organization_owner")}, "X-Powered-By: Express\r\n", "LM Studio"),
        ({"/v1/models": listing("openai")}, "Server: uvicorn\r\n", None),
        ({"/v1/models": listing("openai", "openai"), "/api/tags": TAGS}, "", None),
        ({"/v1/models": listing("vllm")}, "x-litellm-version: 1.80.0\r\n", None),
        ({"/v1/models": listing("vllm", "llamacpp")}, "", None),
        ({"/v1/models": listing("vllm", pricing={"prompt": "0.1"})}, "", None),
        ({"/v1/models": {"data": 3}}, "", None),
        ({"/v1/models": []}, "", None),
        ({}, "", None),
    ],
)
def test_a_server_is_what_it_says_it_is(pages: Mapping[str, object], headers: str, kind: str | None) -> None:
    """The answers are those of the real ones; a gateway is none of these."""
    with a_server(pages, headers) as server:
        assert kind_of(HttpClient(server.url, 2.0, None, NO_SECRETS)) == kind


def rule_of(*hosts: str, model: str = "gpt-4") -> tuple[bool, bool]:
    """Whether it is of one's own machine, and whether its name says nothing of its price."""
    assert BACKEND.cost_at is not None
    rule = BACKEND.cost_at(a_model("openai", model, hosts=hosts), {})
    return rule.own_machine, rule.elsewhere


def test_a_server_of_ones_own_is_free_where_it_says_what_it_is() -> None:
    """The name of its model, which it ignores, says nothing."""
    with a_server({"/v1/models": listing("llamacpp")}) as own, a_server({"/v1/models": listing("openai")}) as gateway:
        assert rule_of(own.url) == (True, False)
        assert rule_of(gateway.url) == (False, True)
        assert rule_of(own.url, gateway.url) == (False, True)
        assert rule_of(own.url, model="gpt-oss:120b-cloud") == (False, True)
    assert rule_of(own.url) == (False, True)


def test_only_openais_own_service_has_openais_prices() -> None:
    """And its regions; nobody is asked for that."""
    assert rule_of() == rule_of("https://eu.api.openai.com/v1") == (False, False)
    assert rule_of("https://api.openai.com.example.org") == (False, True)
