"""Several experiments in flight in one process."""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, Any

import pytest

from .option_types import count_or_auto
from .worker_messages import LOST, number_of_workers

if TYPE_CHECKING:  # a session without --koderz reads the options alone
    from collections.abc import Callable, Iterator
    from concurrent.futures import Executor, Future
    from pathlib import Path

    from pytest_koderz.core.experiment import Experiment

    from .context import BenchmarkRun
    from .items import ExperimentItem
    from .runner import Benchmark


def add_options(group: pytest.OptionGroup) -> None:
    words = "Keep N experiments in flight, in each process; auto: as many as the servers have slots for."
    group.addoption("--koderz-jobs", metavar="N", type=count_or_auto, help=words)


def register(run: BenchmarkRun) -> None:
    """In the process that runs the items; with workers of xdist in each of them, and their scheduler beside them.

    Raises UsageError for an xdist that cannot do that.
    """
    number = run.settings.jobs
    if number < 2 and run.settings.executor is None:
        return
    if run.is_worker:
        run.register(WorkerJobs(run.benchmark, number, run.folder), "jobs")
    elif number_of_workers(run.config):
        _check_xdist()
        run.register(SeveralEach(number), "jobs")
    else:
        run.register(Jobs(run.benchmark, number), "jobs")


def _check_xdist() -> None:
    from pytest_koderz.files.usage_error import UsageError

    try:
        from . import worker_queue  # noqa: F401 - whether it can be
    except ImportError:
        raise UsageError("--koderz-jobs: with -n it needs pytest-xdist 3.6 or later, or 1 job per worker") from None


class Jobs:
    """Starts experiments ahead of their items: an item's body then waits for its own.

    The outcomes come in the order of the items. Ctrl-C and `-x` cancel what has not started; what is in flight ends
    with its next call to a model, or at once where it waits for a server, and can be resumed.
    """

    def __init__(self, benchmark: Benchmark, number: int) -> None:
        self._benchmark = benchmark
        self._number = number
        self._begun: list[Future[Experiment]] = []

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Iterator[None]:
        from .items import ExperimentItem

        option = session.config.option
        idle = option.collectonly or (session.testsfailed and not option.continue_on_collection_errors)
        with self._pool() as pool:
            for item in [] if idle else session.items:
                if isinstance(item, ExperimentItem):
                    item.started = pool.submit(item.run_in, self._benchmark)
                    self._begun.append(item.started)
            return (yield)

    @contextmanager
    def _pool(self) -> Iterator[Executor]:
        """Whatever is in flight when it is left ends with its next call."""
        from concurrent.futures import ThreadPoolExecutor

        from .speaking import say

        with ThreadPoolExecutor(self._number, "koderz-job") as pool:
            try:
                yield pool
            finally:
                self._benchmark.stopping.set()
                pool.shutdown(wait=False, cancel_futures=True)
                running = sum(future.running() for future in self._begun)
                if running:
                    words = f"stopping: what is in flight ({running}) is paid for, and ends first"
                    say(self._benchmark.config, f"{words}; Ctrl-C again does not wait")

    @pytest.hookimpl(tryfirst=True)
    def pytest_koderz_before_call(self) -> None:
        from .workshop import Stopped

        if self._benchmark.stopping.is_set():
            raise Stopped


class WorkerJobs(Jobs):
    """In a worker of xdist: begins what the worker is handed, as soon as it is."""

    def __init__(self, benchmark: Benchmark, number: int, folder: Path) -> None:
        """*folder* has the journals of all workers."""
        super().__init__(benchmark, number)
        self._folder = folder
        self._lost = 0
        self._reading = Lock()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Iterator[None]:
        with self._pool() as pool:
            _let_begin(session, partial(self._start, pool))
            return (yield)

    def _start(self, pool: Executor, item: pytest.Item) -> Future[Experiment] | None:
        """None for a test of a user's own, which is only run."""
        from .items import ExperimentItem

        if not isinstance(item, ExperimentItem) or self._benchmark.stopping.is_set():
            return None
        item.started = pool.submit(self._run, item)
        return item.started

    def _run(self, item: ExperimentItem) -> Experiment:
        """A worker that was lost had several experiments in flight: what it paid for is not paid for again."""
        from pytest_koderz.records.recorded import read_folder

        with self._reading:
            lost = _size_of(self._folder / LOST)
            if lost > self._lost:
                self._benchmark.take_over(read_folder(self._folder))
                self._lost = lost
        return item.run_in(self._benchmark)


def _size_of(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _let_begin(session: pytest.Session, begin: Callable[[pytest.Item], Future[Experiment] | None]) -> None:
    """Put a queue in the place of the worker's, which nobody uses before the loop begins."""
    from .worker_queue import EagerQueue

    futures: dict[int, Future[Experiment]] = {}

    def begun(number: int) -> Future[Experiment] | None:
        future = begin(session.items[number])
        if future is not None:
            futures[number] = future
        return future

    def ended(number: int) -> bool:
        return number not in futures or futures[number].done()

    # Of no class that could be imported: xdist sends the source of its worker.
    (worker,) = (one for one in session.config.pluginmanager.get_plugins() if hasattr(one, "torun"))
    worker.torun = EagerQueue(begun, ended)


class SeveralEach:
    """On the controller of xdist."""

    def __init__(self, number: int) -> None:
        self._number = number

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_make_scheduler(self, config: pytest.Config, log: Any) -> Any:
        """For `load` and `worksteal`; what a user groups otherwise stays in its groups."""
        from .worker_queue import JobsScheduling

        if config.getvalue("dist") not in {"load", "worksteal"}:
            return None
        return JobsScheduling(config, log, self._number)
