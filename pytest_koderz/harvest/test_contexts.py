"""A pytest plugin that has coverage.py note which lines each test runs; it is loaded in a process of its own.

The environment tells it what to measure and where to leave what it found.
"""

from __future__ import annotations

import inspect
import json
import os
import textwrap
from collections.abc import Generator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from pytest_koderz.sandbox.drawn_tests import steady

_PLAIN = (str, bytes, int, float, bool, type(None))
_LONGEST_VALUE = 400
"""Characters."""
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
        self.made: dict[str, str] = {}
        """Texts of tests that no file has as they are: functions have made them."""

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        steady(items)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, Any, Any]:
        if isinstance(item, pytest.Function) and (text := _made_text(item)):
            self.made[item.nodeid] = text
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
        passed = len(self.passed - self.spoilt.keys())
        return {"passed": passed, "faults": faults, "made": self.made, "lines": self._lines()}

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


def _made_text(item: pytest.Function) -> str:
    """Of a test within another function, with the plain values that it has of that; empty of others."""
    function = getattr(item.obj, "__func__", item.obj)
    code = getattr(function, "__code__", None)
    if code is None or not code.co_flags & inspect.CO_NESTED:
        return ""
    with suppress(OSError, TypeError, ValueError):  # it has no text, or a value is not there yet
        values = zip(code.co_freevars, (cell.cell_contents for cell in function.__closure__ or ()), strict=True)
        told = [f"# {name} = {value!r}"[:_LONGEST_VALUE] for name, value in values if isinstance(value, _PLAIN)]
        return "\n".join([f"# {item.name}", *told, textwrap.dedent(inspect.getsource(function))])
    return ""


def _why(report: pytest.TestReport | pytest.CollectReport) -> str:
    """The first line of the error, or where pytest has none the last of what it marks as one."""
    if crash := getattr(report.longrepr, "reprcrash", None):
        return next(iter(crash.message.splitlines()), "")[:200] or "it says nothing"
    lines = [line.strip() for line in str(report.longrepr).splitlines() if line.strip()]
    marked = [line[1:].strip() for line in lines if line.startswith("E ")]
    return (marked or lines or ["it says nothing"])[-1][:200]


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Contexts(os.environ[SOURCE]), "koderz-contexts")


def pytest_unconfigure(config: pytest.Config) -> None:
    contexts = config.pluginmanager.get_plugin("koderz-contexts")
    if contexts is not None:
        Path(os.environ[OUT]).write_text(json.dumps(contexts.found()), encoding="utf-8")
