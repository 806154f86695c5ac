"""`--koderz-executor`: experiments run on a cluster that is already there."""

from __future__ import annotations

import platform
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from .worker_messages import number_of_workers

if TYPE_CHECKING:  # a session without --koderz reads the options alone
    from pytest_koderz.core.arm import Arm
    from pytest_koderz.core.experiment import Experiment
    from pytest_koderz.core.problem import Problem
    from pytest_koderz.records.recorded import Past

    from .cluster.dask_engine import DaskEngine
    from .cluster.orders import Engine, Order, Terms
    from .context import BenchmarkRun
    from .runner import Hooks

DASK = "dask"
_ADDRESSES = ("dask://", "tcp://", "tls://", "ucx://")


def add_options(group: pytest.OptionGroup) -> None:
    words = "Run experiments on a Dask cluster: dask://HOST:PORT, or dask for one of this machine."
    group.addoption("--koderz-executor", metavar="WHERE", help=words)


def register(run: BenchmarkRun) -> BenchmarkRun:
    """*run*, with what the cluster says of it: how many jobs, where nobody else does, and what answers for the models.

    Raises UsageError.
    """
    name = run.settings.executor
    if name is None or run.config.option.collectonly:
        return run
    check(run, name)
    executor = Executor(run, name)
    run.benchmark.solve = executor.solved
    run.register(executor, "executor")
    return executor.told(run)


def check(run: BenchmarkRun, name: str) -> None:
    """Raises UsageError for what a cluster cannot do."""
    from pytest_koderz.backends import OURS
    from pytest_koderz.backends.http.hosts import password_in
    from pytest_koderz.files.usage_error import UsageError

    from .replay import BACKEND

    if run.is_worker or number_of_workers(run.config):
        raise UsageError("--koderz-executor: not together with -n; --koderz-jobs says how many are in flight")
    if _is_dasks(name):
        try:
            import distributed  # noqa: F401 - whether it is there
        except ImportError:
            what = 'Dask is not installed; run `python -m pip install "pytest-koderz[dask]"`'
            raise UsageError(f"--koderz-executor: {what}") from None
    for model in run.settings.models:
        if model.backend not in (*OURS, BACKEND.name):
            what = f"its back end '{model.backend}' is a plugin's, which workers of a cluster do not have"
            raise UsageError(f"--koderz-executor: model '{model.name}': {what}")
        if any(password_in(host if "://" in host else f"http://{host}") for host in model.hosts):
            what = "a password in its hosts would travel; name them in the environment of the workers"
            raise UsageError(f"--koderz-executor: model '{model.name}': {what}")
    for hook in (run.config.hook.pytest_koderz_open_model, run.config.hook.pytest_koderz_open_sandbox):
        if any(not impl.trylast for impl in hook.get_hookimpls()):
            what = f"{hook.name} of a plugin is not asked on the workers of a cluster; run without it"
            raise UsageError(f"--koderz-executor: {what}")


def _is_dasks(name: str) -> bool:
    return name == DASK or name.startswith(_ADDRESSES)


class Executor:
    """Has an engine work on the experiments of this process, and answers what they ask."""

    def __init__(self, run: BenchmarkRun, name: str) -> None:
        from .cluster.desk import Desk

        self._run = run
        self.stopping = run.benchmark.stopping
        self.refusals = run.benchmark.refusals
        self.say = run.say
        self.complain = run.benchmark.hooks.complain
        self._desk = Desk(self)
        self._terms = _terms_of(run)
        self._dask: DaskEngine | None = None
        self._engine = self._opened(name)

    def _opened(self, name: str) -> Engine:
        """Raises UsageError."""
        from pytest_koderz.files.usage_error import UsageError

        run = self._run
        if _is_dasks(name):
            from .cluster.dask_engine import DaskEngine

            jobs = None if run.settings.leaves_jobs else run.settings.jobs
            self._dask = DaskEngine(name, self._terms, self._desk, jobs)
            return self._dask
        engine: Engine | None = run.config.hook.pytest_koderz_open_engine(
            config=run.config, name=name, send=self._desk.answer
        )
        if engine is None:
            known = "dask, dask://HOST:PORT, tcp://HOST:PORT or a plugin's name"
            raise UsageError(f"--koderz-executor: nothing is known of '{name}'; it is {known}")
        return engine

    def told(self, run: BenchmarkRun) -> BenchmarkRun:
        """*run* with what is known of the cluster."""
        from .start_checks import with_identities

        settings = run.settings
        if settings.leaves_jobs or (settings.chooses_jobs and not settings.asks_servers):
            why = "as many as the cluster takes at once" if settings.chooses_jobs else ""
            settings = replace(settings, jobs=self._engine.jobs, why_jobs=why)
        if self._dask is not None and not settings.asks_servers:
            settings = with_identities(settings, self._dask.identities())
        return run.with_settings(settings)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """What is read from a worker's own disk must be the client's."""
        from pytest_koderz.files.usage_error import UsageError

        from .shards import problem_id_of

        chosen = {problem_id_of(item) for item in session.items}
        places = [one.place for one in self._run.benchmark.problems.values() if one.place and one.id in chosen]
        if self._dask is None or not places:
            return
        try:
            self._dask.inspect(frozenset((place.root, place.digest) for place in places))
        except UsageError as fault:
            raise pytest.UsageError(str(fault)) from None

    def solved(self, start: Experiment, problem: Problem, arm: Arm, past: Past, world: Hooks) -> Experiment:
        """As a workshop does it."""
        from .cluster.orders import Order

        order = Order(start, problem, arm, self._terms)
        with self._desk.taking(order, past, world) as matter:
            return matter.ended(self._engine.run(order))

    def lost(self, experiment: Experiment) -> None:
        self._run.benchmark.hooks.observe("pytest_koderz_lost", experiment=experiment)

    def past_of(self, order: Order) -> Past:
        from pytest_koderz.records.recorded import read_folder

        journal: Any = self._run.config.pluginmanager.get_plugin("koderz-journal")
        with journal.still():
            recorded = read_folder(self._run.folder)
        return recorded.past(order.start.id, order.problem, order.arm)

    @pytest.hookimpl(trylast=True)
    def pytest_unconfigure(self) -> None:
        """What is under way ends with its next call; what that is answered is recorded before the journal closes."""
        from .cluster.far_world import close_workshop

        self.stopping.set()
        self._desk.settle()
        self._engine.close()
        close_workshop(self._run.id)


def _terms_of(run: BenchmarkRun) -> Terms:
    from pytest_koderz.settings import shipped_path

    from .cluster.inspection import words_of
    from .cluster.orders import Terms

    settings, limits = run.settings, run.settings.sandbox
    shipped = settings.path == shipped_path("koderz.yaml")
    return Terms(
        benchmark_id=run.id,
        machine=platform.node(),
        path=str(settings.path),
        home=str(run.root if shipped else settings.path.parent),
        models=settings.models,
        timeout=limits.timeout,
        memory_mb=limits.memory_mb,
        strict=limits.strict,
        draws=run.draws,
        judge=words_of(run.benchmark.sandbox()),
    )
