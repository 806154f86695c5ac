"""Calls that are made at the same time, and their answers in the order in which they come."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextvars import copy_context
from queue import SimpleQueue

from .errors import ModelUnavailable, Withdrawn
from .ports import Model, Prompt, Reply
from .withdrawal import Withdrawal, in_flight, is_withdrawn

Landing = tuple[Prompt, Reply | BaseException]


def place_in_record(model: Model, prompt: Prompt) -> int | None:
    """Where in the order of recorded answers *model* has that to *prompt*. None: it has none, or keeps no record."""
    place: Callable[[Prompt], int | None] | None = getattr(model, "place_in_record", None)
    return None if place is None else place(prompt)


def parted(model: Model, prompts: Sequence[Prompt]) -> tuple[list[Prompt], list[Prompt]]:
    """Those of *prompts* whose answers are recorded, in the order in which they had come, and the others."""
    places = [place_in_record(model, prompt) for prompt in prompts]
    recorded = sorted((place, number) for number, place in enumerate(places) if place is not None)
    others = [prompt for prompt, place in zip(prompts, places, strict=True) if place is None]
    return [prompts[number] for _, number in recorded], others


class Flight:
    """Asks one model, or what stands for several, from a thread for each call, which sees the context variables that
    were set when it was started.
    """

    def __init__(self, model: Model, withdrawal: Withdrawal | None = None) -> None:
        """*withdrawal*: the calls can be cancelled, where their models heed it. None: their answers are waited for."""
        self._model = model
        self._withdrawal = withdrawal
        self._landings: SimpleQueue[Landing] = SimpleQueue()
        self._out = 0

    def start(self, prompt: Prompt) -> None:
        self._out += 1
        call = copy_context()
        call.run(in_flight.set, self._withdrawal)
        threading.Thread(target=call.run, args=(self._ask, prompt), name="koderz-call", daemon=True).start()

    def cancel(self) -> None:
        """What is not answered yet. It lands all the same: as a reply that was cancelled, where it had been sent."""
        if self._withdrawal is not None:
            self._withdrawal.make()

    def landed(self) -> Iterator[tuple[Prompt, Reply]]:
        """Each answer as it comes. Raises the first fault of a call, when the answers of the others are taken."""
        faults: list[BaseException] = []
        for prompt, answer in self._all():
            if isinstance(answer, Reply):
                yield prompt, answer
            elif not isinstance(answer, Withdrawn):
                faults.append(answer)
        if faults:
            raise faults[0]

    def late(self) -> Iterator[tuple[Prompt, Reply]]:
        """The answers that nobody has taken, once they are there; what has failed is passed over."""
        return ((prompt, answer) for prompt, answer in self._all() if isinstance(answer, Reply))

    def _all(self) -> Iterator[Landing]:
        while self._out:
            landing = self._landings.get()
            self._out -= 1
            yield landing

    def _ask(self, prompt: Prompt) -> None:
        answer: Reply | BaseException
        try:
            answer = self._model.complete(prompt)
            if answer.cancelled and not is_withdrawn():
                answer = ModelUnavailable("only the beginning of this reply is recorded: it was cancelled then")
        except BaseException as fault:  # noqa: BLE001 - it is raised in the thread that waits
            answer = fault
        self._landings.put((prompt, answer))
