"""pytest in pytest: a benchmark as a user runs it, in a process and a folder of its own."""

from __future__ import annotations

import signal
from collections.abc import Callable

import pytest

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # As in a shell's background job: the runs that these tests interrupt would inherit it.
    signal.signal(signal.SIGINT, signal.default_int_handler)

Run = Callable[..., pytest.RunResult]


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run pytest with *arguments* in an empty folder, without any key in the environment; in CI lines are not cut.

    Nothing is compiled anew in each run, and hypothesis, which these runs do not use, is not imported.
    """
    for name in ("ANTHROPIC_API_KEY", "OLLAMA_HOST", "CORTEX_PATH", "CI", "BUILD_NUMBER", "PYTHONDONTWRITEBYTECODE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p no:hypothesispytest")
    monkeypatch.setenv("COLUMNS", "100")
    return pytester.runpytest_subprocess


@pytest.fixture
def simulate(run: Run) -> Run:
    """The same with the simulated profile."""

    def simulated(*arguments: str) -> pytest.RunResult:
        return run("--koderz", "--koderz-profile", "simulated", *arguments)

    return simulated


@pytest.fixture
def forgetful(simulate: Run, pytester: pytest.Pytester) -> Run:
    """The same without cortex, whose start takes longer than a small benchmark does."""
    (pytester.path / "koderz.yaml").write_text("cortex: {enabled: false}\n")
    return simulate
