"""What a server says it is, and what that makes it cost."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace

import pytest

from pytest_koderz.backends.http.client import HttpClient
from pytest_koderz.backends.kinds_of_server import kind_of
from pytest_koderz.backends.openai import BACKEND
from pytest_koderz.backends.redaction import NO_SECRETS
from pytest_koderz.testing import OpenAIServer

from .worlds import RawServer, Say, a_model, a_prompt, open_model

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


def test_a_server_says_what_it_serves() -> None:
    """llama-server answers with its one model, whatever it is asked for; vLLM names where its weights come from."""
    llama = listing("llamacpp", meta={"ftype": "Q4_1", "size": 96576768})
    with a_server({"/v1/models": llama, "/props": {"build_info": "b6000-abc"}}) as server:
        told = BACKEND.identity(a_model("openai", "gpt-4", hosts=(server.url,)), {}).told
    assert told == {"weights": "m0", "quantization": "Q4_1", "size": "96576768", "server": "llama.cpp b6000-abc"}
    with a_server({"/v1/models": listing("vllm", root="Qwen/Q7"), "/version": {"version": "0.11.0"}}) as server:
        assert BACKEND.identity(a_model("openai", "m0", hosts=(server.url,)), {}).told == {
            "weights": "Qwen/Q7",
            "server": "vLLM 0.11.0",
        }
    with a_server({"/v1/models": listing("openai")}) as server:
        assert BACKEND.identity(a_model("openai", "m0", hosts=(server.url,)), {}).told == {}
    assert BACKEND.identity(a_model("openai", "m0", hosts=(server.url,)), {}).told == {}


def test_a_server_that_repeats_the_name_it_was_asked_for_is_not_believed() -> None:
    """Where it said itself that it serves something else."""
    with OpenAIServer(["a", "b"]) as server:
        model = a_model("openai", "gpt-4", hosts=(server.url,), identity={"weights": "/models/smollm2.gguf"})
        replies = [
            open_model(model).complete(a_prompt()),
            open_model(replace(model, model="smollm2")).complete(a_prompt()),
        ]
    assert [reply.model_id for reply in replies] == ["/models/smollm2.gguf", "smollm2"]
    assert [reply.warnings for reply in replies] == [("answers where 'gpt-4' was asked for",), ()]
