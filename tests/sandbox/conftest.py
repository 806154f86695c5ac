"""One judge for all tests of this room, and the problems of HumanEval."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pytest_koderz.core.problem import Problem
from pytest_koderz.sandbox import open_sandbox
from pytest_koderz.sandbox.supervisor import Judge

from .worlds import NO_MOUNTS, humaneval, zygotes_that_begin_with


@pytest.fixture(scope="session")
def problems() -> dict[str, Problem]:
    return humaneval()


@pytest.fixture
def plain_judge() -> Iterator[Judge]:
    """As on a system where nobody may have mounts of his own."""
    with zygotes_that_begin_with(NO_MOUNTS), open_sandbox(timeout=2.0) as opened:
        yield opened


@pytest.fixture(scope="session")
def judge() -> Iterator[Judge]:
    with open_sandbox(timeout=2.0) as opened:
        yield opened
