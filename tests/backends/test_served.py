"""What is the same for every model on a server."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pytest_koderz.backends.served import is_same_model
from pytest_koderz.core.errors import ModelUnavailable
from pytest_koderz.files.usage_error import UsageError
from pytest_koderz.testing import Answer, AnthropicServer, OllamaServer, OpenAIServer, Request, Status

from .worlds import SECRET, Naps, RawServer, Say, a_model, a_prompt, open_model

SERVERS: dict[str, Any] = {"anthropic": AnthropicServer, "ollama": OllamaServer, "openai": OpenAIServer}


def opened(name: str, server: Any, **settings: Any) -> Any:
    model = a_model(name, "m", hosts=(server.url,), **settings)
    return open_model(model, environment={"ANTHROPIC_API_KEY": SECRET}, sleep=Naps())


def fields(request: Request) -> dict[str, Any]:
    return {**request.body, **request.body.get("options", {})}


@pytest.mark.parametrize("status", [400, 422])
@pytest.mark.parametrize(
    ("name", "field", "words"),
    [
        ("openai", "seed", "Extra inputs are not permitted: seed"),
        ("openai", "top_k", "Unrecognized request argument supplied: top_k"),
        ("openai", "temperature", "Unsupported value: 'temperature' does not support 0.1 with this model."),
        ("anthropic", "temperature", "`temperature` is deprecated for this model."),
        ("anthropic", "top_k", "top_k: may only be set without thinking"),
        ("ollama", "think", '"m" does not support thinking'),
        ("ollama", "top_k", "invalid option: top_k"),
    ],
)
def test_what_a_server_refuses_by_name_is_left_out_and_said_once(
    name: str, field: str, words: str, status: int
) -> None:
    """The rest of the settings stays in force."""
    options = {"top_k": 20} | ({"think": True} if name == "ollama" else {})

    def picky(request: Request) -> Status | str:
        return Status(status, words) if field in fields(request) else "ok"

    with SERVERS[name](picky) as server:
        model = opened(name, server, temperature=0.1, options=options)
        first, second = model.complete(a_prompt()), model.complete(a_prompt())
        assert [field in fields(request) for request in server.requests] == [True, False, False]
        assert {"temperature", "top_k"} - {field} <= fields(server.requests[-1]).keys()
    (said,) = first.warnings
    assert f"refuses `{field}`, so that it is not in force: {words}" in said
    assert second.warnings == ()


def test_a_field_that_is_named_apart_from_the_message_is_found() -> None:
    """As FastAPI has it, which repeats the prompt beside it."""
    detail = {"loc": ["body", "seed"], "msg": "Extra inputs are not permitted", "input": "what temperature?"}

    def strict(path: str, say: Say) -> None:
        if b"seed" in server.asked[-1][2]:
            say(b"HTTP/1.1 422 No\r\n\r\n" + json.dumps({"detail": [detail]}).encode())
        else:
            say(b'HTTP/1.1 200 OK\r\n\r\n{"choices": [{"message": {"content": "ok"}}]}')

    with RawServer(strict) as server:
        reply = opened("openai", server, temperature=0.5).complete(a_prompt())
        assert b"temperature" in server.asked[-1][2]
    assert "refuses `seed`" in reply.warnings[-1]


def test_a_limit_beyond_the_servers_range_is_left_to_the_server() -> None:
    """It is not sent under another name; the server's own is lower, and that ours is not in force is said."""
    words = "max_tokens is too large: 99999. This model supports at most 16384 completion tokens"

    def short(request: Request) -> Status | str:
        return Status(400, words) if "max_tokens" in request.body else "ok"

    with OpenAIServer(short) as server:
        reply = opened("openai", server, max_tokens=99_999).complete(a_prompt())
        assert "max_completion_tokens" not in server.requests[-1].body
    assert "refuses `max_tokens`" in reply.warnings[0]


def test_what_a_service_must_have_is_never_left_out() -> None:
    """Anthropic answers nothing without `max_tokens`."""
    words = "max_tokens: 99999 > 64000, which is the maximum allowed number of output tokens"
    with AnthropicServer([Status(400, words)]) as server:
        with pytest.raises(ModelUnavailable, match=r"takes no such `max_tokens`; correct it in koderz.yaml .*64000"):
            opened("anthropic", server, max_tokens=99_999).complete(a_prompt())
        assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("openai", {"reasoning_effort": "low", "top_k": 20, "min_p": 0.05}),
        ("openai", {"chat_template_kwargs": {"enable_thinking": False}}),
        ("openai", {"think": "high", "keep_alive": -1}),
        ("ollama", {"think": "high", "keep_alive": -1}),
        ("ollama", {"think": False, "keep_alive": "30m"}),
        ("anthropic", {"thinking": {"type": "enabled", "budget_tokens": 1024}}),
    ],
)
def test_further_fields_of_a_request_can_be_options(name: str, options: dict[str, Any]) -> None:
    """They are sent as they stand there."""
    with SERVERS[name](["ok"]) as server:
        opened(name, server, options=options).complete(a_prompt())
        assert options.items() <= server.requests[0].body.items()


