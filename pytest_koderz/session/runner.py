"""The part of a benchmark that runs in one process."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest

from pytest_koderz.core.arm import Arm, Role
from pytest_koderz.core.errors import JournalFault, KoderzError, OutOfBudget
from pytest_koderz.core.experiment import Advice, Experiment, Guidance, Spec, Status, experiment_id, seed_of
from pytest_koderz.core.iteration import Iteration, StopReason
from pytest_koderz.core.money import Ledger, Spending
from pytest_koderz.core.ports import Prompt, Reply, Sandbox
from pytest_koderz.core.problem import Problem
from pytest_koderz.files.usage_error import UsageError
from pytest_koderz.records.codec import Malformed, plain
from pytest_koderz.records.recorded import Past, Recorded
from pytest_koderz.records.redacted_values import redacted
from pytest_koderz.settings import Settings

from .refusals import Refusals
from .secrets_of_run import redaction_of
from .workshop import Workshop

NOTHING_RECORDED = Recorded()

Solving = Callable[[Experiment, Problem, Arm, Past, "Hooks"], Experiment]
"""Raises KoderzError and UsageError where nothing was asked yet."""


class Benchmark:
    """Runs experiments, in this process unless an engine takes them elsewhere."""

    def __init__(
        self, config: pytest.Config, settings: Settings, benchmark_id: str, recorded: Recorded = NOTHING_RECORDED
    ) -> None:
        """*recorded* is what this benchmark did before it was resumed."""
        self.config = config
        self.settings = settings
        self.id = benchmark_id
        self.recorded = recorded
        self.redaction = redaction_of(settings)
        self.hooks = Hooks(config)
        self.problems: dict[str, Problem] = {}
        """What was collected, by id."""
        self.stopping = threading.Event()
        """Set where what waits for a server is to end."""
        self.refusals = Refusals(settings.folder / benchmark_id / "refusals")
        self.admit: Callable[[str], str] = lambda _: ""
        """Why no experiment on the problem of that id is begun; empty where one may be."""
        self.workshop = Workshop(
            partial(config.hook.pytest_koderz_open_model, config=config),
            partial(config.hook.pytest_koderz_open_sandbox, config=config),
            backends=settings.backends,
            environment=settings.environment,
            path=settings.path,
            redaction=self.redaction,
            refusals=self.refusals,
            preflights=settings.folder / "preflight",
        )
        self.solve: Solving = self.workshop.solved
        """By which an experiment is worked on."""
        self._began: dict[str, float] = {}
        """By experiment: when it began in this process."""

    def run(self, problem: Problem, arm: Arm, epoch: int) -> Experiment:
        """The experiment, ended, without a secret in it; a settled one as it is recorded.

        Raises nothing but what stops the session.
        """
        start = self._start(problem, arm, epoch)
        self._began[start.id] = time.monotonic()
        self.hooks.begin(start)
        try:
            return redacted(self._run(start, problem, arm), self.redaction)
        except pytest.fail.Exception as stop:
            return self.stopped(problem, arm, epoch, str(stop))

    def stopped(self, problem: Problem, arm: Arm, epoch: int, why: str) -> Experiment:
        """The experiment as far as it came, ended from outside, such as by pytest-timeout."""
        start = self._start(problem, arm, epoch)
        self.hooks.at_work.pop(start.id, None)
        record = self.hooks.unreported.get(start.id, start)
        if record.status is Status.RUNNING:
            record = self._told(record.ended(Status.INVALID, self._seconds(record), f"stopped: {why}"))
        return redacted(record, self.redaction)

    def take_over(self, recorded: Recorded) -> None:
        """Go on with what others had begun that are gone; what this process is charged for, it knows."""
        mine = {key: runs for key, runs in self.recorded.experiments.items() if key in self.hooks.charged}
        others = {key: runs for key, runs in recorded.experiments.items() if key not in self.hooks.charged}
        self.recorded = replace(self.recorded, experiments=mine | others)

    def unreported(self) -> list[Experiment]:
        """What was begun here, but no report tells of it: the session was interrupted."""
        latest = [redacted(one, self.redaction) for one in list(self.hooks.unreported.values())]
        timed = [replace(one, seconds=one.seconds or self._seconds(one)) for one in latest]
        return [one.with_charged(self._charged(one)) for one in timed]

    def _charged(self, experiment: Experiment) -> Ledger:
        """For all attempts at it that this process knows of: recorded ones, and those that it made."""
        return self.recorded.charged(experiment.id) + self.hooks.charged.get(experiment.id, Ledger())

    def sleep(self, seconds: float) -> None:
        """Raises OutOfBudget as soon as the run is stopped: a thread cannot be interrupted."""
        if self.stopping.wait(seconds):
            raise OutOfBudget("the run was stopped")

    def _seconds(self, experiment: Experiment) -> float:
        now = time.monotonic()
        return now - self._began.get(experiment.id, now)

    def _run(self, start: Experiment, problem: Problem, arm: Arm) -> Experiment:
        try:
            past = self._past(start, problem, arm)
            if past.settled is not None:
                return past.settled.with_charged(self._charged(start))
            start = replace(start, started=past.started or start.started)
            self.hooks.tell("pytest_koderz_began", start, problem=problem, arm=arm)
            ended = self.solve(start, problem, arm, past, self.hooks)
        except OutOfBudget as stop:
            return self._told(start.ended(Status.SKIPPED, 0.0, str(stop)))
        except (KoderzError, UsageError) as fault:
            return self._told(start.ended(Status.INVALID, 0.0, str(fault)))
        return self._told(ended) if self.hooks.is_at_work(ended) else ended

    def sandbox(self) -> Sandbox:
        """The judge of this process. Raises SandboxFault when nobody offers one."""
        return self.workshop.sandbox()

    def sandbox_words(self) -> str:
        """The judge's levels in words; a judge of a user's own may have none. Raises UsageError where it refuses."""
        levels = getattr(self.sandbox(), "levels", None)
        if levels is None:
            return "of your own"
        words = f"{levels.isolation}, {levels.host}"
        if not levels.missing:
            return words
        lacking = ", ".join(levels.missing)
        self.hooks.complaints[f"the judge lacks {lacking} on this system"] += 1
        return f"{words}, missing {lacking}"

    def close(self) -> None:
        self.workshop.close()

    def _past(self, start: Experiment, problem: Problem, arm: Arm) -> Past:
        """What is recorded under the same conditions; what is recorded under others is named, and left alone."""
        changed = self.recorded.changes(start.id, problem, arm)
        if changed:
            self.hooks.complaints[f"run anew with arm '{arm.name}', since it changed: {'; '.join(changed)}"] += 1
        return self.recorded.past(start.id, problem, arm)

    def run_key(self, experiment_id: str, problem: Problem, arm: Arm) -> str | None:
        """For the journal: what stands for these conditions there already."""
        return self.recorded.run_key(experiment_id, problem, arm)

    def _told(self, ended: Experiment) -> Experiment:
        """*ended*; invalid where its end cannot be recorded."""
        ended = _as_far_as_it_can_be_kept(ended.with_charged(self._charged(ended)))
        try:
            self.hooks.tell("pytest_koderz_ended", ended)
        except JournalFault as fault:
            return ended.ended(Status.INVALID, ended.seconds, ended.reason or str(fault))
        return ended

    def _start(self, problem: Problem, arm: Arm, epoch: int) -> Experiment:
        return Experiment(
            id=experiment_id(self.id, problem.id, arm.name, epoch),
            problem_id=problem.id,
            arm=arm.name,
            epoch=epoch,
            benchmark_id=self.id,
            seed=seed_of(problem.id, arm.name, epoch),
            started=datetime.now(UTC).isoformat(timespec="milliseconds"),
            prompt_version=arm.prompt_set.version,
            traits=problem.traits,
        )


def _as_far_as_it_can_be_kept(ended: Experiment) -> Experiment:
    """*ended*; without what happened in it where a plugin's model or judge gave values that no record can hold."""
    try:
        plain(ended)
    except Malformed as fault:
        bare = replace(ended, spec=None, iterations=(), checkpoints=(), advice=(), graded=None, ledger=Ledger())
        return bare.ended(Status.INVALID, 0.0, f"what no record can hold was given: {fault}")
    return ended


