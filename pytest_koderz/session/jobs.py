"""Several experiments in flight in one process."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .option_types import count

if TYPE_CHECKING:  # a session without --koderz reads the options alone
    from collections.abc import Iterator

    from .context import BenchmarkRun
    from .runner import Benchmark


def add_options(group: pytest.OptionGroup) -> None:
    group.addoption("--koderz-jobs", metavar="N", type=count, help="Keep N experiments in flight, in one process.")


def register(run: BenchmarkRun) -> None:
    """Raises UsageError where xdist's workers run side by side already."""
    from pytest_koderz.files.usage_error import UsageError

    from .worker_messages import number_of_workers

    number = run.settings.jobs
    if number < 2:
        return
    if number_of_workers(run.config):
        raise UsageError("--koderz-jobs: is for one process; with -n the workers run side by side, give one of the two")
    if not run.is_worker:
        run.register(Jobs(run.benchmark, number), "jobs")


class _Stopped(BaseException):
    """The run ends: an experiment under way is left as it is, as Ctrl-C leaves one where there are no jobs.

    No refusal: nobody has skipped it.
    """


class Jobs:
    """Starts experiments ahead of their items: an item's body then waits for its own.

    The outcomes come in the order of the items. Ctrl-C and `-x` cancel what has not started; what is in flight ends
    with its next call to a model, or at once where it waits for a server, and can be resumed.
    """

    def __init__(self, benchmark: Benchmark, number: int) -> None:
        self._benchmark = benchmark
        self._number = number

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Iterator[None]:
        from concurrent.futures import ThreadPoolExecutor

        from .items import ExperimentItem

        option = session.config.option
        idle = option.collectonly or (session.testsfailed and not option.continue_on_collection_errors)
        with ThreadPoolExecutor(self._number, "koderz-job") as pool:
            try:
                for item in [] if idle else session.items:
                    if isinstance(item, ExperimentItem):
                        item.started = pool.submit(item.run_in, self._benchmark)
                return (yield)
            finally:
                self._benchmark.stopping.set()
                pool.shutdown(wait=False, cancel_futures=True)

    @pytest.hookimpl(tryfirst=True)
    def pytest_koderz_before_call(self) -> None:
        if self._benchmark.stopping.is_set():
            raise _Stopped
