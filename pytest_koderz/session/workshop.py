"""What experiments are worked on with in one process: the models of their arms, opened, and the judge."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from pytest_koderz.backends.backend import Environment, RedactedModel, Registry
from pytest_koderz.backends.redaction import Redactor
from pytest_koderz.core.arm import Arm, ModelSettings, Role
from pytest_koderz.core.errors import InfrastructureError, ModelUnavailable, SandboxFault
from pytest_koderz.core.experiment import Experiment
from pytest_koderz.core.loop import solve
from pytest_koderz.core.ports import Listener, Memory, Model, Prompt, Sandbox
from pytest_koderz.core.problem import Problem
from pytest_koderz.files.nearest import nearest
from pytest_koderz.files.secret_values import Redaction
from pytest_koderz.records.recorded import Past
from pytest_koderz.records.resumed_world import ResumedWorld

from .refusals import Players, RefusalBook, WatchedModel


class Stopped(BaseException):
    """The run ends: an experiment under way is left as it is, as Ctrl-C leaves one where there are no jobs.

    No refusal: nobody has skipped it.
    """


class World(Memory, Listener, Protocol):
    """What an experiment asks and tells of its benchmark."""

    admissions: dict[str, Callable[[Prompt], None]]
    """By experiment: what is asked before a call."""

    def keep(self, experiment: Experiment) -> None:
        """Take the latest record, of which nobody else hears."""
        ...

    def complain(self, what: str) -> None: ...


class Workshop:
    """Models and judge are opened when first needed, and closed at the end. Several threads may use it."""

    def __init__(
        self,
        open_model: Callable[..., Model | None],
        open_sandbox: Callable[[], Sandbox | None],
        *,
        backends: Registry,
        environment: Environment,
        path: Path,
        redaction: Redaction,
        refusals: RefusalBook,
        preflights: Path,
    ) -> None:
        """*open_model* takes `model` and `role`; *path* is that of koderz.yaml, and *preflights* a folder where it is
        kept what the judge was found fit for.
        """
        self._open_model = open_model
        self._open_sandbox = open_sandbox
        self._backends = backends
        self._environment = environment
        self._path = path
        self._redaction = redaction
        self._refusals = refusals
        self._preflights = preflights
        self._models: dict[str, WatchedModel] = {}
        self._sandbox: Sandbox | None = None
        self._lock = threading.Lock()
        self._trials: dict[str, threading.Lock] = {}
        """By problem: held while the judge is tried on it."""

    def solved(self, start: Experiment, problem: Problem, arm: Arm, past: Past, world: World) -> Experiment:
        """The experiment, ended. Raises KoderzError and UsageError where nothing was asked yet."""
        sandbox = self.sandbox()
        self._check(problem, sandbox, world)
        crew = self._crew(arm)
        world.admissions[start.id] = _admission(arm, crew)

        def doubt(why: str) -> None:
            world.complain(f"a candidate of {start.problem_id}[{start.arm}] was {why}")

        resumed = ResumedWorld(past, world, world, world.keep, doubt)
        judge = resumed.sandbox(sandbox)
        ended = solve(start, problem, arm, resumed.crew(crew), judge, resumed, resumed, resumed.clock)
        world.admissions.pop(start.id, None)
        return ended

    def sandbox(self) -> Sandbox:
        """The judge of this process. Raises SandboxFault when nobody offers one."""
        with self._lock:
            if self._sandbox is None:
                self._sandbox = self._open_sandbox()
            if self._sandbox is None:
                raise SandboxFault("no plugin offers a sandbox")
            return self._sandbox

    def close(self) -> None:
        for opened in (*self._models.values(), self._sandbox):
            close: Callable[[], None] | None = getattr(opened, "close", None)
            if close is not None:
                close()

    def _check(self, problem: Problem, sandbox: Sandbox, world: World) -> None:
        """Before anything is spent on *problem*: the judge must tell its known answer from known cheats.

        Several arms begin with the same problem: one finds it out, and the others are told.
        """
        from pytest_koderz.sandbox.preflight import preflight

        with self._lock:
            trial = self._trials.setdefault(problem.id, threading.Lock())
        with trial:
            reason = preflight(sandbox, [problem], self._preflights, notify=world.complain)[problem.id]
        if reason is not None:
            raise InfrastructureError(f"{problem.id} cannot be judged here: {reason}")

    def _crew(self, arm: Arm) -> dict[Role, Players]:
        """Raises ModelUnavailable, before anything is spent, for a model that is known to refuse or to be dead."""
        crew = {role: Players() for role in arm.models}
        for role, settings in arm.cast:
            crew[role].models[settings.name] = self._model(settings, role)
        paid = {settings.name for _, settings in arm.cast if _costs(settings)}
        for players in crew.values():
            players.admit(lambda name: bool(paid - {name}))
        return crew

    def _model(self, settings: ModelSettings, role: Role) -> WatchedModel:
        with self._lock:
            if settings.name not in self._models:
                opened = self._open_model(model=settings, role=role)
                if opened is None:
                    place = f"{self._path}: models.{settings.name}.backend"
                    near = nearest(settings.backend, self._backends)
                    raise ModelUnavailable(f"{place}: no back end named '{settings.backend}'{near}")
                # Whoever opened it: what goes to a server may be shown, and so may what comes from one.
                redact = Redactor(*self._redaction.secrets)
                model = RedactedModel(opened, redact) if redact else opened
                self._models[settings.name] = WatchedModel(model, self._key(settings), self._refusals)
            return self._models[settings.name]

    def _key(self, settings: ModelSettings) -> str:
        """Other servers may have what these lack."""
        service = self._backends.of(settings).service
        asked = () if service is None else service.urls(settings, self._environment)
        return " ".join((settings.name, *asked))


def _admission(arm: Arm, crew: Mapping[Role, Players]) -> Callable[[Prompt], None]:
    """Lets no prompt be paid for while any model of the arm could not answer. Raises ModelUnavailable."""

    def admit(prompt: Prompt) -> None:
        asked = arm.asked(prompt.role, prompt.model)
        for players in crew.values() if _costs(asked) else ():
            players.admit(lambda name: name != asked.name)

    return admit


def _costs(settings: ModelSettings) -> bool:
    """Whether asking it is paid for, as far as is known."""
    return settings.price is None or bool(settings.price.input or settings.price.output)
