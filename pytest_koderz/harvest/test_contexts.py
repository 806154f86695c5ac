"""A pytest plugin that has coverage.py note which lines each test runs; it is loaded in a process of its own.

The environment tells it what to measure and where to leave what it found.
"""

from __future__ import annotations

import json
import os
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

SOURCE, OUT = "KODERZ_HARVEST_SOURCE", "KODERZ_HARVEST_OUT"


class Contexts:
    """Each test is a context, from its fixtures to their end."""

    def __init__(self, source: str) -> None:
        import coverage

        self._coverage = coverage.Coverage(data_file=None, source=[source], config_file=False, messages=False)
        self._coverage.start()
        self.passed: set[str] = set()
        self.spoilt: dict[str, str] = {}
        """Why, by node id: a test's or, where it cannot be collected, its file's."""

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, Any, Any]:
        self._coverage.switch_context(item.nodeid if isinstance(item, pytest.Function) else "")
        result = yield
        self._coverage.switch_context("")
        return result

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        good = report.passed and not hasattr(report, "wasxfail")
        if not good:
            self.spoilt.setdefault(report.nodeid, _why(report) if report.failed else "")
        elif report.when == "call":
            self.passed.add(report.nodeid)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.spoilt[report.nodeid] = _why(report)

    def found(self) -> dict[str, Any]:
        """How many tests passed, why others did not, and the lines."""
        faults = {name: why for name, why in self.spoilt.items() if why}
        return {"passed": len(self.passed - self.spoilt.keys()), "faults": faults, "lines": self._lines()}

    def _lines(self) -> dict[str, dict[str, list[int]]]:
        """By file and passed test the lines that it ran, and by an empty name those that ran outside of all tests."""
        self._coverage.stop()
        data = self._coverage.get_data()
        good, files = (self.passed - self.spoilt.keys()) | {""}, {}
        for file in data.measured_files():
            tests: dict[str, list[int]] = {}
            for line, contexts in data.contexts_by_lineno(file).items():
                for context in good.intersection(contexts):
                    tests.setdefault(context, []).append(line)
            files[file] = tests
        return files


def _why(report: pytest.TestReport | pytest.CollectReport) -> str:
    """The last line of what pytest marks as the error."""
    lines = [line.strip() for line in str(report.longrepr).splitlines() if line.strip()]
    marked = [line[1:].strip() for line in lines if line.startswith("E ")]
    return (marked or lines or ["it says nothing"])[-1][:200]


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Contexts(os.environ[SOURCE]), "koderz-contexts")


def pytest_unconfigure(config: pytest.Config) -> None:
    contexts = config.pluginmanager.get_plugin("koderz-contexts")
    if contexts is not None:
        Path(os.environ[OUT]).write_text(json.dumps(contexts.found()), encoding="utf-8")
