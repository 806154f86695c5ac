"""The Anthropic back end: the real SDK against a loopback server."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import date
from decimal import Decimal
from typing import Any

import anthropic
import pytest

from pytest_koderz.core.arm import Role
from pytest_koderz.core.errors import ModelUnavailable
from pytest_koderz.core.iteration import StopReason
from pytest_koderz.core.money import Price, Usage, cost_of
from pytest_koderz.files.usage_error import UsageError
from pytest_koderz.testing import Answer, AnthropicServer, Dropped, Fault, Garbage, HalfSent, Hang, Request, Status

from .worlds import SECRET, Naps, a_model, a_prompt, fault_of, open_model

LONG = "x" * 5000


def opened(server: AnthropicServer, naps: Callable[[float], None] | None = None, **settings: Any) -> Any:
    environment = {"ANTHROPIC_API_KEY": SECRET, "ANTHROPIC_BASE_URL": server.url}
    settings.setdefault("model", "claude-opus-5-5")
    return open_model(a_model("anthropic", **settings), environment=environment, sleep=naps or Naps())


def test_a_reply_carries_text_usage_model_and_reason() -> None:
    """Text, tokens, model id and stop reason are those that the service sent."""
    answer = Answer("def add", input_tokens=30, output_tokens=5, model="claude-opus-5-5-20260901")
    with AnthropicServer([answer]) as server:
        reply = opened(server).complete(a_prompt())
    assert (reply.text, reply.usage) == ("def add", Usage(input=30, output=5))
    assert (reply.model_id, reply.stop_reason, reply.warnings) == ("claude-opus-5-5-20260901", StopReason.END, ())


def test_the_request_is_what_was_asked_for() -> None:
    """System, stable part, text and limit go out; the text is the prompt's user message; temperature stays away."""
    with AnthropicServer(["ok"]) as server:
        opened(server, max_tokens=777).complete(a_prompt())
    (request,) = server.requests
    assert request.body == {
        "model": "claude-opus-5-5",
        "max_tokens": 777,
        "system": "Be brief.",
        "messages": [
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "# Task\ndef add(x, y):\n\n"},
                    {"type": "text", "text": "Write add."},
                ],
            }
        ],
    }
    assert request.headers["authorization"] == f"Bearer {SECRET}"


@pytest.mark.parametrize(
    ("prompt", "marked"),
    [
        (a_prompt(stable=LONG), True),
        (a_prompt(stable="short"), False),
        (a_prompt(stable=LONG, role=Role.SPEC), False),
    ],
    ids=["long", "too short for a cache", "a spec is asked once"],
)
def test_a_long_stable_part_is_marked_for_caching(prompt: Any, *, marked: bool) -> None:
    """Only what is long enough and will be read again is marked."""
    with AnthropicServer(["ok"]) as server:
        opened(server).complete(prompt)
    stable = server.requests[0].body["messages"][0]["content"][0]
    assert stable.get("cache_control") == ({"type": "ephemeral"} if marked else None)


def test_caching_can_be_switched_off() -> None:
    """The option `cache: false` leaves the mark out."""
    with AnthropicServer(["ok"]) as server:
        opened(server, options={"cache": False}).complete(a_prompt(stable=LONG))
    assert "cache_control" not in server.requests[0].body["messages"][0]["content"][0]


def test_effort_is_passed_on() -> None:
    """Where the options say so."""
    with AnthropicServer(["ok"]) as server:
        opened(server, options={"effort": "low"}).complete(a_prompt())
    assert server.requests[0].body["output_config"] == {"effort": "low"}


def test_cached_tokens_are_priced_apart() -> None:
    """Input, cache writes and cache reads do not overlap, and the cost is that computed by hand."""
    answer = Answer("ok", input_tokens=1000, output_tokens=200, cache_write=3000, cache_read=50_000)
    price = Price(Decimal(4), Decimal(20), Decimal(5), Decimal("0.2"), date(2026, 11, 1), "by hand")
    with AnthropicServer([answer]) as server:
        reply = opened(server).complete(a_prompt())
    assert reply.usage == Usage(1000, 200, 3000, 50_000)
    # 1000 * 4 + 200 * 20 + 3000 * 5 + 50 000 * 0.2 = 33 000 millionths of a dollar
    assert cost_of(reply.usage, price) == Decimal("0.033")


