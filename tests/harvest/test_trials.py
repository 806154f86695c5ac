"""Versions of a function, tried in one process that has collected the tests before."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pytest_koderz.core.errors import SandboxFault
from pytest_koderz.core.place import FunctionPlace, ModuleText
from pytest_koderz.harvest.trying import Versions
from pytest_koderz.sandbox.repository_tests import Repository
from pytest_koderz.sandbox.repository_trials import TrialsBench

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
        words = bench.tried(repository.path_of("smallthings.py"), "clamp", versions, dict.fromkeys(ids, 0.5))
    assert words == ["passed", "refused", "refused", "refused", "untried", "passed"]


def test_what_cannot_be_collected_keeps_no_other_test_from_being_tried(tmp_path: Path) -> None:
    root = small_repository(tmp_path)
    (root / "tests" / "test_broken.py").write_text("import nosuchthing\n")
    ids = clamp_problem(Path("small")).tests.split()
    try:
        repository = Repository(FunctionPlace(str(root), "", "", ""), 1 << 30)
    except SandboxFault as fault:
        pytest.skip(str(fault))
    try:
        with repository.bench(["tests/test_broken.py::test_it", *ids]) as bench:
            limits = dict.fromkeys(ids, 0.5)
            assert bench.tried(repository.path_of("smallthings.py"), "clamp", [MODULE], limits) == ["passed"]
    finally:
        repository.close()


def test_what_cannot_be_collected_of_a_file_is_no_failure_of_its_tests(tmp_path: Path) -> None:
    root = small_repository(tmp_path)
    (root / "pyproject.toml").write_text('[tool.pytest.ini_options]\nfilterwarnings = ["error"]\n')
    with (root / "tests" / "test_smallthings.py").open("a") as tests:
        tests.write("\n\nclass TestOdd:\n    def __init__(self):\n        pass\n")
    problem = clamp_problem(root)
    assert problem.place is not None
    try:
        repository = Repository(problem.place, 1 << 30)
    except SandboxFault as fault:
        pytest.skip(str(fault))
    try:
        for candidate, outcome in (
            (ModuleText(MODULE).text_of("clamp"), "passed"),
            ("def clamp(*a): return 3", "wrong"),
        ):
            run = repository.judge(problem.place, candidate, problem.tests, 0, 20)
            assert run.answer is not None
            assert run.answer["outcome"] == outcome, run
    finally:
        repository.close()


class _Failing:
    """A repository whose processes that have collected the tests are of no use."""

    def path_of(self, file: str) -> str:
        return file

    def bench(self, ids: list[str]) -> TrialsBench:
        raise SandboxFault(f"no process for {ids[0]}")


def test_what_is_tried_the_slow_way_is_told_with_the_reason() -> None:
    """The first function of each reason by name, the others counted; after some faults nobody tries again."""
    notes: list[str] = []
    repository: Any = _Failing()
    with Versions(repository, {"test": 0.1}, 1, notes.append) as versions:
        found = [versions.passing("a.py", f"f{number}", "", ["x"], ["test"]) for number in range(7)]
    assert found == [[None]] * 7
    slow, failed = "in processes of their own: ", "3 processes that have collected all tests have failed"
    assert notes == [
        "f0 is tried in processes of its own, which takes longer: no process for test",
        f"f4 is tried in processes of its own, which takes longer: {failed}",
        f"4 functions were tried {slow}no process for test",
        f"3 functions were tried {slow}{failed}",
    ]


def test_a_function_whose_code_cannot_be_exchanged_is_named(repository: Repository) -> None:
    """No process has failed then."""
    notes: list[str] = []
    ids = clamp_problem(Path("small")).tests.split()
    with Versions(repository, dict.fromkeys(ids, 0.1), 1, notes.append) as versions:
        assert versions.passing("smallthings.py", "nosuch", MODULE, [MODULE], ids) == [None]
    slow = "nosuch is tried in processes of its own, which takes longer"
    assert notes == [f"{slow}: its code cannot be exchanged once its module is imported"]


DRAWN = """\
import time
from datetime import timedelta

from hypothesis import given, settings, strategies
from smallthings import clamp

seen = []


@settings(deadline=timedelta(milliseconds=1), max_examples=5)
@given(strategies.integers())
def test_drawn(value):
    time.sleep(0.01)
    seen.append(value)
    assert clamp(value, 1, 3) in (1, 2, 3)
"""


def test_no_clock_of_hypothesis_refuses_a_candidate(tmp_path: Path) -> None:
    """A busy machine, or looking at all that a candidate does, takes longer than a test allows for an example."""
    pytest.importorskip("hypothesis")
    root = small_repository(tmp_path)
    (root / "tests" / "test_drawn.py").write_text(DRAWN)
    place = FunctionPlace(str(root), "", "smallthings.py", "clamp")
    try:
        repository = Repository(place, 1 << 30)
    except SandboxFault as fault:
        pytest.skip(str(fault))
    try:
        run = repository.judge(place, ModuleText(MODULE).text_of("clamp"), "tests/test_drawn.py::test_drawn\n", 0, 20)
        assert run.answer is not None
        assert run.answer["outcome"] == "passed", run
    finally:
        repository.close()
