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