@pytest.mark.parametrize("stop", [stop for stop in StopReason if stop is not StopReason.CANCELLED])
def test_every_reason_to_stop_has_its_name(stop: StopReason) -> None:
    """A cut reply, a full window and a refusal are replies, not errors."""
    with AnthropicServer([Answer("half", stop=stop)]) as server:
        assert opened(server).complete(a_prompt()).stop_reason is stop


def test_thinking_is_not_part_of_the_text() -> None:
    """Thinking blocks are left out."""
    with AnthropicServer([Answer("the answer", thinking="let me see")]) as server:
        assert opened(server).complete(a_prompt()).text == "the answer"


def test_thinking_that_was_made_unreadable_is_left_out_too() -> None:
    """And where all tokens went into thinking, what is left is an empty reply that was cut."""
    content = [{"type": "redacted_thinking", "data": "c2VjcmV0"}]
    message = {"type": "message", "model": "m", "content": content, "stop_reason": "max_tokens"}
    body = json.dumps(message | {"usage": {"input_tokens": 1, "output_tokens": 9}}).encode()
    with AnthropicServer([Garbage(body)]) as server:
        reply = opened(server).complete(a_prompt())
    assert (reply.text, reply.stop_reason, reply.usage) == ("", StopReason.MAX_TOKENS, Usage(1, 9))


@pytest.mark.parametrize(
    "fault",
    [Status(429), Status(529), Status(500), Status(503), Dropped(), HalfSent(), Garbage(), Garbage(b'{"a": 1}')],
    ids=["429", "529", "500", "503", "dropped", "half-sent", "not JSON", "no message"],
)
def test_what_may_pass_is_tried_again_and_billed_once(fault: Fault) -> None:
    """After two faults the third try is answered, after two waits, and the bill has one call."""
    naps = Naps()
    with AnthropicServer([fault, fault, "ok"]) as server:
        assert opened(server, naps).complete(a_prompt()).text == "ok"
        assert (len(server.requests), server.billed.calls, len(naps.taken)) == (3, 1, 2)


@pytest.mark.parametrize("content", [[1], [{"type": "text"}], [{"type": "text", "text": None}], None, "ok"], ids=repr)
def test_a_message_with_odd_content_is_no_message(content: object) -> None:
    """The SDK builds its types without looking; it is tried again."""
    usage = {"input_tokens": 1, "output_tokens": 1}
    odd = json.dumps({"type": "message", "model": "m", "content": content, "usage": usage}).encode()
    with AnthropicServer([Garbage(odd), "ok"]) as server:
        assert opened(server).complete(a_prompt()).text == "ok"
        assert len(server.requests) == 2


def test_a_broken_character_neither_stops_a_prompt_nor_leaves_a_reply() -> None:
    """Lone surrogates, as a model may escape them in JSON, become replacement characters."""
    with AnthropicServer(["half a smile: \ud83d"]) as server:
        reply = opened(server).complete(a_prompt("half \ude00"))
    assert reply.text == "half a smile: \ufffd"
    assert server.requests[0].body["messages"][0]["content"][1]["text"] == "half \ufffd"


def test_a_plain_text_answer_is_no_message() -> None:
    """The SDK hands back text that is not JSON as it is; it is tried again."""
    with AnthropicServer([Garbage(b"hello", "text/plain"), "ok"]) as server:
        assert opened(server).complete(a_prompt()).text == "ok"


def test_retry_after_is_honoured() -> None:
    """The wait is never shorter than the server asked for."""
    naps = Naps()
    with AnthropicServer([Status(429, retry_after=17), "ok"]) as server:
        opened(server, naps).complete(a_prompt())
    assert 17 < naps.taken[0] <= 18


