"""The OpenAI-compatible back end against a loopback server."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_koderz.backends.http.hosts import shown
from pytest_koderz.backends.openai import BACKEND
from pytest_koderz.core.errors import ModelUnavailable
from pytest_koderz.core.iteration import StopReason
from pytest_koderz.core.money import Usage
from pytest_koderz.files.usage_error import UsageError
from pytest_koderz.testing import (
    Answer,
    Dropped,
    Fault,
    Garbage,
    HalfSent,
    OpenAIServer,
    Request,
    Status,
)

from .worlds import SECRET, Naps, a_model, a_prompt, fault_of, open_model


def opened(
    server: OpenAIServer, naps: Naps | None = None, environment: dict[str, str] | None = None, **settings: Any
) -> Any:
    settings.setdefault("hosts", (server.url,))
    return open_model(a_model("openai", **settings), environment=environment or {}, sleep=naps or Naps())


def test_a_reply_carries_text_model_and_usage_with_cached_tokens_apart() -> None:
    """`prompt_tokens` counts cached ones in; ours do not overlap."""
    answer = Answer("def add", input_tokens=30, output_tokens=5, cache_read=100, model="m-1")
    with OpenAIServer([answer]) as server:
        reply = opened(server).complete(a_prompt())
    assert (reply.text, reply.usage, reply.model_id) == ("def add", Usage(30, 5, cache_read=100), "m-1")
    assert (reply.stop_reason, reply.gpu_seconds, reply.warnings) == (StopReason.END, None, ())


def test_the_request_is_what_was_asked_for() -> None:
    """Messages, limit, seed and temperature go out; without a key no header for it."""
    with OpenAIServer(["ok"]) as server:
        opened(server, temperature=0.1, max_tokens=99).complete(a_prompt(seed=7, heat=0.4))
    (request,) = server.requests
    assert request.body == {
        "model": "m",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "# Task\ndef add(x, y):\n\nWrite add."},
        ],
        "max_tokens": 99,
        "seed": 7,
        "temperature": 0.5,
    }
    assert "authorization" not in request.headers


@pytest.mark.parametrize("suffix", ["", "/", "/v1", "/v1/"])
def test_a_base_url_may_end_in_v1(suffix: str) -> None:
    """Servers are named both ways."""
    with OpenAIServer(["ok"]) as server:
        assert opened(server, hosts=(server.url + suffix,)).complete(a_prompt()).text == "ok"


def test_a_key_is_sent_where_there_is_one() -> None:
    """As a bearer token."""
    with OpenAIServer(["ok"]) as server:
        opened(server, environment={"OPENAI_API_KEY": SECRET}).complete(a_prompt())
    assert server.requests[0].headers["authorization"] == f"Bearer {SECRET}"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Answer("half", output_tokens=50, stop=StopReason.MAX_TOKENS), StopReason.MAX_TOKENS),
        (Answer("half", output_tokens=20, stop=StopReason.CONTEXT), StopReason.CONTEXT),
        (Answer("", stop=StopReason.REFUSAL), StopReason.REFUSAL),
    ],
    ids=["limit", "window", "filter"],
)
def test_every_reason_to_stop_has_its_name(answer: Answer, reason: StopReason) -> None:
    """`finish_reason: length` is told apart by the number of tokens written."""
    with OpenAIServer([answer]) as server:
        assert opened(server, max_tokens=50).complete(a_prompt()).stop_reason is reason


def test_a_prompt_that_outgrows_the_window_is_a_named_outcome() -> None:
    """llama-server's 400 becomes an empty reply with the server's words as a warning."""
    words = "request (9000 tokens) exceeds the available context size (4096 tokens), try increasing it"
    with OpenAIServer([Status(400, words)]) as server:
        reply = opened(server).complete(a_prompt())
    assert (reply.text, reply.stop_reason, reply.usage) == ("", StopReason.CONTEXT, Usage())
    assert words in reply.warnings[0]


def test_a_window_too_small_for_max_tokens_is_the_users_to_mend() -> None:
    """vLLM refuses every prompt then; the experiments are invalid, not unsolved."""
    words = "'max_tokens' is too large: 4096. This model's maximum context length is 4096 tokens"
    with OpenAIServer([Status(400, words)]) as server, pytest.raises(ModelUnavailable, match=r"lower `max_tokens`, or"):
        opened(server).complete(a_prompt())
    assert len(server.requests) == 1


def picky(request: Request) -> Status | str:
    if "max_tokens" in request.body:
        return Status(400, "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.")
    if "temperature" in request.body:
        return Status(400, "Unsupported value: 'temperature' does not support 0.1 with this model.")
    return "ok"


def test_parameters_that_a_model_refuses_are_left_out_and_remembered() -> None:
    """OpenAI's reasoning models take `max_completion_tokens` and no temperature."""
    with OpenAIServer(picky) as server:
        model = opened(server, temperature=0.1)
        assert [model.complete(a_prompt()).text for _ in range(2)] == ["ok", "ok"]
        assert len(server.requests) == 4
        assert server.requests[-1].body["max_completion_tokens"] == 4096


