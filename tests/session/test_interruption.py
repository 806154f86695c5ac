"""Ctrl-C, SIGTERM and SIGHUP: the summary is shown however the run is ended."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator

import pytest

from pytest_koderz.session.interruption import Interruption
from tests.conftest import Run

STOPPING = """
import os, signal

def without_lines():
    raise KeyboardInterrupt

without_lines.__code__ = without_lines.__code__.replace(co_linetable=b"")

def pytest_koderz_called(experiment):
    if experiment.problem_id == "HumanEval/1":
        {how}
"""
CHOSEN = ("--koderz-problems", "0-2", "--koderz-arm", "frontier-only", "--tb=no")


def test_an_interruption_that_pytest_cannot_show(forgetful: Run, pytester: pytest.Pytester) -> None:
    """Where it hit a frame without a line, as Python 3.11 has them: summary, way to go on and status are there."""
    pytester.makeconftest(STOPPING.format(how="without_lines()"))
    result = forgetful(*CHOSEN)
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["*= SIMULATED koderz bench_* =*", "go on with: *", "!* KeyboardInterrupt !*"])


def test_a_second_ctrl_c_during_the_summary_shows_no_traceback(forgetful: Run, pytester: pytest.Pytester) -> None:
    """The rest of the summary is left out, and the status stays."""
    again = "\ndef pytest_koderz_summary():\n    signal.raise_signal(signal.SIGINT)\n"
    pytester.makeconftest(STOPPING.format(how="raise KeyboardInterrupt") + again)
    result = forgetful(*CHOSEN, "--koderz-json", "r.json")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert result.errlines == ["Exit: stopped by SIGINT"]
    assert (pytester.path / "r.json").exists()


class Cleanups:
    """A config as far as handlers need it."""

    def __init__(self) -> None:
        self.cleanups: list[Callable[[], None]] = []

    def add_cleanup(self, cleanup: Callable[[], None]) -> None:
        self.cleanups.append(cleanup)


@pytest.fixture
def config() -> Iterator[Cleanups]:
    """Afterwards all handlers must be what they were."""
    watched = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.getsignal(number) for number in watched}
    for number in watched[1:]:
        signal.signal(number, signal.SIG_DFL)
    config = Cleanups()
    try:
        yield config
        for cleanup in config.cleanups:
            cleanup()
        assert [signal.getsignal(number) for number in watched[1:]] == [signal.SIG_DFL] * 2
        assert signal.getsignal(signal.SIGINT) == before[signal.SIGINT]
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_first_signal_interrupts_and_a_second_one_ends_the_end(number: signal.Signals, config: Cleanups) -> None:
    """As Ctrl-C does, with a word on what it was."""
    interruption = Interruption(config)  # type: ignore[arg-type]
    with pytest.raises(KeyboardInterrupt, match=f"stopped by {number.name}"):
        signal.raise_signal(number)
    interruption.pytest_sessionfinish()
    with pytest.raises(pytest.exit.Exception, match=f"stopped by {number.name}"):
        signal.raise_signal(number)
    interruption.pytest_unconfigure()
    assert signal.getsignal(number) == signal.SIG_DFL


def test_what_is_ignored_stays_so(config: Cleanups) -> None:
    """As with nohup."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    Interruption(config)  # type: ignore[arg-type]
    assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_a_batch_system_has_its_summary(
    number: signal.Signals,
    workers: tuple[str, ...],
    run_apart: Run,
    pytester: pytest.Pytester,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """From the journals, with the way to go on."""
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)  # where this test runs in a worker itself
    (pytester.path / "koderz.yaml").write_text("cortex: {enabled: false}\n")
    whom = "os.getppid() if 'PYTEST_XDIST_WORKER' in os.environ else os.getpid()"
    pytester.makeconftest(STOPPING.format(how=f"os.kill({whom}, signal.{number.name}); signal.pause()"))
    result = run_apart("--koderz", "--koderz-profile", "simulated", *CHOSEN, *workers)
    assert result.ret == pytest.ExitCode.INTERRUPTED
    wanted = ["*not counted: 1 unfinished*", "go on with: *", f"!* KeyboardInterrupt: stopped by {number.name} !*"]
    result.stdout.fnmatch_lines(wanted)
