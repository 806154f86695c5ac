"""Experiments over servers that fail in every way."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from pytest_koderz.core.arm import Arm, Role
from pytest_koderz.core.experiment import Experiment, Status, seed_of
from pytest_koderz.core.iteration import StopReason
from pytest_koderz.core.loop import solve
from pytest_koderz.core.money import Ledger, Price, cost_of
from pytest_koderz.testing import (
    Answer,
    AnthropicServer,
    Dropped,
    Fault,
    FrozenClock,
    Garbage,
    HalfSent,
    Hang,
    LoopbackServer,
    NoMemory,
    OllamaServer,
    OpenAIServer,
    RecordingListener,
    Request,
    ScriptedSandbox,
)
from pytest_koderz.testing import Status as HttpStatus

from .worlds import ADD, SECRET, Naps, a_model, open_model

PRICE = Price(Decimal(4), Decimal(20), Decimal(5), Decimal("0.2"), date(2026, 11, 1), "by hand")
FAULTS: list[Fault] = [
    HttpStatus(429, retry_after=2),
    HttpStatus(503, "loading model"),
    HttpStatus(500),
    HttpStatus(503),
    HttpStatus(529),
    Dropped(),
    HalfSent(),
    Garbage(),
    Garbage(b"{}"),
    Garbage(b"", "text/plain"),
]
FATAL = [HttpStatus(404, "no such model"), HttpStatus(401, "no such key"), HttpStatus(400, "no such luck")]
STOPS = [StopReason.END] * 7 + [StopReason.MAX_TOKENS, StopReason.CONTEXT, StopReason.REFUSAL]
SILENT_EVERY = 250
"""Requests from one that is never answered to the next: each takes the whole time limit."""


class Weather:
    """A seeded script that keeps a log of what it did."""

    def __init__(self, seed: int) -> None:
        self._draw = Random(seed)  # noqa: S311 - not for secrets
        self.fatal = 0
        self.calls = 0

    def __call__(self, request: Request) -> Answer | Fault:
        chance = self._draw.random()
        self.calls += 1
        if self.calls % SILENT_EVERY == 0:
            return Hang()
        if chance < 0.01:
            self.fatal += 1
            return self._draw.choice(FATAL)
        if chance < 0.3:
            return self._draw.choice(FAULTS)
        code = "x + y" if chance < 0.5 else "x - y"
        return Answer(
            f"```python\ndef add(x, y):\n    return {code} + {self._draw.randrange(10**6)}\n```",
            input_tokens=self._draw.randrange(100, 4000),
            output_tokens=self._draw.randrange(1, 900),
            cache_read=self._draw.randrange(0, 2000),
            stop=self._draw.choice(STOPS),
            thinking=self._draw.choice(["", "hm"]),
        )


def an_environment(name: str, url: str) -> Mapping[str, str]:
    return {
        "anthropic": {"ANTHROPIC_API_KEY": SECRET, "ANTHROPIC_BASE_URL": url},
        "ollama": {"OLLAMA_HOST": url},
        "openai": {"OPENAI_BASE_URL": url},
    }[name]


@pytest.mark.parametrize(
    ("name", "server"),
    [
        pytest.param("anthropic", AnthropicServer, marks=pytest.mark.slow),
        pytest.param("ollama", OllamaServer, marks=pytest.mark.slow),
        ("openai", OpenAIServer),
    ],
)
def test_nothing_is_lost_and_nothing_paid_twice(name: str, server: type[Any]) -> None:
    """700 requests through 30 % faults of every kind: the ledgers hold what the server billed, to the cent and call."""
    weather = Weather(seed=20261122)
    with server(weather) as sky:
        ended = list(experiments(name, sky, requests=700))
    ledger = sum((experiment.ledger for experiment in ended), Ledger())
    assert (ledger.calls, ledger.usage) == (sky.billed.calls, sky.billed.usage)
    assert ledger.cost == cost_of(sky.billed.usage, PRICE)
    assert {experiment.status for experiment in ended} == {Status.SOLVED, Status.UNSOLVED, Status.INVALID}
    for experiment in ended:
        assert experiment.solved == bool(experiment.iterations and experiment.iterations[-1].passed)
        # A fault burns no iteration: each that is there was answered and judged.
        assert len(experiment.iterations) == experiment.ledger.calls
    gave_up = [experiment.reason for experiment in ended if experiment.status is Status.INVALID]
    assert sum("no such" in reason for reason in gave_up) == weather.fatal > 0
    assert all("no such" in reason or "no answer in 5 tries" in reason for reason in gave_up)
    cut = {iteration.stop_reason for experiment in ended for iteration in experiment.iterations}
    assert cut >= {StopReason.END, StopReason.CONTEXT}


def experiments(name: str, sky: LoopbackServer, requests: int) -> Any:
    """One after the other until the server has had so many requests."""
    settings = a_model(name, price=PRICE, timeout=3.0)
    model = open_model(settings, environment=an_environment(name, sky.url), sleep=Naps())
    arm = Arm("local-only", local=settings, max_iterations=4)
    judge = ScriptedSandbox("x + y")
    for epoch in range(requests):
        start = Experiment(f"exp_{epoch:08x}", ADD.id, arm.name, epoch, seed=seed_of(ADD.id, arm.name, epoch))
        yield solve(start, ADD, arm, {Role.LOCAL: model}, judge, NoMemory(), RecordingListener(), FrozenClock())
        if len(sky.requests) >= requests:
            return