def test_retries_are_bounded() -> None:
    """Four retries by default; the error says how often and why, and the SDK adds none of its own."""
    with AnthropicServer([Status(529, "Overloaded")] * 9) as server:
        with pytest.raises(ModelUnavailable, match=r"127.0.0.1:\d+: no answer in 5 tries; the last: .*529: Overloaded"):
            opened(server).complete(a_prompt())
        assert len(server.requests) == 5


def test_the_number_of_retries_is_an_option() -> None:
    """`retries: 0` asks once."""
    with AnthropicServer([Status(529), "ok"]) as server:
        with pytest.raises(ModelUnavailable, match="1 try"):
            opened(server, options={"retries": 0}).complete(a_prompt())
        assert len(server.requests) == 1


def test_a_silent_server_is_left_at_the_timeout() -> None:
    """The time limit of the settings ends a call that gets no answer."""
    with (
        AnthropicServer([Hang()]) as server,
        pytest.raises(ModelUnavailable, match=r"nothing whole came within 0.1 s"),
    ):
        opened(server, timeout=0.1, options={"retries": 0}).complete(a_prompt())


@pytest.mark.parametrize(
    ("status", "advice"),
    [
        (400, "refuses this request for 'claude-opus-5-5' (status 400: you did that"),
        (401, "check ANTHROPIC_API_KEY"),
        (403, "may not use the model 'claude-opus-5-5'"),
        (404, "there is no model 'claude-opus-5-5'"),
        (413, "too large"),
    ],
)
def test_what_cannot_pass_fails_at_once_with_what_to_do(status: int, advice: str) -> None:
    """One request, no wait, an advice."""
    naps = Naps()
    with AnthropicServer([Status(status, "you did that")]) as server:
        with pytest.raises(ModelUnavailable) as caught:
            opened(server, naps).complete(a_prompt())
        assert len(server.requests) == 1
    assert advice in str(caught.value)
    assert naps.taken == []


def refuses_temperature(request: Request) -> Status | str:
    if "temperature" in request.body:
        return Status(400, "temperature: this model accepts only its default")
    return "ok"


def test_a_refused_temperature_is_left_out_and_remembered() -> None:
    """The first call is repeated once without it, the next leaves it out at once; the user is told once."""
    with AnthropicServer(refuses_temperature) as server:
        model = opened(server, temperature=0.2)
        first, second = model.complete(a_prompt()), model.complete(a_prompt())
        assert ["temperature" in request.body for request in server.requests] == [True, False, False]
    assert (first.text, second.text, second.warnings) == ("ok", "ok", ())
    assert "refuses `temperature`" in first.warnings[0]


def test_heat_raises_the_temperature_up_to_one() -> None:
    """A prompt's heat is added to a set temperature, and 1 is the most that the service takes."""
    with AnthropicServer(["a", "b"]) as server:
        model = opened(server, temperature=0.5)
        model.complete(a_prompt(heat=0.25))
        model.complete(a_prompt(heat=0.75))
    assert [request.body["temperature"] for request in server.requests] == [0.75, 1.0]


def test_a_deprecated_model_is_warned_of_once_in_the_reply() -> None:
    """The SDK's table of ends becomes one line of the first reply, and nothing goes through `warnings`."""
    with AnthropicServer(["a", "b"]) as server, warnings.catch_warnings():
        warnings.simplefilter("error")
        model = opened(server, model="claude-sonnet-4-5")
        first, second = model.complete(a_prompt()), model.complete(a_prompt())
    assert "claude-sonnet-4-5 is deprecated and ends on November 30th, 2026" in first.warnings[0]
    assert second.warnings == ()


