"""Calls that are made at the same time, and their answers in the order in which they come."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextvars import copy_context
from queue import SimpleQueue

from .ports import Model, Prompt, Reply

Landing = tuple[Prompt, Reply | BaseException]


class Flight:
    """Asks one model, or what stands for several, from a thread for each call.

    A call sees the context variables that were set when it was started. What is recorded needs no thread; it comes
    first, as it had come.
    """

    def __init__(self, model: Model) -> None:
        self._model = model
        self._recorded: list[Prompt] = []
        self._landings: SimpleQueue[Landing] = SimpleQueue()
        self._out = 0

    def order(self, prompts: Sequence[Prompt]) -> list[Prompt]:
        """*prompts*, those first whose answers are recorded, in the order in which they had come."""
        places = [(place, number) for number, each in enumerate(prompts) if (place := self._place(each)) is not None]
        recorded = [number for _, number in sorted(places)]
        return [prompts[number] for number in (*recorded, *(set(range(len(prompts))) - set(recorded)))]

    def start(self, prompt: Prompt) -> None:
        if self._place(prompt) is not None:
            self._recorded.append(prompt)
            return
        self._out += 1
        call = copy_context()
        threading.Thread(target=call.run, args=(self._ask, prompt), name="koderz-call", daemon=True).start()

    def landed(self) -> Iterator[tuple[Prompt, Reply]]:
        """Each answer as it comes. Raises the first fault of a call, when the answers of the others are taken."""
        faults: list[BaseException] = []
        for prompt, answer in self._all():
            if isinstance(answer, Reply):
                yield prompt, answer
            else:
                faults.append(answer)
        if faults:
            raise faults[0]

    def late(self) -> Iterator[tuple[Prompt, Reply]]:
        """The answers that nobody has taken, once they are there; what has failed is passed over."""
        return ((prompt, answer) for prompt, answer in self._all() if isinstance(answer, Reply))

    def _all(self) -> Iterator[Landing]:
        while self._recorded:
            prompt = self._recorded.pop(0)
            yield prompt, self._model.complete(prompt)
        while self._out:
            landing = self._landings.get()
            self._out -= 1
            yield landing

    def _place(self, prompt: Prompt) -> int | None:
        place: Callable[[Prompt], int | None] | None = getattr(self._model, "place_in_record", None)
        return None if place is None else place(prompt)

    def _ask(self, prompt: Prompt) -> None:
        answer: Reply | BaseException
        try:
            answer = self._model.complete(prompt)
        except BaseException as fault:  # noqa: BLE001 - it is raised in the thread that waits
            answer = fault
        self._landings.put((prompt, answer))
