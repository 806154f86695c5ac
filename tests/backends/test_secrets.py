"""The key stays in the header it belongs to."""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable
from typing import Any

import pytest

from pytest_koderz.core.errors import ModelUnavailable
from pytest_koderz.files.usage_error import UsageError
from pytest_koderz.testing import (
    Answer,
    AnthropicServer,
    Fault,
    Garbage,
    LoopbackServer,
    OllamaServer,
    OpenAIServer,
    Request,
    Status,
)

from .worlds import SECRET, Naps, a_model, a_prompt, open_model

ECHOES: list[Fault] = [
    Status(401, f"invalid key {SECRET}"),
    Status(400, f"bad request by {SECRET}"),
    Status(529, f"overloaded, {SECRET}"),
    Garbage(f'{{"error": "who is {SECRET}?"}}'.encode()),
    Garbage(f"<html>{SECRET}</html>".encode()),
]


def an_anthropic(url: str) -> Any:
    environment = {"ANTHROPIC_API_KEY": SECRET, "ANTHROPIC_BASE_URL": url}
    return open_model(a_model("anthropic", options={"retries": 1}), environment=environment, sleep=Naps())


def an_ollama(url: str) -> Any:
    environment = {"OLLAMA_API_KEY": SECRET, "OLLAMA_HOST": url}
    return open_model(a_model("ollama", options={"retries": 1}), environment=environment, sleep=Naps())


def an_openai(url: str) -> Any:
    environment = {"OPENAI_API_KEY": SECRET, "OPENAI_BASE_URL": url}
    return open_model(a_model("openai", options={"retries": 1}), environment=environment, sleep=Naps())


EACH = pytest.mark.parametrize(
    ("server", "model"),
    [(AnthropicServer, an_anthropic), (OllamaServer, an_ollama), (OpenAIServer, an_openai)],
    ids=["anthropic", "ollama", "openai"],
)


@EACH
@pytest.mark.parametrize("echo", ECHOES, ids=["401", "400", "529", "JSON", "HTML"])
def test_an_error_never_repeats_the_key(server: type[LoopbackServer], model: Callable[[str], Any], echo: Fault) -> None:
    """Not even where the server echoes it, and not in the traceback with all its causes."""
    with server([echo] * 3) as asked, pytest.raises(ModelUnavailable) as caught:
        model(asked.url).complete(a_prompt())
    assert SECRET not in "".join(traceback.format_exception(caught.value))


@EACH
def test_a_model_s_name_never_repeats_the_key(server: type[LoopbackServer], model: Callable[[str], Any]) -> None:
    """A server that echoes the header into model id and text is believed in the text alone, which is judged whole."""
    with server([Answer(f"my key is {SECRET}", model=f"m-{SECRET}")]) as asked:
        reply = model(asked.url).complete(a_prompt())
    assert reply.model_id == "m-***"
    assert reply.text == f"my key is {SECRET}"


@EACH
def test_a_server_is_not_told_a_key_that_another_one_has_echoed(
    server: type[LoopbackServer], model: Callable[[str], Any]
) -> None:
    """Candidates go into later prompts, of other models too."""
    with server([Answer("none")]) as asked:
        model(asked.url).complete(a_prompt(f"What of {SECRET} and {SECRET.upper()}?"))
        (request,) = asked.requests
    assert "What of *** and ***?" in json.dumps(request.body)


@EACH
def test_a_repr_never_shows_the_key(server: type[LoopbackServer], model: Callable[[str], Any]) -> None:
    """Neither the model's nor that of anything it holds."""
    with server() as asked:
        opened = model(asked.url)
    assert SECRET not in repr(opened)
    assert SECRET not in repr(vars(opened))
    assert SECRET not in repr(vars(opened._model))


@pytest.mark.parametrize(
    ("backend", "name"),
    [("anthropic", "ANTHROPIC_API_KEY"), ("ollama", "OLLAMA_API_KEY"), ("openai", "OPENAI_API_KEY")],
)
def test_a_key_that_no_header_can_carry_is_not_repeated(backend: str, name: str) -> None:
    """A line break in the middle is found before a library would put the key into its error."""
    environment = {name: f"{SECRET}\n{SECRET}"}
    with pytest.raises(UsageError, match=f"{name} holds a space, a line break") as caught:
        open_model(a_model(backend), environment=environment)
    assert SECRET not in str(caught.value)


def test_a_password_in_a_url_is_not_told() -> None:
    """Errors name the server without it."""
    model = open_model(a_model("ollama", hosts=(f"http://me:{SECRET}@127.0.0.1:9",), options={"retries": 0}))
    with pytest.raises(ModelUnavailable, match=r"^http://127\.0\.0\.1:9: ") as caught:
        model.complete(a_prompt())
    assert SECRET not in "".join(traceback.format_exception(caught.value))
    assert SECRET not in repr(model._model._client)


LOUD = "\x1b]0;t\x07\n::error::\u202ex \u2028" * 10_000
LOUD_ECHOES: list[Fault] = [
    Status(401, LOUD),
    Status(400, LOUD),
    Status(529, LOUD),
    Garbage(b'{"error": "\\u001b\\n\x7f"}'),
]


@EACH
@pytest.mark.parametrize("echo", LOUD_ECHOES, ids=["401", "400", "529", "JSON"])
def test_an_error_repeats_a_server_s_words_in_one_line_in_which_nothing_acts(
    server: type[LoopbackServer], model: Callable[[str], Any], echo: Fault
) -> None:
    """Of a length that can be read."""
    with server([echo] * 3) as asked, pytest.raises(ModelUnavailable) as caught:
        model(asked.url).complete(a_prompt())
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 600


def test_a_recorded_request_does_not_show_the_key() -> None:
    """The test aid keeps headers, but not in what an assertion prints."""
    request = Request("POST", "/v1/messages", {}, {"authorization": f"Bearer {SECRET}"})
    assert SECRET not in repr(request)
