"""Where a lock of the judge is missing, the user is told, once."""

from __future__ import annotations

import pytest

from tests.conftest import Run

JUDGE = """
from pytest_koderz.sandbox import open_sandbox
from pytest_koderz.sandbox.supervisor import Levels


class Halfway:
    levels = Levels("process-separated", "partial", ("landlock",))

    def __init__(self):
        self.judge = open_sandbox()

    def __call__(self, *arguments):
        return self.judge(*arguments)

    def close(self):
        self.judge.close()


def pytest_koderz_open_sandbox():
    return Halfway()
"""


@pytest.mark.parametrize("workers", [(), pytest.param(("-n", "2"), marks=pytest.mark.slow)], ids=["plain", "workers"])
def test_a_missing_lock_is_named_in_header_and_summary(
    workers: tuple[str, ...], forgetful: Run, pytester: pytest.Pytester
) -> None:
    """One line each, however many processes there are; the run goes on."""
    pytester.makeconftest(JUDGE)
    result = forgetful("--koderz-problems", "0-1", "--koderz-arm", "frontier-only", *workers)
    text = result.stdout.str()
    assert text.count("sandbox: process-separated, partial, missing landlock;") == 1
    assert text.count("warning: the judge lacks landlock on this system") == 1
    assert result.parseoutcomes()["passed"] > 0


SUITE = """
from pytest_koderz.core.problem import Problem


def pytest_koderz_load_problems(suite):
    if suite.name == "mixed.yaml":
        beside = Problem("P/1", "Write f.", "f", "def check(candidate): pass\\n", isolation="in-process")
        return [beside, Problem("P/2", "Write f.", "f", "def check(candidate): pass\\n")]
"""


def test_what_is_judged_in_process_is_told_once_it_is_known(forgetful: Run, pytester: pytest.Pytester) -> None:
    """The header comes before any suite is read."""
    pytester.makeconftest(SUITE)
    (pytester.path / "mixed.yaml").touch()
    result = forgetful("mixed.yaml", "--collect-only")
    result.stdout.fnmatch_lines(["*1 problem judged in-process: tests that need the candidate's own module"])