_attempt: ContextVar[object | None] = ContextVar("attempt", default=None)
"""That of this thread at an experiment."""


class Hooks:
    """Our hooks as the core sees them: a memory, and a listener whose observers cannot hurt."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.complaints: Counter[str] = Counter()
        """What observers raised, and how often."""
        self.unreported: dict[str, Experiment] = {}
        """By id: the latest record of each experiment that began here and that no report carries yet."""
        self.charged: dict[str, Ledger] = {}
        """By id: what was charged in this process, in all attempts."""
        self.at_work: dict[str, object] = {}
        """By id: the attempt that is under way. Another one was ended from outside, and makes no further call, also
        where a plugin has the experiment run again meanwhile.
        """
        self.admissions: dict[str, Callable[[Prompt], None]] = {}
        """By id: what is asked before a call."""

    def keep(self, experiment: Experiment) -> None:
        self.unreported[experiment.id] = experiment

    def tell(self, name: str, experiment: Experiment, **values: object) -> None:
        """`observe` a step of an experiment of this process."""
        self.keep(experiment)
        self.observe(name, experiment=experiment, **values)

    def begin(self, experiment: Experiment) -> None:
        """From now on this thread, and whoever works in a copy of its context, is the one at work at it."""
        self.at_work[experiment.id] = attempt = object()
        _attempt.set(attempt)

    def is_at_work(self, experiment: Experiment) -> bool:
        """Whether it is done by the attempt that is under way."""
        attempt = _attempt.get()
        return attempt is not None and self.at_work.get(experiment.id) is attempt

    def hand_over(self) -> dict[str, int]:
        """The complaints since the last time, as plain data for the controller."""
        complaints, self.complaints = dict(self.complaints), Counter()
        return complaints

    def observe(self, name: str, **values: object) -> None:
        """Call each implementation on its own. What it raises becomes a complaint, unless it stops the session.

        A journal that cannot be written stops the experiment: what is paid for from then on would be lost.
        """
        manager = self.config.pluginmanager
        implementers = [impl.plugin for impl in getattr(self.config.hook, name).get_hookimpls()]
        for plugin in reversed(implementers):  # as pluggy does, so that tryfirst and trylast mean what they say
            alone = manager.subset_hook_caller(name, [other for other in implementers if other is not plugin])
            try:
                alone(config=self.config, **values)
            except (pytest.exit.Exception, JournalFault):
                raise
            except Exception as error:  # noqa: BLE001 - an observer may raise anything
                who = manager.get_name(plugin) or type(plugin).__name__
                self.complaints[f"{name} of {who} raised {type(error).__name__}: {error}"] += 1

    def complain(self, what: str) -> None:
        self.complaints[what] += 1

    def ask(self, name: str, **values: object) -> Any:
        """The first answer of a memory's hook; None, with a complaint, where it raises."""
        try:
            return getattr(self.config.hook, name)(config=self.config, **values)
        except Exception as error:  # noqa: BLE001 - a memory may raise anything
            self.complaints[f"{name} raised {type(error).__name__}: {error}"] += 1
            return None

    def recall_spec(self, experiment: Experiment, problem: Problem, arm: Arm) -> Spec | None:
        spec: Spec | None = self.ask("pytest_koderz_recall_spec", experiment=experiment, problem=problem, arm=arm)
        return spec

    def recall_iterations(self, experiment: Experiment, limit: int) -> Sequence[Iteration] | None:
        found: Sequence[Iteration] | None = self.ask(
            "pytest_koderz_recall_iterations", experiment=experiment, limit=limit
        )
        return found

    def recall_guidance(self, experiment: Experiment) -> Sequence[Advice] | None:
        found: Sequence[Advice] | None = self.ask("pytest_koderz_recall_guidance", experiment=experiment)
        return found

    def before_call(self, experiment: Experiment, role: Role, prompt: Prompt) -> None:
        """Raises OutOfBudget for whatever a guard raises: a guard that raises does its job; and ModelUnavailable."""
        if not self.is_at_work(experiment):
            raise OutOfBudget("it was stopped")
        self.keep(experiment)
        if experiment.id in self.admissions:
            self.admissions[experiment.id](prompt)
        try:
            self.config.hook.pytest_koderz_before_call(
                config=self.config, experiment=experiment, role=role, prompt=prompt
            )
        except (OutOfBudget, pytest.exit.Exception):
            raise
        except (pytest.skip.Exception, Exception) as refusal:
            raise OutOfBudget(str(refusal) or type(refusal).__name__) from refusal

    def called(self, experiment: Experiment, role: Role, prompt: Prompt, reply: Reply, spending: Spending) -> None:
        self.charged[experiment.id] = self.charged.get(experiment.id, Ledger()) + spending
        self.tell("pytest_koderz_called", experiment, role=role, prompt=prompt, reply=reply, spending=spending)
        for warning in reply.warnings:
            self.complaints[f"{reply.model_id}: {warning}"] += 1
        if role in (Role.SPEC, Role.CHECKPOINT) and reply.stop_reason is not StopReason.END:
            self.complaints[f"{reply.model_id}: a reply as {role} ended early: {reply.stop_reason}"] += 1

    def spec_written(self, experiment: Experiment, spec: Spec) -> None:
        self.tell("pytest_koderz_spec_written", experiment, spec=spec)

    def iterated(self, experiment: Experiment, iteration: Iteration) -> None:
        self.tell("pytest_koderz_iterated", experiment, iteration=iteration)

    def advised(self, experiment: Experiment, advice: Advice) -> None:
        self.tell("pytest_koderz_advised", experiment, advice=advice)

    def checkpointed(self, experiment: Experiment, guidance: Guidance) -> None:
        self.tell("pytest_koderz_checkpointed", experiment, guidance=guidance)