def test_a_dead_server_is_not_asked_for_a_while() -> None:
    """After three calls without an answer the fourth fails without a request."""
    with AnthropicServer([Status(500)] * 9) as server:
        model = opened(server, options={"retries": 0})
        for _ in range(3):
            with pytest.raises(ModelUnavailable):
                model.complete(a_prompt())
        with pytest.raises(ModelUnavailable, match="3 calls in a row had no answer, so it is not asked for"):
            model.complete(a_prompt())
        assert len(server.requests) == 3


def test_a_missing_key_is_named() -> None:
    """Without a key nothing is opened."""
    assert "ANTHROPIC_API_KEY is not set" in (fault_of(a_model("anthropic"), {}) or "")
    with pytest.raises(UsageError, match="ANTHROPIC_API_KEY is not set"):
        open_model(a_model("anthropic"), environment={"ANTHROPIC_API_KEY": "  "})


def test_an_unknown_option_is_refused() -> None:
    """The nearest valid name is offered."""
    with pytest.raises(UsageError, match=r"models.mine.options.retrys: .*did you mean 'retries'"):
        open_model(a_model("anthropic", options={"retrys": 3}), environment={"ANTHROPIC_API_KEY": SECRET})


def test_a_proxy_of_the_environment_is_not_asked_for_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """As behind a company's firewall."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    with AnthropicServer(["ok"]) as server, closing(opened(server)) as model:
        assert model.complete(a_prompt()).text == "ok"


def test_threads_may_share_a_model() -> None:
    """Forty calls from eight threads: each prompt has its own reply."""
    with AnthropicServer(lambda request: request.body["messages"][0]["content"][1]["text"]) as server:
        model = opened(server)
        prompts = [a_prompt(f"number {number}") for number in range(40)]
        with ThreadPoolExecutor(8) as threads:
            replies = list(threads.map(model.complete, prompts))
        assert [reply.text for reply in replies] == [prompt.text for prompt in prompts]
        assert server.billed.calls == 40
        assert server.most_at_once <= 8


def test_the_official_client_gets_its_own_types_from_the_server() -> None:
    """The test aid is true to the SDK: a message, and typed errors."""
    with (
        AnthropicServer([Answer("hi", thinking="hm", cache_read=4), Status(429, "slowly")]) as server,
        anthropic.Anthropic(api_key="any", base_url=server.url, max_retries=0) as client,
    ):
        ask: dict[str, Any] = {
            "model": "claude-opus-5-5",
            "max_tokens": 9,
            "messages": [{"role": "user", "content": "hi"}],
        }
        message = client.messages.create(**ask)
        with pytest.raises(anthropic.RateLimitError, match="slowly"):
            client.messages.create(**ask)
    assert [block.type for block in message.content] == ["thinking", "text"]
    assert message.usage.cache_read_input_tokens == 4


def test_the_official_client_can_stream_and_count() -> None:
    """The events of a stream add up to the message; counting is not billed."""
    ask: dict[str, Any] = {"model": "claude-opus-5-5", "messages": [{"role": "user", "content": "x" * 40}]}
    answer = Answer("a longer answer", thinking="hm", output_tokens=7, stop=StopReason.MAX_TOKENS)
    with AnthropicServer([answer]) as server, anthropic.Anthropic(api_key="any", base_url=server.url) as client:
        assert client.messages.count_tokens(**ask).input_tokens == 10
        with client.messages.stream(**ask, max_tokens=9) as stream:
            assert "".join(stream.text_stream) == "a longer answer"
            message = stream.get_final_message()
    assert (message.stop_reason, message.usage.input_tokens, message.usage.output_tokens) == ("max_tokens", 10, 7)
    assert server.billed.calls == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(status: int) -> None:
    """The SDK would carry the key along, to any server."""
    with AnthropicServer(["ok"]) as other:
        away = Status(status, headers=(("location", f"{other.url}/v1/messages"),))
        with (
            AnthropicServer([away]) as server,
            pytest.raises(ModelUnavailable, match=f"redirects, .*status {status}: {other.url}"),
        ):
            opened(server).complete(a_prompt())
        assert other.requests == ()