@pytest.mark.parametrize(
    "fault",
    [Status(429), Status(503, "Loading model"), Status(500), Dropped(), HalfSent(), Garbage(), Garbage(b"{}")],
    ids=["429", "loading", "500", "dropped", "half-sent", "not JSON", "no completion"],
)
def test_what_may_pass_is_tried_again(fault: Fault) -> None:
    """Two faults, two waits, one answer, one bill."""
    naps = Naps()
    with OpenAIServer([fault, fault, "ok"]) as server:
        assert opened(server, naps).complete(a_prompt()).text == "ok"
        assert (len(server.requests), len(naps.taken), server.billed.calls) == (3, 2, 1)


@pytest.mark.parametrize(
    ("status", "advice"), [(401, "check OPENAI_API_KEY"), (404, "no model 'm'"), (400, "refuses the request")]
)
def test_what_cannot_pass_fails_at_once_with_what_to_do(status: int, advice: str) -> None:
    """One request, no wait."""
    naps = Naps()
    with OpenAIServer([Status(status)]) as server, pytest.raises(ModelUnavailable, match=advice):
        opened(server, naps).complete(a_prompt())
    assert naps.taken == []


def test_an_account_without_money_is_not_waited_for() -> None:
    """Its 429 looks like a rate limit, and another try would not change it."""
    naps = Naps()
    spent = Status(429, "You exceeded your current quota (insufficient_quota)")
    with OpenAIServer([spent]) as server, pytest.raises(ModelUnavailable, match="nothing left to spend"):
        opened(server, naps).complete(a_prompt())
    assert naps.taken == []


def test_thinking_is_not_part_of_the_text() -> None:
    """What a thinking model thought stands in a field of its own."""
    with OpenAIServer([Answer("the answer", thinking="hm")]) as server:
        assert opened(server).complete(a_prompt()).text == "the answer"


def test_each_worker_begins_with_a_server_of_its_own() -> None:
    """As with Ollama: worker K takes host K, modulo their number."""
    with OpenAIServer(["a"]) as first, OpenAIServer(["b"]) as second:
        environment = {"OPENAI_BASE_URL": f"{first.url}/v1,{second.url}/v1"}
        models = [open_model(a_model("openai"), environment=environment, worker=worker) for worker in range(2)]
        assert [model.complete(a_prompt()).text for model in models] == ["a", "b"]


def test_uncounted_tokens_are_told_of() -> None:
    """A server without `usage` gives an estimate and a warning."""
    body = b'{"choices": [{"message": {"content": "abcdefgh"}, "finish_reason": "stop"}]}'
    with OpenAIServer([Garbage(body)]) as server:
        reply = opened(server).complete(a_prompt("x" * 400, system="", stable=""))
    assert (reply.usage, reply.model_id) == (Usage(100, 2), "m")
    assert "did not count" in reply.warnings[0]


def test_timings_of_llama_server_are_gpu_seconds() -> None:
    """Milliseconds of reading and writing."""
    body = (
        b'{"choices": [{"message": {"content": "ok"}}], "usage": {"prompt_tokens": 4, "completion_tokens": 1},'
        b' "timings": {"prompt_ms": 250.0, "predicted_ms": 500}}'
    )
    with OpenAIServer([Garbage(body)]) as server:
        assert opened(server).complete(a_prompt()).gpu_seconds == 0.75


def test_only_the_service_itself_needs_a_key() -> None:
    """A server of one's own needs none; without any server named it is OpenAI's."""
    assert "OPENAI_API_KEY is not set" in (fault_of(a_model("openai"), {}) or "")
    assert fault_of(a_model("openai", hosts=("gpu-box:8000",)), {}) is None
    assert fault_of(a_model("openai"), {"OPENAI_BASE_URL": "http://gpu-box:8000/v1"}) is None
    with pytest.raises(UsageError, match="OPENAI_API_KEY"):
        open_model(a_model("openai"), environment={})


def found_at(url: str, model: str) -> list[tuple[str, str]]:
    settings = a_model("openai", model, hosts=(url,))
    return [(word, text) for word, text in BACKEND.findings(settings, {})]


def test_the_doctor_asks_a_server_of_ones_own_what_it_has() -> None:
    """Another name is a note: llama-server answers with what it has, whatever it is asked for."""
    with OpenAIServer([]) as server:
        place = shown(server.url)
        assert found_at(server.url, "loopback") == [("ok", f"{place} has loopback")]
        assert found_at(server.url, "m") == [("note", f"{place} answers, but does not list 'm'; it has: loopback")]
    ((word, text),) = found_at(server.url, "m")
    assert word == "missing"
    assert "does not answer; start the server, or correct `hosts`" in text


def test_the_doctor_asks_no_server_of_others() -> None:
    ((word, text),) = found_at("https://example.org", "big")
    assert (word, text) == ("ok", "nothing is missing; https://example.org:443 is not asked beforehand")
