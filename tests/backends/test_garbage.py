"""Answers of any shape: a whole Reply, or another try."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_koderz.backends import OURS
from pytest_koderz.backends.completions import reply_of
from pytest_koderz.backends.found_servers import found_model
from pytest_koderz.backends.http.client import HttpClient
from pytest_koderz.backends.http.retry import MayPass
from pytest_koderz.backends.ollama import OllamaModel
from pytest_koderz.backends.redaction import Redactor
from pytest_koderz.core.iteration import StopReason
from pytest_koderz.core.ports import Reply

from .worlds import a_model, a_prompt, open_model

SCALARS = st.none() | st.booleans() | st.integers(-9, 9999) | st.floats(allow_nan=False) | st.text(max_size=5)
ANYTHING = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner)
)


def an_object(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """An object that may have these fields, each right or anything."""
    return st.fixed_dictionaries({}, optional={name: field | ANYTHING for name, field in fields.items()})


COMPLETIONS = an_object(
    model=st.just("m"),
    choices=st.lists(
        an_object(
            message=an_object(content=st.text() | st.lists(an_object(text=st.text()), max_size=2)),
            finish_reason=st.sampled_from(["stop", "length", "content_filter"]),
        ),
        max_size=2,
    ),
    usage=an_object(
        prompt_tokens=st.integers(0, 99),
        completion_tokens=st.integers(0, 99),
        prompt_tokens_details=an_object(cached_tokens=st.integers(0, 9)),
    ),
    timings=an_object(prompt_ms=st.floats(0, 9), predicted_ms=st.integers(0, 9)),
)
CHATS = an_object(
    model=st.just("m"),
    message=an_object(content=st.text()),
    done=st.booleans(),
    done_reason=st.sampled_from(["stop", "length"]),
    error=st.text(),
    prompt_eval_count=st.integers(0, 99),
    eval_count=st.integers(0, 99),
    prompt_eval_duration=st.integers(0, 10**9),
    eval_duration=st.integers(0, 10**9),
)


# No deadline: other work on the machine says nothing of an answer.
FUZZ = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def reply_or_none(answer: Callable[[], Reply]) -> Reply | None:
    """None where another try is wanted; any other exception passes through and fails the test."""
    try:
        return answer()
    except MayPass:
        return None


def is_well_typed(reply: Reply) -> bool:
    usage = reply.usage
    return (
        isinstance(reply.text, str)
        and isinstance(reply.model_id, str)
        and isinstance(reply.stop_reason, StopReason)
        and all(isinstance(count, int) for count in (usage.input, usage.output, usage.cache_write, usage.cache_read))
        and isinstance(reply.gpu_seconds, float | None)
    )


@FUZZ
@given(COMPLETIONS)
def test_any_completion_is_a_reply_or_tried_again(answer: dict[str, Any]) -> None:
    """Of OpenAI's shape, with anything in any place."""
    reply = reply_or_none(lambda: reply_of(answer, a_prompt(), a_model("openai"), 1.0))
    assert reply is None or is_well_typed(reply)


class Canned(HttpClient):
    """A client that always brings the same object."""

    def __init__(self, answer: dict[str, Any]) -> None:
        super().__init__("http://box", 1.0, None, Redactor())
        object.__setattr__(self, "answer", json.loads(json.dumps(answer)))

    def post(self, path: str, payload: object) -> dict[str, Any]:
        return self.answer  # type: ignore[attr-defined, no-any-return]


@FUZZ
@given(CHATS)
def test_any_chat_is_a_reply_or_tried_again(answer: dict[str, Any]) -> None:
    """Of Ollama's shape, with anything in any place."""
    model = open_model(a_model("ollama"), environment={})
    canned = OllamaModel(model.settings, Canned(answer), model._caller)
    reply = reply_or_none(lambda: canned._attempt(a_prompt()))
    assert reply is None or is_well_typed(reply)


def a_list(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(an_object(**fields) | ANYTHING, max_size=3) | ANYTHING


LISTINGS = an_object(
    models=a_list(name=st.just("m"), digest=st.text(), details=an_object(quantization_level=st.text())),
    data=a_list(
        id=st.just("m"),
        owned_by=st.sampled_from(["llamacpp", "vllm", "library"]),
        meta=an_object(ftype=st.text(), size=st.integers()),
        root=st.text(),
    ),
    version=st.text(),
    build_info=st.text(),
    total_slots=st.integers(),
)


@FUZZ
@given(LISTINGS, st.sampled_from(["ollama", "openai"]))
def test_what_a_server_says_of_itself_may_be_anything(answer: dict[str, Any], backend: str) -> None:
    """Which models it has, which weights, how many slots and what kind it is: it is asked before anything is paid."""
    host, told = "http://127.0.0.1:9", json.loads(json.dumps(answer))
    settings, here = a_model(backend, hosts=(host,)), {"OLLAMA_HOST": host, "OPENAI_BASE_URL": host}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(HttpClient, "look", lambda *_: ({}, told))
        assert all(isinstance(words, str) for _, words in OURS[backend].findings(settings, here))
        assert isinstance(OURS[backend].why_unreachable(settings, here, 1), str | None)
        identity = OURS[backend].identity(settings, here)
        assert all(isinstance(said, str) for said in (*identity.weights.values(), identity.server))
        assert (OURS[backend].slots_at(settings, here, host) or 1) > 0
        found = found_model(here, (host,))
        assert found is None or found.model.isprintable()
