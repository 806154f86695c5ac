"""Versions of a function, tried in one process that has collected the tests before."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_koderz.core.errors import SandboxFault
from pytest_koderz.core.place import FunctionPlace, ModuleText
from pytest_koderz.sandbox.repository_tests import Repository

from .worlds import MODULE, clamp_problem, small_repository


@pytest.fixture
def repository(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Repository]:
    root = small_repository(tmp_path_factory.mktemp("small"))
    try:
        repository = Repository(FunctionPlace(str(root), "", "", ""), 1 << 30)
    except SandboxFault as fault:
        pytest.skip(str(fault))
    yield repository
    repository.close()


def test_each_version_is_tried_as_if_it_were_alone(repository: Repository) -> None:
    """What hangs or ends its process is refused; what fits no function is told apart; others are as they were."""
    module = ModuleText(MODULE)
    head = "def clamp(value, low, high):\n"
    hangs = module.filled("clamp", head + "    while True:\n        pass\n").source
    exits = module.filled("clamp", head + "    raise SystemExit(0)\n").source
    other = MODULE.replace("def clamp(", "def clasp(")
    versions = [MODULE, module.emptied("clamp"), hangs, exits, other, MODULE]
    ids = clamp_problem(Path("small")).tests.split()
    with repository.bench(ids) as bench:
        words = bench.tried(repository.path_of("smallthings.py"), "clamp", versions, ids, 0.5)
    assert words == ["passed", "refused", "refused", "refused", "untried", "passed"]
