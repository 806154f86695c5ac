"""The embedded model: real inference on the CPU."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import requests

from pytest_koderz.backends.embedded import _threads
from pytest_koderz.core.iteration import StopReason
from pytest_koderz.core.money import Usage
from pytest_koderz.files.usage_error import UsageError

from .worlds import a_model, a_prompt, fault_of, open_model


def opened(weights: str, **settings: Any) -> Any:
    settings = {"temperature": 0.0, "max_tokens": 60, "context_tokens": 1024} | settings
    return open_model(a_model("embedded", weights, **settings), environment={})


@pytest.mark.slow
@pytest.mark.sample
def test_it_writes_code(smollm2: str) -> None:
    """Greedy, it answers a simple task with a function; tokens are counted; no machine path is told."""
    reply = opened(smollm2).complete(
        a_prompt("Write a Python function `add(x, y)` that returns the sum.", stable="", system="")
    )
    assert "def add(" in reply.text
    assert 30 < reply.usage.prompt < 60
    assert 10 < reply.usage.output <= 60
    assert (reply.model_id, reply.gpu_seconds) == ("SmolLM2-135M-Instruct.Q4_1", None)
    assert reply.seconds > 0


@pytest.mark.slow
def test_the_same_seed_gives_the_same_reply(smollm2: str) -> None:
    """And another seed another one."""
    model = opened(smollm2, temperature=0.9)
    model.complete(a_prompt(seed=5))
    replies = [model.complete(a_prompt(seed=seed)).text for seed in (5, 5, 6)]
    assert replies[0] == replies[1] != replies[2]


@pytest.mark.slow
def test_a_stable_prefix_is_not_read_twice(smollm2: str) -> None:
    """Tokens of the prefix come from the cache the second time."""
    model = opened(smollm2, max_tokens=1)
    stable = "# Task\n" + " ".join(f"word{number}" for number in range(100))
    model.complete(a_prompt("First.", stable=stable))
    second = model.complete(a_prompt("Second.", stable=stable)).usage
    assert second.cache_read > second.input


@pytest.mark.slow
def test_a_cut_reply_is_named(smollm2: str) -> None:
    """At the limit of tokens."""
    reply = opened(smollm2, max_tokens=5).complete(a_prompt("Tell a long story.", stable=""))
    assert (reply.stop_reason, reply.usage.output) == (StopReason.MAX_TOKENS, 5)


@pytest.mark.slow
def test_a_prompt_that_outgrows_the_window_is_a_named_outcome(smollm2: str) -> None:
    """With the figures as a warning; nothing was read or written."""
    reply = opened(smollm2).complete(a_prompt("word " * 3000))
    assert (reply.text, reply.stop_reason, reply.usage) == ("", StopReason.CONTEXT, Usage())
    assert "1024 tokens" in reply.warnings[0]


@pytest.mark.slow
def test_roles_share_the_weights(smollm2: str) -> None:
    """Two models of the same file have one engine."""
    first, second = opened(smollm2), opened(smollm2, temperature=0.7)
    assert first._engine is second._engine


@pytest.mark.slow
def test_nobody_else_is_served(smollm2: str) -> None:
    """The engine's own loopback port refuses who has no key."""
    address = opened(smollm2)._engine._server.listening_address
    assert requests.get(f"{address}/v1/models", timeout=10).status_code == 401


@pytest.mark.slow
def test_damaged_weights_are_a_usage_error(smollm2: str, tmp_path: Path) -> None:
    """A file that begins as a GGUF and ends too early."""
    with Path(smollm2).open("rb") as whole:
        (tmp_path / "half.gguf").write_bytes(whole.read(1_000_000))
    with pytest.raises(UsageError, match=r"half\.gguf: the weights cannot be loaded with a window of 1024 tokens"):
        opened(str(tmp_path / "half.gguf"))


def test_what_is_missing_is_known_beforehand() -> None:
    """Without loading or fetching anything."""
    assert "no such model" in (fault_of(a_model("embedded", "nowhere.gguf"), {}) or "")


def test_threads_are_a_positive_number() -> None:
    """Refused before anything is loaded."""
    with pytest.raises(UsageError, match=r"models\.mine\.options\.threads"):
        open_model(a_model("embedded", "smollm2", options={"threads": -1}), environment={})


@pytest.mark.parametrize(("workers", "share"), [("1", 1.0), ("2", 0.5), ("1000", 0.0), ("x", 1.0)])
def test_workers_share_the_cores(workers: str, share: float) -> None:
    """Each has its part, and at least one."""
    cores = _threads({})
    assert _threads({"PYTEST_XDIST_WORKER_COUNT": workers}) == max(int(cores * share), 1)
