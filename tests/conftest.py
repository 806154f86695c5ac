"""pytest in pytest: a benchmark as a user runs it, in a process and a folder of its own."""

from __future__ import annotations

from collections.abc import Callable

import pytest

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
