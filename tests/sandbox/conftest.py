"""One judge for all tests of this room, and the problems of HumanEval."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pytest_koderz.core.problem import Problem
from pytest_koderz.sandbox import open_sandbox
from pytest_koderz.sandbox.supervisor import Judge

from .worlds import humaneval


@pytest.fixture(scope="session")
def problems() -> dict[str, Problem]:
    return humaneval()


@pytest.fixture(scope="session")
def judge() -> Iterator[Judge]:
    with open_sandbox(timeout=2.0) as opened:
        yield opened
