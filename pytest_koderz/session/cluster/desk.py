"""Where experiments on other machines are answered: by this process's hooks, journal, budget and limits."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from contextvars import copy_context
from itertools import count
from threading import Condition, Event, Lock
from typing import Any, Protocol

from pytest_koderz.backends.http.limits import Limits, folder_named
from pytest_koderz.core.arm import Role
from pytest_koderz.core.errors import KoderzError
from pytest_koderz.core.experiment import Experiment
from pytest_koderz.core.ports import Meter, Prompt, meter
from pytest_koderz.files.usage_error import UsageError
from pytest_koderz.records.recorded import Past
from pytest_koderz.session.refusals import RefusalBook
from pytest_koderz.session.workshop import Stopped, World

from .orders import Ending, Order, Question, Response


class Office(Protocol):
    """What a desk needs of its benchmark."""

    stopping: Event

    @property
    def refusals(self) -> RefusalBook: ...
    def say(self, text: str) -> None: ...
    def complain(self, what: str) -> None: ...
    def lost(self, experiment: Experiment) -> None:
        """The process that worked on it is gone."""
        ...

    def past_of(self, order: Order) -> Past:
        """All that is recorded of it by now."""
        ...


class Matter:
    """An order under way."""

    def __init__(self, order: Order, past: Past, world: World) -> None:
        self.order = order
        self.past: Past | None = past
        """As it was when nobody had begun. None: somebody has."""
        self.world = world
        self.context = copy_context()
        """Of the thread that waits for it."""
        self.attempt = ""
        """The one that is heard. Empty: none is under way."""
        self.stop: BaseException | None = None
        """What ended it, beside the experiment."""
        self.booking = Lock()
        """Of what is paid: who begins again reads what another attempt had still sent."""
        self.meters: dict[int, Meter] = {}
        self.places: dict[int, Callable[[], None]] = {}

    def let_go(self) -> None:
        """The attempt is heard no more, and what it held is free."""
        self.attempt = ""
        while self.places:
            self.places.popitem()[1]()

    def ended(self, ending: Ending) -> Experiment:
        """Raises what ended it instead."""
        if self.stop is not None:
            raise self.stop
        if ending is None:
            raise Stopped
        if isinstance(ending, Exception):
            raise ending
        return ending


class Desk:
    """Several threads may use it."""

    def __init__(self, office: Office) -> None:
        self.office = office
        self._matters: dict[str, Matter] = {}
        self._lock = Condition()
        self._numbers = count()
        self.processes = count()

    @contextmanager
    def taking(self, order: Order, past: Past, world: World) -> Iterator[Matter]:
        """Within the block what is asked for *order* is answered, from *past* and *world*."""
        matter = self._matters[order.start.id] = Matter(order, past, world)
        try:
            yield matter
        finally:
            with self._lock:
                self._matters.pop(order.start.id, None)
                matter.let_go()
                self._lock.notify_all()

    def settle(self) -> None:
        """Return when no order is under way."""
        with self._lock:
            self._lock.wait_for(lambda: not self._matters)

    @property
    def places(self) -> AbstractSet[str]:
        """Where attempts are under way, as they say."""
        with self._lock:
            return {matter.attempt.partition(" ")[0] for matter in self._matters.values()} - {""}

    def lose(self, places: AbstractSet[str]) -> None:
        """Those processes are gone: what they held is free, and what they had begun waits for another one."""
        with self._lock:
            for matter in list(self._matters.values()):
                if matter.attempt.partition(" ")[0] in places:
                    self._lose(matter)

    @property
    def stopping(self) -> bool:
        """Whether nothing new is begun."""
        return self.office.stopping.is_set()

    def has_begun(self, order: Order) -> bool:
        matter = self._matters.get(order.start.id)
        return matter is not None and bool(matter.attempt)

    def answer(self, question: Question) -> Response:
        """Raises nothing. It is answered as the thread would that waits for the order, whoever asks."""
        matter = self._matters.get(question.order)
        return Response(stopped=True) if matter is None else matter.context.copy().run(self._answer, matter, question)

    def _answer(self, matter: Matter, question: Question) -> Response:
        try:
            if question.name == "begin":
                with matter.booking:
                    return Response(self._begun(matter, question.attempt))
            # What an attempt that was given up had paid for is entered all the same.
            late = question.attempt != matter.attempt
            value = None if late and question.name != "called" else self._answered(matter, question)
            return Response(value, stopped=late)
        except (KoderzError, UsageError) as fault:
            return Response(fault=fault)
        except BaseException as stop:  # noqa: BLE001 - it is raised where the order is waited for
            matter.stop = stop
            return Response(stopped=True)

    def _begun(self, matter: Matter, attempt: str) -> Past:
        if self.stopping:
            raise Stopped
        with self._lock:
            past, matter.past = matter.past, None
            if matter.attempt:
                self._lose(matter)
            matter.attempt = attempt
        return self.office.past_of(matter.order) if past is None else past

    def _lose(self, matter: Matter) -> None:
        matter.let_go()
        self.office.lost(matter.order.start)

    def _answered(self, matter: Matter, question: Question) -> object:
        name, values = question.name, question.values
        if name in _OF_THE_WORLD:
            return getattr(matter.world, name)(*values)
        if name in _OF_REFUSALS:
            return getattr(self.office.refusals, name)(*values, **question.named)
        return _OF_THE_DESK[name](self, matter, *values)

    def called(self, matter: Matter, *about: Any) -> None:
        with matter.booking:
            matter.world.called(*about)

    def before_call(self, matter: Matter, experiment: Experiment, role: Role, prompt: Prompt) -> int | None:
        """The number of the call's meter, which a guard may have set. None: there is none."""
        meter.set(None)
        matter.world.before_call(experiment, role, prompt)
        found = meter.get()
        if found is None:
            return None
        number = next(self._numbers)
        matter.meters[number] = found
        return number

    def taken(self, matter: Matter, folder: str, places: int) -> int | None:
        give_back = Limits(folder_named(folder)).taken(places)
        if give_back is None:
            return None
        number = next(self._numbers)
        matter.places[number] = give_back
        return number


_OF_THE_WORLD = {"keep", "complain", "recall_spec", "recall_iterations", "recall_guidance"}
_OF_THE_WORLD |= {"spec_written", "iterated", "advised", "checkpointed"}
_OF_REFUSALS = {"last_word", "all_it_said", "refused", "answered"}
_OF_THE_DESK: Mapping[str, Callable[..., object]] = {
    "before_call": Desk.before_call,
    "called": Desk.called,
    "resend": lambda _, matter, number: matter.meters[number].resend(),
    "unbilled": lambda _, matter, number: matter.meters[number].unbilled(),
    "taken": Desk.taken,
    "give_back": lambda _, matter, number: matter.places.pop(number)(),
    "until_free": lambda _, __, folder, per_minute: Limits(folder_named(folder)).until_free(per_minute),
    "stopping": lambda desk, _: desk.stopping,
    "say": lambda desk, _, text: desk.office.say(text),
    # Of a process: each begins with another one of a model's servers.
    "number": lambda desk, _: next(desk.processes),
}
