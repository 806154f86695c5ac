"""What a server says of tokens, believed where it can be true."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_koderz.backends.token_counts import (
    CONTRADICTION,
    UNCOUNTED,
    ToldCounts,
    gpu_seconds_of,
    told_by_openai,
    usage_of,
)
from pytest_koderz.core.money import Price, Usage, cost_of
from pytest_koderz.testing import AnthropicServer, Garbage, OllamaServer, OpenAIServer

from .worlds import SECRET, Naps, a_model, a_prompt, open_model


def openai_counts(prompt: object, completion: object, total: object = None, **details: Any) -> ToldCounts:
    return told_by_openai({"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": total} | details)


def test_tokens_that_were_reasoned_beside_the_output_are_charged() -> None:
    """As xAI and Gemini count them: 100 * 1 + 5,050 * 15 millionths of a dollar, and not 100 + 750."""
    told = openai_counts(100, 50, 5150, completion_tokens_details={"reasoning_tokens": 5000})
    usage, said = usage_of(told, 400, 200, None)
    price = Price(Decimal(1), Decimal(15), Decimal(1), Decimal(1), date(2026, 11, 1), "by hand")
    assert (usage, said) == (Usage(100, 5050), (CONTRADICTION,))
    assert cost_of(usage, price) == Decimal("0.07585")


@pytest.mark.parametrize(
    ("told", "output", "said"),
    [
        (openai_counts(100, 50, 150), 50, ()),
        (openai_counts(100, 50), 50, ()),
        (openai_counts(100, None, 150), 50, (CONTRADICTION,)),
        (openai_counts(100, 50, 120), 50, (CONTRADICTION,)),
        (openai_counts(100, 50, 150, completion_tokens_details={"reasoning_tokens": 40}), 50, ()),
        (openai_counts(100, 50, None, completion_tokens_details={"reasoning_tokens": 900}), 950, (CONTRADICTION,)),
        (openai_counts(100, 5000, 5100), 5000, ()),
        (openai_counts(100, 50, 99_999), 50, (UNCOUNTED,)),
        (openai_counts(100.0, 50.0, 150), 50, ()),
    ],
)
def test_output_is_the_most_that_follows_from_the_counts(told: ToldCounts, output: int, said: tuple[str, ...]) -> None:
    """Within the window, whatever `max_tokens` was asked for."""
    assert usage_of(told, 400, 200, 8192) == (Usage(100, output), said)


@pytest.mark.parametrize("odd", [None, -(10**9), 10**30, 12.5, True, "9", [], float("nan"), float("inf"), 0])
def test_what_is_no_count_is_estimated_and_said(odd: object) -> None:
    """Of the prompt as of the output."""
    assert usage_of(openai_counts(odd, 50), 400, 200, 8192) == (Usage(100, 50), (UNCOUNTED,))
    assert usage_of(openai_counts(100, odd), 400, 200, 8192) == (Usage(100, 50), (UNCOUNTED,))


@pytest.mark.parametrize("usage", [None, {}, [], 7, "none", {"prompt_tokens": None}])
def test_a_usage_that_is_none_is_estimated_and_said(usage: object) -> None:
    """The answer beside it is a good one."""
    assert usage_of(told_by_openai(usage), 400, 200, None) == (Usage(100, 50), (UNCOUNTED,))


def test_cached_tokens_are_never_more_than_were_read() -> None:
    """Nothing is then taken for cheaper than the rest."""
    told = openai_counts(100, 5, prompt_tokens_details={"cached_tokens": 101})
    assert usage_of(told, 9, 9, None)[0] == Usage(100, 5)
    assert usage_of(ToldCounts(10, 5, 3, 80, apart=True), 9, 9, None) == (Usage(10, 5, 3, 80), ())
    assert usage_of(ToldCounts(0, 5, 0, 80, apart=True), 9, 9, None) == (Usage(0, 5, 0, 80), ())


COUNTS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=2) | st.integers(0, 9999)


@given(COUNTS, COUNTS, COUNTS, COUNTS, COUNTS, COUNTS, st.booleans(), st.integers(0, 9999), st.integers(0, 9999))
def test_whatever_is_told_no_count_leaves_its_bounds(
    a: object, b: object, c: object, d: object, e: object, f: object, apart: bool, sent: int, written: int
) -> None:
    """Whole, not negative, and within the window."""
    usage, _ = usage_of(ToldCounts(a, b, c, d, e, f, apart), sent, written, 10_000)
    counts = (usage.input, usage.output, usage.cache_write, usage.cache_read)
    assert all(type(count) is int and 0 <= count <= 10_000 for count in counts)
    assert usage.prompt <= 10_000


@pytest.mark.parametrize("odd", [-5, 10**400, float("nan"), float("inf"), "x", None, True])
def test_gpu_seconds_are_those_that_can_be(odd: object) -> None:
    """No record could hold others."""
    assert gpu_seconds_of((odd, 250), 1000) == 0.25
    assert gpu_seconds_of((odd,), 1000) is None


ANSWERS: dict[str, dict[str, Any]] = {
    "anthropic": {"type": "message", "model": "m", "content": [{"type": "text", "text": "good"}]},
    "ollama": {"model": "m", "message": {"role": "assistant", "content": "good"}, "done": True},
    "openai": {"model": "m", "choices": [{"message": {"content": "good"}, "finish_reason": "stop"}]},
}
SERVERS: dict[str, Any] = {"anthropic": AnthropicServer, "ollama": OllamaServer, "openai": OpenAIServer}


@pytest.mark.parametrize("name", ANSWERS)
@pytest.mark.parametrize("usage", ["missing", None, {}, {"input_tokens": -1, "output_tokens": 10**30}])
def test_each_back_end_keeps_a_good_answer_without_counts(name: str, usage: object) -> None:
    """It is not bought again; the counts are estimated and that is said."""
    body = ANSWERS[name] | ({} if usage == "missing" else {"usage": usage})
    with SERVERS[name]([Garbage(json.dumps(body).encode())]) as server:
        model = open_model(
            a_model(name, "m", hosts=(server.url,)), environment={"ANTHROPIC_API_KEY": SECRET}, sleep=Naps()
        )
        reply = model.complete(a_prompt("x" * 400, system="", stable=""))
    assert (reply.text, reply.usage, reply.warnings) == ("good", Usage(100, 1), (UNCOUNTED,))
