"""Several experiments in flight in one process."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from pytest_koderz.core.errors import OutOfBudget
from pytest_koderz.files.usage_error import UsageError

from .items import ExperimentItem
from .runner import Benchmark


class Jobs:
    """Starts experiments ahead of their items: an item's body then waits for its own.

    The outcomes come in the order of the items. Ctrl-C and `-x` cancel what has not started; what is in flight ends
    with its next call to a model, and can be resumed.
    """

    def __init__(self, benchmark: Benchmark, number: int) -> None:
        self._benchmark = benchmark
        self._number = number
        self._stopping = Event()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Iterator[None]:
        option = session.config.option
        idle = option.collectonly or (session.testsfailed and not option.continue_on_collection_errors)
        with ThreadPoolExecutor(self._number, "koderz-job") as pool:
            try:
                for item in [] if idle else session.items:
                    if isinstance(item, ExperimentItem):
                        item.started = pool.submit(self._benchmark.run, item.problem, item.arm, item.epoch)
                return (yield)
            finally:
                self._stopping.set()
                pool.shutdown(wait=False, cancel_futures=True)

    @pytest.hookimpl(tryfirst=True)
    def pytest_koderz_before_call(self) -> None:
        if self._stopping.is_set():
            raise OutOfBudget("the run was stopped")


def check_jobs(config: pytest.Config, number: int) -> None:
    """Raises UsageError for what cannot be done."""
    if number > 1 and config.getoption("numprocesses", default=None):
        raise UsageError("--koderz-jobs: is for one process; with -n the workers run side by side, give one of the two")
