"""What pytest tells of each test of a candidate, kept as it is told: a plugin of its own."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING, Any

import pytest

from .drawn_tests import steady

if TYPE_CHECKING:
    from .watched_run import WatchedRun

_MOST_FAILURES = 5
_LONGEST = 1500


class Witness:
    """Runs the tests *ids* alone, in this order, and keeps what is reported of them."""

    def __init__(self, ids: Sequence[str], path: str, watch: WatchedRun | None, *, first: bool = False) -> None:
        """*first*: the first test that fails is the last one. What cannot be collected is no test."""
        self._ids = ids
        self._first = first
        self._path = path
        self._watch = watch
        self._words: dict[str, str] = {}
        self._phases: dict[str, set[str]] = {}
        self._seconds: dict[str, float] = {}
        self._failures: list[dict[str, Any]] = []
        self._where: dict[str, str] = {}
        self.ended = False

    def told(self) -> dict[str, Any]:
        """Plain data: of each test its word and seconds, and the first failures."""
        tests = [[name, self._words[name], round(self._seconds.get(name, 0.0), 6)] for name in self._words]
        return {"tests": tests, "failures": self._failures[:_MOST_FAILURES]}

    def word_of(self, name: str) -> str | None:
        """Of a test that has come to its end."""
        return self._words.get(name)

    def broken(self, words: str) -> None:
        self._keep("", words.splitlines()[0], words, words)

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self) -> None:
        if self._watch:
            self._watch.collecting()

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        known = {item.nodeid: item for item in items}
        items[:] = [known[name] for name in self._ids if name in known]
        steady(items)
        if self._watch:
            self._watch.collected({id(getattr(item, "module", None)): item for item in items}.values())

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self._fail(report.nodeid, report)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, Any, Any]:
        result = yield
        if self._first and self._words.get(item.nodeid) == "failed":
            item.session.shouldfail = "one test has failed"
        return result

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
        report = yield
        if call.excinfo is not None and report.failed:
            lines = [str(entry.statement).strip() for entry in call.excinfo.traceback if str(entry.path) == self._path]
            self._where[report.nodeid] = lines[-1] if lines else ""
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        name = report.nodeid
        if report.when == "call":
            self._seconds[name] = report.duration
        if report.failed:
            self._words[name] = "failed"
            self._fail(name, report)
        elif report.skipped or hasattr(report, "wasxfail"):
            self._words.setdefault(name, "skipped")
        else:
            phases = self._phases.setdefault(name, set())
            phases.add(report.when)
            if phases == {"setup", "call", "teardown"}:
                self._words.setdefault(name, "passed")

    def pytest_sessionfinish(self) -> None:
        self.ended = True

    def _fail(self, name: str, report: Any) -> None:
        crash = getattr(report.longrepr, "reprcrash", None)
        message = crash.message if crash else str(report.longrepr)
        lines = [line for line in str(report.longrepr).splitlines() if line[:1] in (">", "E")]
        self._keep(name, message, "\n".join(line for line in lines if line[0] == "E"), self._where.get(name, ""))

    def _keep(self, name: str, message: str, explanation: str, where: str) -> None:
        if len(self._failures) >= _MOST_FAILURES:
            return
        first = next(iter(message.splitlines()), "") or "it failed"
        wrong = message.startswith(("AssertionError", "assert ", "Failed"))
        told = f"{first[:400]} (at `{where[:200]}`)" if where and not wrong else first[:400]
        self._failures.append(
            {
                "summary": told,
                "assertion": name[:_LONGEST] or None,
                "explanation": explanation[:_LONGEST] or None,
                "exception": None if wrong else first[:_LONGEST],
                "line": None,
            }
        )
