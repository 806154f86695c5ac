"""The first answer that is accepted wins: what the other calls had cost is what their servers had made by then."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from threading import Event
from typing import Any

import pytest

from pytest_koderz.core.arm import ModelSettings
from pytest_koderz.core.cost_bound import bound_of
from pytest_koderz.core.experiment import Experiment
from pytest_koderz.core.flight import Flight
from pytest_koderz.core.iteration import StopReason
from pytest_koderz.core.money import Usage, cost_of
from pytest_koderz.core.ports import Meter, Prompt, Reply, meter
from pytest_koderz.core.withdrawal import Withdrawal
from pytest_koderz.testing import Answer, AnthropicServer, LoopbackServer, OllamaServer, OpenAIServer, Stalled
from tests.core.worlds import LOCAL_ONLY, PRICE, RIGHT, run

from .worlds import Naps, a_model, a_prompt, open_model

PIECES = ("```python\n", "def add", "(x, y):", "\n    return")


@dataclass(frozen=True)
class Crew:
    """A Model that stands for several: a prompt's own is asked."""

    models: dict[str, Any]

    def complete(self, prompt: Prompt) -> Reply:
        reply: Reply = self.models[prompt.model].complete(prompt)
        return reply


def raced(right: LoopbackServer, slow: LoopbackServer, *, backend: str, **settings: Any) -> Experiment:
    """An experiment of one iteration, in which the one writes a right answer as soon as the other has begun."""
    members = {
        "quick": a_model("openai", "quick-1", hosts=(right.url,)),
        "slow": a_model(backend, "slow-1", hosts=(slow.url,), max_tokens=50, price=PRICE, **settings),
    }
    members = {name: replace(member, name=name) for name, member in members.items()}
    local = Crew({name: open_model(member, sleep=Naps()) for name, member in members.items()})
    quick: ModelSettings = replace(members["quick"], price=PRICE)
    return run(replace(LOCAL_ONLY, local=quick, swarm=(members["slow"],), candidates=2), local=local)


def after(slow: LoopbackServer) -> Callable[[object], str]:
    """A script that answers when all pieces of the slow server are out."""

    def script(request: object) -> str:
        assert slow.stalled.wait(60)
        return RIGHT

    return script


@pytest.mark.parametrize(
    ("backend", "slow", "told"),
    [
        ("openai", OpenAIServer([Stalled(PIECES)]), True),
        ("openai", OpenAIServer([Stalled(PIECES)], counts=False), False),
        ("ollama", OllamaServer([Stalled(PIECES)]), False),
    ],
    ids=["told by the server", "not told", "Ollama"],
)
def test_what_a_cancelled_call_had_cost_is_in_the_ledger(backend: str, slow: LoopbackServer, *, told: bool) -> None:
    """Calls and tokens as the server counts them. Dollars: of these tokens where it told them, else the most that the
    call can have cost.
    """
    with slow, OpenAIServer(after(slow)) as quick:
        experiment = raced(quick, slow, backend=backend)
    assert experiment.solved
    rows = {row.model: row for row in experiment.ledger.spendings}
    assert (rows["slow"].calls, rows["slow"].cancelled) == (1, 1)
    assert slow.cancelled.calls == experiment.ledger.cancelled == 1
    assert rows["slow"].usage.output == slow.cancelled.usage.output == len(PIECES)
    if told:
        assert rows["slow"].usage == slow.cancelled.usage
        assert rows["slow"].cost == cost_of(slow.cancelled.usage, PRICE)
    else:
        prompt = Prompt("", "", "", "", LOCAL_ONLY.cast[0][0])
        least = bound_of(prompt, a_model(backend, max_tokens=50), PRICE)
        assert rows["slow"].cost is not None
        assert rows["slow"].cost > least
    (iteration,) = experiment.iterations
    assert (iteration.cancelled, iteration.writers, len(iteration.candidates)) == (("slow",), ("quick",), 1)
    assert iteration.usage == experiment.ledger.usage
    assert iteration.cost == experiment.ledger.cost
    assert (rows["slow"].gpu_seconds is not None) == (backend == "ollama")


@pytest.mark.parametrize(("backend", "server"), [("openai", OpenAIServer), ("ollama", OllamaServer)])
def test_a_call_that_nothing_came_of_is_counted_too(backend: str, server: type[LoopbackServer]) -> None:
    """It had been sent: its prompt may have been read."""
    with server([Stalled()]) as slow, OpenAIServer(after(slow)) as quick:
        experiment = raced(quick, slow, backend=backend)
    row = next(row for row in experiment.ledger.spendings if row.model == "slow")
    assert (row.calls, row.cancelled, row.usage.output) == (1, 1, 0)
    assert row.usage.input > 0
    assert slow.cancelled.calls == 1


def test_anthropics_calls_are_waited_for() -> None:
    """The service bills what it has begun: a whole answer is judged and counted as any other."""

    begun = Event()

    def script(request: object) -> Answer:
        begun.set()
        return Answer("```python\ndef add(x, y):\n    return 7\n```", input_tokens=30, output_tokens=9)

    def after(request: object) -> Answer:
        """Right, once the other call is on its way: before that it would be taken back."""
        assert begun.wait(60)
        return Answer(RIGHT)

    with AnthropicServer(script) as slow, OpenAIServer(after) as quick:
        member = replace(a_model("anthropic", "claude-x", hosts=(slow.url,), price=PRICE), name="slow")
        first = replace(a_model("openai", "quick-1", hosts=(quick.url,), price=PRICE), name="quick")
        key = {"ANTHROPIC_API_KEY": "k" * 20}
        local = Crew(
            {"slow": open_model(member, environment=key, sleep=Naps()), "quick": open_model(first, sleep=Naps())}
        )
        experiment = run(replace(LOCAL_ONLY, local=first, swarm=(member,), candidates=2), local=local)
    assert experiment.solved
    assert (experiment.ledger.calls, experiment.ledger.cancelled) == (2, 0)
    assert sorted(experiment.iterations[0].writers) == ["quick", "slow"]


class Counter(Meter):
    def __init__(self) -> None:
        self.heard: list[str] = []

    def resend(self) -> None:
        self.heard.append("resend")

    def unbilled(self) -> None:
        self.heard.append("unbilled")


def test_a_call_that_waits_for_its_turn_is_taken_back() -> None:
    """The server's one slot is taken: what was never sent costs nothing, and the budget is told."""
    with OpenAIServer([Stalled(PIECES)]) as server:
        model = open_model(a_model("openai", hosts=(server.url,), slots=1))
        flight, counter = Flight(model, Withdrawal()), Counter()
        flight.start(a_prompt("first", seed=1))
        assert server.stalled.wait(60)
        token = meter.set(counter)
        flight.start(a_prompt("second", seed=2))
        meter.reset(token)
        flight.cancel()
        landed = list(flight.landed())
    assert [(prompt.text, reply.stop_reason) for prompt, reply in landed] == [("first", StopReason.CANCELLED)]
    assert landed[0][1].usage == server.cancelled.usage != Usage()
    assert len(server.requests) == 1
    assert counter.heard == ["unbilled"]
