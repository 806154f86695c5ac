"""An experiment away from its client: by its own machine's models and judge, in the client's world."""

from __future__ import annotations

import os
import platform
import re
import time
from collections.abc import Callable
from contextvars import ContextVar, copy_context
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any, cast

from pytest_koderz.backends import OURS
from pytest_koderz.backends.backend import Registry, Surroundings
from pytest_koderz.backends.http.limits import kept_by
from pytest_koderz.core.arm import ModelSettings, Role
from pytest_koderz.core.errors import InfrastructureError, KoderzError, OutOfBudget
from pytest_koderz.core.experiment import Experiment
from pytest_koderz.core.ports import Meter, Model, Prompt, Sandbox, meter
from pytest_koderz.core.problem import Problem
from pytest_koderz.files.source_tree import digest_of_tree
from pytest_koderz.files.usage_error import UsageError
from pytest_koderz.session.refusals import RefusalBook
from pytest_koderz.session.replay import BACKEND as REPLAY
from pytest_koderz.session.secrets_of_run import secrets_of
from pytest_koderz.session.workshop import Stopped, Workshop, World
from pytest_koderz.settings.precedence import environment_of

from .orders import LOOK, Contact, Ending, Order, Send, Terms, Tree

_contact: ContextVar[Contact] = ContextVar("contact")
"""Of the attempt that this thread works for."""


def perform(order: Order, send: Send, where: str = "") -> Ending:
    """Work on *order*; what it asks and tells goes through *send*. *where* names the process, for who watches it."""
    return copy_context().run(_performed, order, send, where)


def _performed(order: Order, send: Send, where: str) -> Ending:
    contact = Contact(order.start.id, send, where)
    _contact.set(contact)
    kept_by.set(_FarLimits(order.terms))
    try:
        past = contact.ask("begin")
        shop = workshop_of(order.terms)
        shop.problems[order.problem.id] = order.problem
        shop.check_place(order.problem)
        return shop.solved(order.start, order.problem, order.arm, past, cast("World", _FarWorld()))
    except Stopped:
        return None
    except (KoderzError, UsageError) as fault:
        return fault


class FarWorkshop(Workshop):
    """Of one benchmark in a process of a cluster."""

    def __init__(self, terms: Terms) -> None:
        import platformdirs

        self.terms = terms
        self.problems: dict[str, Problem] = {}
        """What was worked on here, by id."""
        self.environment = environment_of(Path(terms.home), os.environ)
        self.backends = Registry((*OURS.values(), REPLAY))
        self._number: int | None = None
        self._trees: dict[Tree, str] = {}
        super().__init__(
            self._opened,
            self._judge,
            backends=self.backends,
            environment=self.environment,
            path=Path(terms.path),
            redaction=secrets_of(terms.models, self.backends, self.environment),
            refusals=cast("RefusalBook", _Far()),
            preflights=platformdirs.user_cache_path("pytest-koderz") / "preflight",
        )

    def check_place(self, problem: Problem) -> None:
        """Raises InfrastructureError where its repository is not the client's: tests may say something else there."""
        fault = "" if problem.place is None else self.fault_of_tree((problem.place.root, problem.place.digest))
        if fault:
            raise InfrastructureError(f"{platform.node()}: {fault}")

    def fault_of_tree(self, tree: Tree) -> str:
        """How a repository differs from the client's. Empty: it does not."""
        if tree not in self._trees:
            root, digest = Path(tree[0]), tree[1]
            what = "is not there" if not root.is_dir() else "" if digest_of_tree(root) == digest else "differs there"
            self._trees[tree] = what and f"repository '{root}' {what}"
        return self._trees[tree]

    def _opened(self, model: ModelSettings, role: Role) -> Model | None:  # noqa: ARG002 - as the hook is called
        backend = self.backends.get(model.backend)
        if backend is None:
            return None
        backend.prepare(model, _say)
        if self._number is None:
            self._number = _contact.get().ask("number")
        around = Surroundings(
            environment=self.environment, worker=self._number, problems=self.problems, notify=_say, sleep=_sleep
        )
        return backend.opened(model, around)

    def _judge(self) -> Sandbox:
        from pytest_koderz.sandbox import open_sandbox

        terms = self.terms
        return open_sandbox(
            timeout=terms.timeout, memory_limit=terms.memory_mb << 20, strict=terms.strict, draws=terms.draws
        )


_workshops: dict[str, FarWorkshop] = {}
_opening = Lock()


def workshop_of(terms: Terms) -> FarWorkshop:
    """This process's, opened with the first experiment of the benchmark."""
    with _opening:
        if terms.benchmark_id not in _workshops:
            _workshops[terms.benchmark_id] = FarWorkshop(terms)
        return _workshops[terms.benchmark_id]


def close_workshop(benchmark_id: str) -> None:
    with _opening:
        shop = _workshops.pop(benchmark_id, None)
    if shop is not None:
        shop.close()


def _say(text: str) -> None:
    _contact.get().ask("say", text)


def _sleep(seconds: float) -> None:
    """Raises OutOfBudget as soon as the run is stopped."""
    until = time.monotonic() + seconds
    while True:
        if _contact.get().stopping():
            raise OutOfBudget("the run was stopped")
        left = until - time.monotonic()
        if left <= 0:
            return
        time.sleep(min(left, LOOK))


class _Far:
    """What the client has: whatever is asked or told of it goes there by the same name."""

    def __init__(self, *of: object) -> None:
        """*of* says which one, where there are several."""
        self._of = of

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return partial(_contact.get().ask, name, *self._of)


class _FarWorld(_Far):
    """The World of an attempt."""

    def __init__(self) -> None:
        super().__init__()
        self.admissions: dict[str, Callable[[Prompt], None]] = {}

    def before_call(self, experiment: Experiment, role: Role, prompt: Prompt) -> None:
        if experiment.id in self.admissions:
            self.admissions[experiment.id](prompt)
        number = _contact.get().ask("before_call", experiment, role, prompt)
        meter.set(None if number is None else cast("Meter", _Far(number)))


class _FarLimits:
    """Kept by the client, for all machines together."""

    def __init__(self, terms: Terms) -> None:
        self._elsewhere = platform.node() != terms.machine

    def called(self, host: str) -> str:
        return f"{host} at {platform.node()}" if self._elsewhere and _LOOPBACK.search(host) else host

    def taken(self, folder: str, places: int) -> Callable[[], None] | None:
        contact = _contact.get()
        number = contact.ask("taken", folder, places)
        return None if number is None else lambda: contact.ask("give_back", number)

    def until_free(self, folder: str, per_minute: int) -> float:
        return float(_contact.get().ask("until_free", folder, per_minute))


_LOOPBACK = re.compile(r"//(localhost|127\.|\[::1\])")
