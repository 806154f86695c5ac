"""What crosses between the client and whoever works on its experiments: plain values that can be pickled."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import uuid4

from pytest_koderz.core.arm import Arm, ModelSettings
from pytest_koderz.core.experiment import Experiment
from pytest_koderz.core.problem import Problem
from pytest_koderz.session.workshop import Stopped

LOOK = 1.0
"""Seconds between two looks of one who sleeps whether the run was stopped."""


Tree = tuple[str, str]
"""A repository: its folder, and the digest that it must have."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What is the same for all experiments of a benchmark. No key is among it: each machine has its own."""

    benchmark_id: str
    machine: str
    """The client's, by its name."""
    path: str
    """Of koderz.yaml, on the client."""
    home: str
    """The folder of its .env file, which counts on a machine that has the same."""
    models: tuple[ModelSettings, ...]
    timeout: float
    memory_mb: int
    strict: bool
    draws: str
    judge: str
    """The levels of the client's, in words."""


@dataclass(frozen=True, slots=True)
class Order:
    """An experiment that is to be worked on."""

    start: Experiment
    problem: Problem
    arm: Arm
    terms: Terms


@dataclass(frozen=True, slots=True)
class Question:
    """What an experiment asks or tells. The next step waits for the answer."""

    order: str
    """The experiment's id."""
    attempt: str
    """Which of those at it asks: one that was given up may go on for a while."""
    name: str
    values: tuple[object, ...] = ()
    named: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Response:
    value: object = None
    fault: Exception | None = None
    """What is raised where it was asked."""
    stopped: bool = False
    """The attempt is to be left as it is."""


Send = Callable[[Question], Response]
"""Takes a question to the client and brings its answer. Several threads may use it."""

Ending = Experiment | Exception | None
"""An experiment, ended; why it was not begun; None: it was stopped."""


class Engine(Protocol):
    """What experiments run on."""

    jobs: int
    """How many at once, where the user does not say."""

    def run(self, order: Order) -> Ending:
        """What `perform(order, send)` gives, wherever and however often it is called; a thread for each order waits.

        Raises KoderzError where nobody can work on it.
        """
        ...

    def close(self) -> None:
        """At the end, when no order is under way."""
        ...


class Contact:
    """From one attempt at an order to the client."""

    def __init__(self, order: str, send: Send, where: str = "") -> None:
        """*where* names the process for those who watch whether it lives."""
        self._order = order
        self._send = send
        self._attempt = f"{where} {uuid4().hex}"
        self._looked = -LOOK

    def ask(self, name: str, *values: object, **named: object) -> Any:
        """Raises what the client answers with, or Stopped."""
        answer = self._send(Question(self._order, self._attempt, name, values, named))
        if answer.stopped:
            raise Stopped
        if answer.fault is not None:
            raise answer.fault
        return answer.value

    def stopping(self) -> bool:
        """Whether what waits is to end; asked once in a while."""
        now = time.monotonic()
        if now - self._looked < LOOK:
            return False
        self._looked = now
        return bool(self.ask("stopping"))
