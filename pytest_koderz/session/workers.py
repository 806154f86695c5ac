"""pytest-xdist: the run as its controller hands it out to workers."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from pytest_koderz.files.usage_error import UsageError

from .context import BenchmarkRun
from .speaking import uncaptured
from .worker_messages import LOST, MISTAKE, told_by


def register(run: BenchmarkRun) -> None:
    """Raises UsageError for `--dist each`."""
    config = run.config
    if run.is_worker or config.option.collectonly or config.getoption("dist", default="no") == "no":
        return
    if config.option.dist == "each":
        what = "each worker would run, and pay for, every experiment; share them with --dist load"
        raise UsageError(f"--dist each: {what}, or have independent runs with --koderz-epochs")
    _schedule_one_by_one(config)
    run.register(Workers(run), "workers")


class Workers:
    """On the controller of xdist."""

    def __init__(self, run: BenchmarkRun) -> None:
        self._run = run
        self._mistake: str | None = None

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        node.workerinput["koderz"] = {
            "benchmark": self._run.id,
            "root": str(self._run.root),
            "draws": self._run.draws,
            "jobs": self._run.settings.jobs,
        }

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:
        self._mistake = told_by(node, MISTAKE) or self._mistake
        if error is not None and self._run.folder.is_dir():
            # Before what it had begun is handed on.
            with (self._run.folder / LOST).open("ab") as lost:
                lost.write(b".")

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """A user's mistake that shows when all is collected, as pytest says it where there is no xdist."""
        if self._mistake is not None:
            session.exitstatus = pytest.ExitCode.USAGE_ERROR
            with uncaptured(session.config):
                print(f"ERROR: {self._mistake}", file=sys.stderr)  # noqa: T201 - pytest's own way


def _schedule_one_by_one(config: pytest.Config) -> None:
    """xdist keeps a batch of items per worker; experiments are long, so that workers would wait for each other."""
    if config.getoption("maxschedchunk", default=None) is None and hasattr(config.option, "maxschedchunk"):
        config.option.maxschedchunk = 1
