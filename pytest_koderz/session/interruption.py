"""A run that is ended from outside, by Ctrl-C, SIGTERM or SIGHUP: its summary is shown all the same."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any, NoReturn

import pytest

from .context import BenchmarkRun

Handler = Callable[[int, FrameType | None], None]

STOPPING = (signal.SIGTERM, signal.SIGHUP)
"""What batch systems and closed terminals send; by itself it ends a process on the spot."""


def register(run: BenchmarkRun) -> None:
    if not run.is_worker:
        run.register(Interruption(run.config), "interruption")


class Interruption:
    """On the controller. A first signal ends the session, a second one what is still done at its end."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._before: dict[signal.Signals, Any] = {}
        if threading.current_thread() is threading.main_thread():  # elsewhere Python sets no handlers
            config.add_cleanup(self._restore)
            for number in STOPPING:
                # One that is ignored, as with nohup, stays so.
                self._take(number, _interrupt, only_from=signal.SIG_DFL)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> Iterator[None]:
        """What pytest and others make of the interruption must not keep the session from its end.

        In Python 3.11 a signal can come where a frame has no line, which pytest cannot show.
        """
        self._take_further()
        try:
            yield
        except BaseException:  # noqa: BLE001 - a second signal, too
            self._tell_terminal(excinfo.value)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        """From here on pytest would show a traceback for a Ctrl-C."""
        self._take_further()

    @pytest.hookimpl(tryfirst=True)
    def pytest_unconfigure(self) -> None:
        """Nothing is left that would be worth a word."""
        for number in self._before:
            signal.signal(number, signal.SIG_DFL)

    def _take_further(self) -> None:
        """The end of the session is under way: what comes now ends that."""
        self._take(signal.SIGINT, _exit, only_from=signal.default_int_handler)
        for number in STOPPING:
            self._take(number, _exit, only_from=_interrupt)

    def _take(self, number: signal.Signals, handler: Handler, *, only_from: object) -> None:
        in_main = threading.current_thread() is threading.main_thread()
        if in_main and signal.getsignal(number) is only_from:
            before = signal.signal(number, handler)
            self._before.setdefault(number, before)

    def _restore(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _tell_terminal(self, reason: BaseException) -> None:
        """At its end it shows an interruption that it was told of, and fails where it was not."""
        reporter = self._config.pluginmanager.get_plugin("terminalreporter")
        if reporter is not None:
            # The same, from a frame that has a line.
            with pytest.raises(BaseException) as told:  # noqa: PT011 - whatever it was
                _raise(type(reason)(*reason.args))
            reporter.pytest_keyboard_interrupt(told)


def _raise(reason: BaseException) -> NoReturn:
    raise reason from None


def _interrupt(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - as signal calls it
    raise KeyboardInterrupt(f"stopped by {signal.Signals(number).name}")


def _exit(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - as signal calls it
    # The one thing that pytest takes quietly at the end of a session.
    pytest.exit(f"stopped by {signal.Signals(number).name}")
