"""The OpenAI back end on a real llama.cpp server with the embedded model's weights."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from pytest_koderz.backends.openai import BACKEND
from pytest_koderz.core.iteration import StopReason
from pytest_koderz.core.money import Usage
from tests.core.worlds import FREE, LOCAL_ONLY, run

from .llama_server import SLOTS, WINDOW, LlamaServer
from .test_cancelled import Crew
from .worlds import a_model, a_prompt, open_model

pytestmark = pytest.mark.slow


@pytest.fixture
def server(smollm2: str) -> Iterator[LlamaServer]:
    with LlamaServer(smollm2) as server:
        yield server


def opened(server: LlamaServer, model: str = "SmolLM2-135M-Instruct.Q4_1", **settings: Any) -> Any:
    settings = {"temperature": 0.0, "max_tokens": 40, "options": {"top_k": 40, "min_p": 0.05}} | settings
    return open_model(a_model("openai", model, hosts=(server.url,), **settings))


@pytest.mark.sample
def test_it_is_known_counted_and_named(server: LlamaServer) -> None:
    """It says what it is, so that it is free; its counts and times are taken; another name than its own is told."""
    assert BACKEND.cost_at is not None
    assert BACKEND.cost_at(a_model("openai", "gpt-4", hosts=(server.url,)), {}).own_machine
    told = BACKEND.identity(a_model("openai", "gpt-4", hosts=(server.url,)), {}).told
    assert (told["quantization"], told["server"].split()[0]) == ("Q4_1", "llama.cpp")
    prompt = a_prompt("Write a Python function `add(x, y)` that returns the sum.", stable="", system="")
    reply = opened(server).complete(prompt)
    assert "def add(" in reply.text
    assert 20 < reply.usage.prompt < 60
    assert 10 < reply.usage.output <= 40
    assert reply.gpu_seconds is not None
    assert 0 < reply.gpu_seconds < reply.seconds
    assert reply.warnings == ()
    other = opened(server, "gpt-4").complete(prompt)
    assert other.model_id.endswith("SmolLM2-135M-Instruct.Q4_1.gguf")
    assert other.warnings == ("answers where 'gpt-4' was asked for",)


def test_a_prompt_that_outgrows_the_window_is_a_named_outcome(server: LlamaServer) -> None:
    """With the server's own figures; and a reply that fills the window is one that was cut."""
    reply = opened(server).complete(a_prompt("word " * WINDOW))
    assert (reply.text, reply.stop_reason, reply.usage) == ("", StopReason.CONTEXT, Usage())
    assert "exceeds the available context size" in reply.warnings[0]
    long = a_prompt("Count to a thousand: " + " ".join(map(str, range(150))), stable="", system="")
    model = opened(server, max_tokens=WINDOW, options={"extra_body": {"ignore_eos": True}})
    assert model.complete(long).stop_reason is StopReason.CONTEXT


def test_a_setting_of_another_kind_is_refused_by_name(server: LlamaServer) -> None:
    """The real refusal names the field, which is left out and said."""
    model = opened(server, options={"extra_body": {"top_k": "many"}})
    reply = model.complete(a_prompt())
    assert reply.text
    assert "refuses `top_k`" in reply.warnings[0]


def test_two_slots_answer_at_once(server: LlamaServer) -> None:
    """Each its own prompt, and each call counts its own tokens."""
    model = opened(server, options={"extra_body": {"ignore_eos": True}}, max_tokens=200)
    with ThreadPoolExecutor(SLOTS) as threads:
        calls = [threads.submit(model.complete, a_prompt(f"Tell of the number {each}.")) for each in range(SLOTS)]
        server.wait_until_busy(SLOTS)
        replies = [call.result() for call in calls]
    assert [reply.usage.output for reply in replies] == [200, 200]
    assert all(reply.gpu_seconds and reply.gpu_seconds < reply.seconds for reply in replies)


LEFT_OVER = 5
"""Tokens that a server may write until it notices that its client has gone."""


def test_the_first_that_is_accepted_wins_on_two_servers(smollm2: str) -> None:
    """The other call is cancelled, and the server stops: calls are counted as they were made, and what it wrote
    as it counts it, but for the last few tokens.
    """
    with LlamaServer(smollm2) as quick, LlamaServer(smollm2) as slow:
        lengths = {"quick": (quick, 20), "slow": (slow, 1500)}
        members = {
            name: a_model(
                "openai",
                "SmolLM2",
                hosts=(server.url,),
                max_tokens=tokens,
                price=FREE,
                options={"extra_body": {"ignore_eos": True}},
            )
            for name, (server, tokens) in lengths.items()
        }
        named = {name: replace(member, name=name) for name, member in members.items()}
        arm = replace(LOCAL_ONLY, local=named["quick"], swarm=(named["slow"],), candidates=2, accept_on="none")
        crew = Crew({name: open_model(member) for name, member in named.items()})
        ledgers = [run(arm, local=crew).ledger for _ in range(3)]
        slow.wait_until_idle()
        for name, (server, _) in lengths.items():
            rows = [row for ledger in ledgers for row in ledger.spendings if row.model == name]
            calls, cancelled = sum(row.calls for row in rows), sum(row.cancelled for row in rows)
            assert (calls, cancelled) == (3, 3 if name == "slow" else 0)
            read, written = server.counted()
            # One that was cancelled before its first piece has an estimate for its prompt, which is a high one here.
            assert sum(row.usage.input for row in rows) - read >= 0
            assert name == "slow" or sum(row.usage.input for row in rows) == read
            assert 0 <= written - sum(row.usage.output for row in rows) <= LEFT_OVER * cancelled


def test_a_server_that_is_killed_in_mid_call_and_started_anew_answers(server: LlamaServer) -> None:
    """The call is sent again; nothing of the first one is taken for an answer."""
    model = opened(server, options={"retries": 20, "extra_body": {"ignore_eos": True}}, max_tokens=200)
    with ThreadPoolExecutor(1) as threads:
        call = threads.submit(model.complete, a_prompt("Tell a story."))
        server.wait_until_busy()
        server.kill()
        server.start()
        reply = call.result()
    assert (reply.usage.output, reply.stop_reason) == (200, StopReason.MAX_TOKENS)