@pytest.mark.parametrize("name", SERVERS)
def test_a_field_that_is_not_known_has_a_place_of_its_own(name: str) -> None:
    """Beside the known ones, where a misspelt name is found."""
    extra = {"provider": {"order": ["a", "b"]}, "novel": 1.5}
    with SERVERS[name](["ok"]) as server:
        opened(name, server, options={"extra_body": extra}).complete(a_prompt())
        body = server.requests[0].body
    assert {"provider": {"order": ["a", "b"]}, "novel": 1.5}.items() <= body.items()
    with pytest.raises(UsageError, match=r"options\.top_kk: .*did you mean 'top_k'"):
        open_model(a_model(name, "m", options={"top_kk": 1}), environment={"ANTHROPIC_API_KEY": SECRET})
    with pytest.raises(UsageError, match=r"options\.novelty: .*may stand under `extra_body:`"):
        open_model(a_model(name, "m", options={"novelty": 1}), environment={"ANTHROPIC_API_KEY": SECRET})


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("think", 3, "expected true or false or a text, found 3"),
        ("chat_template_kwargs", "x", "expected a mapping, found 'x'"),
        ("chat_template_kwargs", {"a": None}, r"chat_template_kwargs\.a: expected a text, a number"),
        ("min_p", "much", "expected a number, found 'much'"),
    ],
)
def test_a_field_of_another_kind_is_refused(option: str, value: object, words: str) -> None:
    """Before anything is asked."""
    with pytest.raises(UsageError, match=words):
        open_model(a_model("openai", "m", hosts=("box",), options={option: value}))


@pytest.mark.parametrize(
    ("asked", "answers", "same"),
    [
        ("gpt-4o", "gpt-4o-2024-08-06", True),
        ("claude-opus-5-5", "claude-opus-5-5-20260901", True),
        ("llama3.2", "llama3.2:latest", True),
        ("Qwen/Qwen2.5-Coder-7B", "qwen2.5-coder-7b", True),
        ("qwen", "/models/qwen.gguf", True),
        ("qwen", "C:\\models\\qwen.gguf", True),
        ("gpt-4", "smollm2", False),
        ("gpt-4", "gpt-4o", False),
        ("qwen:7b", "qwen:14b", False),
    ],
)
def test_a_models_names(asked: str, answers: str, *, same: bool) -> None:
    """A version of a day, a path and a tag make no other model."""
    assert is_same_model(asked, answers) is same


@pytest.mark.parametrize("name", SERVERS)
def test_nothing_in_a_model_s_name_acts_on_who_reads_it(name: str) -> None:
    """It stands in summaries, pages and logs."""
    with SERVERS[name]([Answer("a", model="\x1b[2Jm\r\n::error::\u202e")]) as server:
        assert opened(name, server).complete(a_prompt()).model_id == r"\x1b[2Jm ::error::\u202e"


@pytest.mark.parametrize("name", SERVERS)
def test_another_model_that_answers_is_told_of_once(name: str) -> None:
    """It is who the reply is by."""
    with SERVERS[name]([Answer("a", model="other"), Answer("b", model="other")]) as server:
        model = opened(name, server)
        replies = [model.complete(a_prompt()) for _ in range(2)]
    assert [reply.model_id for reply in replies] == ["other", "other"]
    assert [reply.warnings for reply in replies] == [("answers where 'm' was asked for",), ()]


@pytest.mark.parametrize("name", ["ollama", "openai"])
def test_a_prompt_that_was_cut_is_seen_by_what_this_model_has_shown(name: str) -> None:
    """4,098 tokens for 18,600 characters are few where 3.1 characters made one before."""
    whole = [Answer("ok", input_tokens=1000), Answer("ok", input_tokens=3000)]
    with SERVERS[name]([*whole, Answer("ok", input_tokens=4098)]) as server:
        model = opened(name, server, context_tokens=8192)
        replies = [
            model.complete(a_prompt("x" * characters, system="", stable="")) for characters in (3100, 9300, 18_600)
        ]
    assert [len(reply.warnings) for reply in replies] == [0, 0, 1]
    assert "read 4098 tokens of a prompt of 18600 characters" in replies[-1].warnings[0]


def test_a_prompt_that_is_a_little_denser_was_not_cut() -> None:
    """Prose has more characters in a token than code."""
    with OllamaServer([Answer("ok", input_tokens=1000), Answer("ok", input_tokens=1000)]) as server:
        model = opened("ollama", server)
        replies = [model.complete(a_prompt("x" * size, system="", stable="")) for size in (3300, 4000)]
    assert [reply.warnings for reply in replies] == [(), ()]


def test_prose_after_a_prompt_full_of_brackets_was_not_cut() -> None:
    """One short prompt does not say how many characters a model's tokens have."""
    with OpenAIServer([Answer("ok", input_tokens=180), Answer("ok", input_tokens=152)]) as server:
        model = opened("openai", server)
        replies = [model.complete(a_prompt("x" * size, system="", stable="")) for size in (549, 591)]
    assert [reply.warnings for reply in replies] == [(), ()]
