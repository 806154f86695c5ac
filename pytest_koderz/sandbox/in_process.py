"""Tests that need the candidate's own module, run beside it in the one locked child; what they say could be forged."""

from __future__ import annotations

import sys
import unittest
from collections.abc import Callable, Mapping
from types import ModuleType, TracebackType
from typing import Any

from .channel import Channel
from .child import given_to, line_of, load
from .draws import seed_draws

_MOST_FAILURES = 5
_LONGEST = 2000
_ExcInfo = tuple[type[BaseException], BaseException, TracebackType] | tuple[None, None, None]


def serve(channel: Channel) -> None:
    """Run the one set of tests that arrives, and send what came of it."""
    answer = _run(*channel.recv())
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    channel.send(answer)
    channel.recv()  # to be measured while it lives; the supervisor never answers


def _run(preamble: str, source: str, tests: str, entry_point: str, seed: int) -> dict[str, Any]:
    record = _UnittestRecord()
    try:
        module = load(preamble, source)
        before = dict(vars(module))
        seed_draws(seed, tests)
        exec(compile(tests, "<tests>", "exec", dont_inherit=True), vars(module))  # noqa: S102 - the dataset's own tests
        suite = _suite_of(_added(module, before), lambda: vars(module)[entry_point])
    except BaseException as error:  # noqa: BLE001 - sys.exit() is the candidate's doing as well
        record.keep(None, error)
        return record.answer(ended=True)
    suite.run(record)
    return record.answer(ended=False)


def _added(module: ModuleType, before: Mapping[str, object]) -> ModuleType:
    """What the tests have defined: a candidate's own test cases, if it has some, are not what it is judged by."""
    added = ModuleType("tests")
    missing = object()
    vars(added).update({name: value for name, value in vars(module).items() if before.get(name, missing) is not value})
    return added


def _suite_of(tests: ModuleType, candidate: Callable[[], object]) -> unittest.TestSuite:
    suite = unittest.defaultTestLoader.loadTestsFromModule(tests)
    check = vars(tests).get("check")
    if suite.countTestCases() == 0 and callable(check):
        suite.addTest(unittest.FunctionTestCase(lambda: check(*given_to(check, candidate()))))
    return suite


class _UnittestRecord(unittest.TestResult):
    """Counts tests as assertions, and keeps the first failures."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: list[dict[str, Any]] = []
        self.good = 0
        self.bad = 0
        self.outcome = ""

    def addSuccess(self, test: unittest.TestCase) -> None:  # noqa: ARG002, N802 - unittest asks for it
        self.good += 1

    def addFailure(self, test: unittest.TestCase, err: _ExcInfo) -> None:  # noqa: N802 - unittest's own naming
        self.keep(test, err[1])

    def addError(self, test: unittest.TestCase, err: _ExcInfo) -> None:  # noqa: N802 - unittest's own naming
        self.keep(test, err[1])

    def addSkip(self, test: unittest.TestCase, reason: str) -> None:  # noqa: N802 - unittest's own naming
        """The tests may be marked to be skipped; what is raised while they run may be the candidate's."""
        method = getattr(test, getattr(test, "_testMethodName", ""), None)
        if not any(getattr(marked, "__unittest_skip__", False) for marked in (test, method)):
            self.keep(test, unittest.SkipTest(reason))

    def addSubTest(self, test: unittest.TestCase, subtest: unittest.TestCase, err: _ExcInfo | None) -> None:  # noqa: ARG002, N802 - as above
        if err is not None:
            self.keep(subtest, err[1])

    def keep(self, test: unittest.TestCase | None, error: BaseException | None) -> None:
        self.bad += 1
        wrong = isinstance(error, AssertionError)
        self.outcome = self.outcome or ("wrong" if wrong else "crashed")
        if len(self.kept) < _MOST_FAILURES:
            self.kept.append(_failure(test, error, wrong))

    def answer(self, *, ended: bool) -> dict[str, Any]:
        passed = self.good > 0 and not self.bad and not ended
        return {
            "outcome": "passed" if passed else self.outcome or "wrong",
            "passed": self.good,
            "total": None if ended else self.good + self.bad,
            "failures": self.kept,
        }


def _failure(test: unittest.TestCase | None, error: BaseException | None, wrong: bool) -> dict[str, Any]:
    text = f"{type(error).__name__}: {error}"[:_LONGEST]
    line = None if error is None else line_of(error)
    where = "" if line is None or wrong else f" (line {line})"
    return {
        "summary": text.splitlines()[0][:500] + where,
        "assertion": None if test is None else test.id().rpartition(".")[2],
        "explanation": text if wrong else None,
        "exception": None if wrong else text,
        "line": line,
    }
