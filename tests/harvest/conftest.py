"""What several modules of this folder need."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pytest_koderz.sandbox import open_sandbox
from pytest_koderz.sandbox.supervisor import Judge


@pytest.fixture(scope="module")
def judge() -> Iterator[Judge]:
    with open_sandbox() as judge:
        if "private mounts" in judge.levels.missing:
            pytest.skip("needs mounts of its own")
        yield judge
