"""The status that is shown while a run goes on, in whichever process has the terminal."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from pytest_koderz.core.arm import Role
from pytest_koderz.core.experiment import Experiment
from pytest_koderz.records.follower import Follower
from pytest_koderz.reporters.live_terminal import LiveTerminal
from pytest_koderz.reporters.status_line import Waiting, longest_silent, running_lines, status_line

from .context import BenchmarkRun
from .speaking import shown, status_key

TICK, LINE = 1.0, 60.0
"""Seconds between two looks, on a terminal and where lines are added."""


def register(run: BenchmarkRun, reporter: pytest.TerminalReporter) -> None:
    """Not for -qq, which asks for silence."""
    if reporter.verbosity > -2 and not run.config.option.collectonly:
        status = LiveStatus(run, reporter)
        run.register(status, "status")
        run.config.add_cleanup(status.close)


class LiveStatus:
    """Wiped away whenever pytest writes; a thread shows it again."""

    def __init__(self, run: BenchmarkRun, reporter: pytest.TerminalReporter) -> None:
        config = run.config
        # What tests print goes straight to the terminal with -s, and would run into the status.
        overwriting = bool(reporter.isatty) and config.option.capture != "no" and os.environ.get("TERM") != "dumb"
        self._run = run
        self._whole = reporter.verbosity > 0
        self._overwriting = overwriting
        self._terminal = LiveTerminal(reporter, overwriting=overwriting)
        self._pause = TICK if overwriting else LINE
        self._calls = OpenCalls(run)
        run.register(self._calls, "open-calls")
        run.register(Pauses(self._terminal), "pauses")
        self._ended = threading.Event()
        config.stash[status_key] = self._terminal.paused

    def close(self) -> None:
        self._ended.set()
        self._terminal.close()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self) -> Iterator[None]:
        follower = Follower(self._run.folder, time.time())
        thread = threading.Thread(target=partial(self._look, follower), name="koderz-status", daemon=True)
        thread.start()
        try:
            return (yield)
        finally:
            self.close()
            thread.join()

    def _look(self, follower: Follower) -> None:
        while not self._ended.wait(self._pause):
            self.tick(follower, time.time())

    def tick(self, follower: Follower, now: float) -> None:
        """Show how far it is, once anything has begun."""
        course = follower.course()
        if not (course.running or course.done) or self._ended.is_set():
            return
        run = self._run
        # Among other lines it must say whose it is; beneath them it needs its columns.
        lines = [f"{'' if self._overwriting else 'koderz: '}{run.mark}{status_line(course, now)}"]
        waiting = dict(self._calls.waiting)
        told = course if self._whole else replace(course, running=longest_silent(course, now, waiting))
        lines += [f"  {run.mark}{line}" for line in running_lines(told, now, waiting)]
        self._terminal.show([shown(run.config, line) for line in lines])


class OpenCalls:
    """The calls of this process that wait for an answer."""

    def __init__(self, run: BenchmarkRun) -> None:
        self._run = run
        self.waiting: dict[str, Waiting] = {}
        """By experiment."""

    def pytest_koderz_before_call(self, experiment: Experiment, role: Role) -> None:
        arm = next((arm for arm in self._run.settings.arms if arm.name == experiment.arm), None)
        model = None if arm is None else arm.model_of(role)
        self.waiting[experiment.id] = Waiting(str(role) if model is None else model.name, time.time())

    def pytest_koderz_called(self, experiment: Experiment) -> None:
        self.waiting.pop(experiment.id, None)

    def pytest_koderz_ended(self, experiment: Experiment) -> None:
        self.waiting.pop(experiment.id, None)


class Pauses:
    """No status is shown where pytest and xdist write."""

    def __init__(self, terminal: LiveTerminal) -> None:
        self._terminal = terminal

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_logstart(self) -> Iterator[None]:
        with self._terminal.paused():
            return (yield)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_logreport(self) -> Iterator[None]:
        with self._terminal.paused():
            return (yield)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_logfinish(self) -> Iterator[None]:
        with self._terminal.paused():
            return (yield)

    @pytest.hookimpl(wrapper=True, tryfirst=True, optionalhook=True)
    def pytest_testnodedown(self) -> Iterator[Any]:
        with self._terminal.paused():
            return (yield)

    @pytest.hookimpl(wrapper=True, tryfirst=True, optionalhook=True)
    def pytest_testnodeready(self) -> Iterator[Any]:
        with self._terminal.paused():
            return (yield)
