"""Endings that are no endings, on each back end."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pytest_koderz.backends.http.failures import words_of
from pytest_koderz.core.errors import ModelUnavailable
from pytest_koderz.core.iteration import StopReason
from pytest_koderz.testing import AnthropicServer, Garbage, OllamaServer, OpenAIServer

from .worlds import SECRET, Naps, a_model, a_prompt, open_model

SERVERS: dict[str, Any] = {"anthropic": AnthropicServer, "ollama": OllamaServer, "openai": OpenAIServer}
EACH = pytest.mark.parametrize("name", SERVERS)

MESSAGE: dict[str, Any] = {
    "type": "message",
    "model": "m",
    "content": [],
    "stop_reason": "end_turn",
    "usage": {"input_tokens": 9, "output_tokens": 3},
}
CHAT: dict[str, Any] = {
    "model": "m",
    "message": {"role": "assistant", "content": ""},
    "done": True,
    "done_reason": "stop",
    "prompt_eval_count": 9,
    "eval_count": 3,
}
COMPLETION: dict[str, Any] = {
    "model": "m",
    "choices": [{"message": {"content": None}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12},
}
EMPTY = {"anthropic": MESSAGE, "ollama": CHAT, "openai": COMPLETION}


def a_body(value: object) -> Garbage:
    return Garbage(json.dumps(value).encode())


def opened(name: str, server: Any, naps: Naps | None = None, **settings: Any) -> Any:
    model = a_model(name, "m", hosts=(server.url,), **settings)
    return open_model(model, environment={"ANTHROPIC_API_KEY": SECRET}, sleep=naps or Naps())


def a_choice(**fields: Any) -> dict[str, Any]:
    return COMPLETION | {"choices": [{"message": {"content": "half an ans"}, **fields}]}


OPENROUTER = {
    "code": 502,
    "message": "Provider returned error",
    "metadata": {"raw": "upstream died", "provider_name": "P"},
}
BROKEN = [
    ("openai", a_choice(finish_reason="error")),
    ("openai", a_choice(finish_reason="error", error=OPENROUTER)),
    ("openai", a_choice(finish_reason="stop", error={"message": "it fell over"})),
    ("openai", a_choice(finish_reason={"type": "abort", "message": "aborted"})),
    ("openai", a_choice(finish_reason="insufficient_system_resource")),
    ("openai", {"error": OPENROUTER}),
    ("openai", {"error": "Unexpected endpoint or method. (POST /v1/chat/completions)"}),
    ("openai", {"error": {"code": 429, "message": "slowly"}}),
    ("ollama", {"error": "out of memory"}),
    ("ollama", CHAT | {"done_reason": "load"}),
    ("anthropic", {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}),
    ("anthropic", {"error": {"message": "bad gateway", "code": 502}}),
]


@pytest.mark.parametrize(("name", "body"), BROKEN)
def test_a_fault_of_the_service_is_tried_again(name: str, body: dict[str, Any]) -> None:
    """Whatever status it came with; half an answer is not taken for one."""
    naps = Naps()
    with SERVERS[name]([a_body(body), a_body(body), "whole"]) as server:
        assert opened(name, server, naps).complete(a_prompt()).text == "whole"
    assert len(naps.taken) == 2


@pytest.mark.parametrize(
    ("name", "body", "words"),
    [
        ("openai", a_choice(finish_reason="error", error=OPENROUTER), "Provider returned error; P; upstream died"),
        ("openai", a_choice(finish_reason="error"), "it broke the reply off: .*error"),
        ("openai", {"error": "Unexpected endpoint"}, r"answered with an error \(Unexpected endpoint\)"),
        ("ollama", {"error": "out of memory"}, "out of memory"),
        ("anthropic", {"type": "error", "error": {"type": "overloaded_error", "message": "Full"}}, "status 529: Full"),
    ],
)
def test_a_fault_that_lasts_is_told_in_the_services_own_words(name: str, body: dict[str, Any], words: str) -> None:
    """The experiment is invalid then, not unsolved."""
    with SERVERS[name]([a_body(body)] * 9) as server, pytest.raises(ModelUnavailable, match=words):
        opened(name, server).complete(a_prompt())


@pytest.mark.parametrize(
    ("name", "error", "words"),
    [
        ("openai", {"code": 401, "message": "who?"}, "check OPENAI_API_KEY"),
        ("openai", {"code": "model_not_found", "message": "none"}, "no model 'm'"),
        ("openai", {"code": "insufficient_quota", "message": "spent"}, "nothing left to spend"),
        ("anthropic", {"type": "authentication_error", "message": "who?"}, "check ANTHROPIC_API_KEY"),
    ],
)
def test_a_refusal_in_a_body_is_one(name: str, error: dict[str, Any], words: str) -> None:
    """With status 200 too; it is not asked again."""
    with SERVERS[name]([a_body({"type": "error", "error": error})]) as server:
        with pytest.raises(ModelUnavailable, match=words):
            opened(name, server).complete(a_prompt())
        assert len(server.requests) == 1


@EACH
def test_a_turn_without_a_word_is_asked_for_once_more(name: str) -> None:
    """The second is the model's own answer, and is named."""
    with SERVERS[name]([a_body(EMPTY[name]), "a word"]) as server:
        assert opened(name, server).complete(a_prompt()).text == "a word"
    with SERVERS[name]([a_body(EMPTY[name])] * 9) as server:
        reply = opened(name, server).complete(a_prompt())
        assert len(server.requests) == 2
    assert (reply.text, reply.usage.output, reply.stop_reason) == ("", 3, StopReason.END)
    assert "without a word" in reply.warnings[0]


@EACH
def test_a_service_that_writes_nothing_at_all_has_failed(name: str) -> None:
    """No token was written, so no model has answered."""
    nothing: dict[str, dict[str, Any]] = {
        "anthropic": {"usage": {"input_tokens": 9, "output_tokens": 0}},
        "ollama": {"eval_count": 0},
        "openai": {"usage": {"prompt_tokens": 9, "completion_tokens": 0}},
    }
    with (
        SERVERS[name]([a_body(EMPTY[name] | nothing[name])] * 9) as server,
        pytest.raises(ModelUnavailable, match="no answer in 5 tries; the last: it answered without a word"),
    ):
        opened(name, server).complete(a_prompt())


THOUGHT: dict[str, dict[str, Any]] = {
    "anthropic": MESSAGE | {"content": [{"type": "thinking", "thinking": "hm", "signature": "c2ln"}]},
    "ollama": CHAT | {"message": {"role": "assistant", "content": "", "thinking": "hm"}},
    "openai": COMPLETION
    | {"choices": [{"message": {"content": None, "reasoning_content": "hm"}, "finish_reason": "stop"}]},
}


@EACH
def test_thinking_without_an_answer_is_named(name: str) -> None:
    """It is the model's own doing."""
    with SERVERS[name]([a_body(THOUGHT[name])]) as server:
        reply = opened(name, server).complete(a_prompt())
    assert (reply.text, reply.usage.output) == ("", 3)
    assert reply.warnings == ("an empty reply: it thought, and gave no answer",)


CUT: dict[str, dict[str, Any]] = {
    "anthropic": {"stop_reason": "max_tokens"},
    "ollama": {"done_reason": "length"},
    "openai": {"choices": [{"message": {"content": ""}, "finish_reason": "length"}]},
}


@EACH
def test_a_reply_that_was_cut_before_its_first_word_is_named(name: str) -> None:
    """Whether it thought until then or not: no spec is empty without a word on it."""
    thought = THOUGHT[name] | {key: value for key, value in CUT[name].items() if key != "choices"}
    if name == "openai":
        thought = thought | {"choices": [{**THOUGHT[name]["choices"][0], "finish_reason": "length"}]}
    with SERVERS[name]([a_body(EMPTY[name] | CUT[name]), a_body(thought)]) as server:
        model = opened(name, server, max_tokens=3)
        replies = [model.complete(a_prompt()) for _ in range(2)]
    assert [(reply.text, reply.stop_reason) for reply in replies] == [("", StopReason.MAX_TOKENS)] * 2
    assert [reply.warnings for reply in replies] == [
        ("an empty reply: it was cut before its first word; raise `max_tokens` or the window",),
        ("an empty reply: all its tokens went into thinking; raise `max_tokens` or the window",),
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"error": "plain"}', "plain"),
        ('{"error": {"message": "m", "param": "seed"}}', "m; `seed`"),
        ('{"detail": [{"loc": ["body", "seed"], "msg": "Extra inputs", "input": "a prompt"}]}', "seed: Extra inputs"),
        ('{"message": {"detail": [{"loc": ["body", "top_k"], "msg": "Extra"}]}}', "top_k: Extra"),
        ("<html>", "<html>"),
        ("[" * 100_000, "[" * 100_000),
        ('{"error":' * 300 + "1" + "}" * 300, '{"error":' * 300 + "1" + "}" * 300),
    ],
)
def test_the_words_of_an_error(text: str, words: str) -> None:
    """In the shapes that servers give it; what they repeat of a request is none of them."""
    assert words_of(text) == words
