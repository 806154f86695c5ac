"""From a repository to a suite, and what becomes of the suite."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from unittest.mock import Mock

import pytest

from pytest_koderz.core.function_traits import FunctionTraits
from pytest_koderz.core.iteration import Candidate
from pytest_koderz.core.place import FunctionPlace, ModuleText
from pytest_koderz.core.problem import Problem
from pytest_koderz.datasets import load_suite
from pytest_koderz.files.source_tree import digest_of_tree
from pytest_koderz.files.usage_error import UsageError
from pytest_koderz.harvest import function_trials, harvesting
from pytest_koderz.harvest.code_files import modules_of
from pytest_koderz.harvest.covered_functions import functions_of_import
from pytest_koderz.harvest.covered_functions import tested_lines as run_under_coverage
from pytest_koderz.harvest.covered_functions import tests_by_function as found_tests
from pytest_koderz.harvest.function_trials import Harvest
from pytest_koderz.harvest.harvesting import harvest
from pytest_koderz.harvest.mutants import mutants_of
from pytest_koderz.harvest.near_copies import near_copy_of, shapes_of
from pytest_koderz.harvest.pytest_options import own_options
from pytest_koderz.harvest.suite_text import suite_text
from pytest_koderz.sandbox.repository_tests import Repository
from pytest_koderz.sandbox.supervisor import Judge
from tests.conftest import Run

from .worlds import MODULE, SECRET, clamp_problem, small_repository

pytest.importorskip("coverage")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_repository(tmp_path_factory.mktemp("small"))


def _stopped_at(words: str) -> Callable[[str], None]:
    """As if Ctrl-C came when this is told."""

    def notify(line: str) -> None:
        if words in line:
            raise KeyboardInterrupt

    return notify


@pytest.mark.slow
def test_of_a_harvest_that_is_stopped_there_is_what_was_tried(
    root: Path, judge: Judge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says how much is missing."""
    assert judge
    monkeypatch.setattr(function_trials, "_TELLING_SECONDS", 0.0)
    monkeypatch.setattr(function_trials, "_WORKERS", 1)
    found = harvest(root, root, None, _stopped_at("1 of 5 functions tried"))
    assert found.tasks[0].id == "smallthings:clamp"
    assert 0 < found.untried == 5 - len(found.tasks) - len(found.left_out)
    assert f"# Stopped before {found.untried} more function" in suite_text(found, tmp_path)


def test_a_harvest_that_is_stopped_early_says_that_there_is_nothing(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(*_: object) -> Harvest:
        raise KeyboardInterrupt

    monkeypatch.setattr(harvesting, "harvest", stopped)
    result = run("--koderz-harvest", ".")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["stopped before anything was tried: nothing is written"])


@pytest.mark.slow
@pytest.mark.sample
def test_a_repository_becomes_a_suite(
    root: Path, judge: Judge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Kept is what its tests can tell right from wrong, each original passes and each empty one fails. How far it is
    is told.
    """
    monkeypatch.setattr(function_trials, "_TELLING_SECONDS", 0.0)
    notes: list[str] = []
    found = harvest(root, root, None, notes.append)
    assert notes[-1] == "5 of 5 functions tried, about 0 min left"
    assert [task.id for task in found.tasks] == ["smallthings:clamp", "smallthings:Stack.top"]
    assert "weak tests" in found.left_out["smallthings:weak"] or "without a body" in found.left_out["smallthings:weak"]
    assert "the sandbox cannot run its tests" in found.left_out["smallthings:connect"]
    assert not any(SECRET in task.prompt for task in found.tasks if task.id == "smallthings:clamp")
    suite = tmp_path / "small.yaml"
    suite.write_text(suite_text(found, tmp_path))
    for problem in load_suite(suite) or ():
        assert problem.function is not None
        assert problem.function.callers == 0
        assert judge(problem, Candidate(problem.canonical_solution or "")).passed
        assert problem.place is not None
        empty = ModuleText(problem.canonical_solution or "").emptied(problem.entry_point)
        assert not judge(problem, Candidate(empty)).passed


DECORATED = """\
def doubled(function):
    def inner(value):
        found = function(value)
        return 2 * found

    return inner


@doubled
def successor(value):
    following = value + 1
    return following
"""


@pytest.mark.slow
def test_what_runs_while_its_module_is_imported_may_be_a_task(judge: Judge, tmp_path: Path) -> None:
    """Wrong versions of it are tried from the import on where that has to be."""
    (tmp_path / "setup.cfg").touch()
    (tmp_path / "small.py").write_text(DECORATED)
    test = "from small import doubled, successor\n\n\ndef test_all():\n    assert successor(1) == 4\n"
    (tmp_path / "test_small.py").write_text(test + "    assert doubled(len)([0]) == 2\n")
    found = harvest(tmp_path, tmp_path, None, print)
    assert {task.id: task.adequacy for task in found.tasks} == {"small:doubled": 1.0, "small:successor": 1.0}


@pytest.mark.parametrize(
    ("test", "why"),
    [
        ("import nosuchthing\n", "test_x.py: ModuleNotFoundError: No module named 'nosuchthing'"),
        ("def test_x(nosuchfixture): pass\n", "test_x.py::test_x: fixture 'nosuchfixture' not found"),
        ("def test_x(): assert 1 == 2\n", "test_x.py::test_x: assert 1 == 2"),
        ("def test_x(): assert [1] == [2]\n", "test_x.py::test_x: assert [1] == [2]"),
        ("", "pytest finds no tests under"),
    ],
)
def test_why_there_is_nothing_to_harvest_is_told_in_a_line(tmp_path: Path, test: str, why: str) -> None:
    """Whatever keeps the tests from passing: what they need is missing, they fail, or there are none."""
    (tmp_path / "setup.cfg").touch()
    (tmp_path / "test_x.py").write_text(test)
    notes: list[str] = []
    with pytest.raises(UsageError) as told:
        harvest(tmp_path, tmp_path, None, notes.append)
    assert why in str(told.value)
    assert "\n" not in str(told.value)


def test_of_a_long_function_few_wrong_versions_are_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is as long as the function: all that can be thought of would take minutes. The same ones each time."""
    function = "def f(x):\n" + "".join(f"    x = x + {number}\n" for number in range(80)) + "    return x\n"
    copied = Mock(wraps=copy.deepcopy)
    monkeypatch.setattr(copy, "deepcopy", copied)
    first = mutants_of(function, "f")
    assert len(first) == 10
    assert copied.call_count == 200
    assert mutants_of(function, "f") == first


def test_a_byte_order_mark_hides_no_function(tmp_path: Path) -> None:
    """Some editors begin a file with one."""
    (tmp_path / "marked.py").write_text("def one(x):\n    y = x\n    return y\n", encoding="utf-8-sig")
    assert list(modules_of(tmp_path)["marked.py"].functions) == ["one"]


def test_a_file_of_tests_that_cannot_be_collected_leaves_the_others(root: Path) -> None:
    """It is named."""
    broken = root / "tests" / "test_broken.py"
    broken.write_text("import nosuchthing\n")
    try:
        found = run_under_coverage(root, root, [], [root], [], seconds=60)
    finally:
        broken.unlink()
    assert found.told == "tests/test_broken.py: ModuleNotFoundError: No module named 'nosuchthing'"
    assert found.passed > 3


MADE = """\
import unittest


class Test(unittest.TestCase):
    def test_written(self):
        pass


def made(text, found):
    def method(self):
        self.assertEqual(text.upper(), found)

    return method


Test.test_made = made("a", "A")
"""


def test_a_test_that_a_function_made_has_a_text(tmp_path: Path) -> None:
    """And what it was made for."""
    (tmp_path / "test_x.py").write_text(MADE)
    made = run_under_coverage(tmp_path, tmp_path, [], [tmp_path], [], seconds=60).made
    text = "def method(self):\n    self.assertEqual(text.upper(), found)\n"
    assert made == {"test_x.py::Test::test_made": f"# test_made\n# found = 'A'\n# text = 'a'\n{text}"}


def test_what_is_harvested_may_be_one_file(root: Path) -> None:
    found = run_under_coverage(root, root / "smallthings.py", [], [root], [], seconds=60)
    assert len(found.lines[str(root / "smallthings.py")]) > 3


def test_a_changed_repository_is_refused(root: Path, tmp_path: Path) -> None:
    """Its tests may say something else by now."""
    place = clamp_problem(root).place
    assert place is not None
    (tmp_path / "small.yaml").write_text(suite_text(Harvest(place, (), {}), tmp_path) + "  - {}\n")
    with pytest.raises(UsageError, match="not as it was harvested"):
        load_suite(tmp_path / "small.yaml")


def test_mutants_differ_in_one_thing_and_are_the_same_each_time() -> None:
    function = ModuleText(MODULE).text_of("clamp")
    mutants = mutants_of(function, "seed")
    assert mutants == mutants_of(function, "seed")
    assert len(set(mutants)) == len(mutants) > 5
    assert any("low <= high" in each for each in mutants)
    assert any("return None" in each for each in mutants)


def test_a_near_copy_is_found_whatever_its_variables_are_called() -> None:
    copy = MODULE.replace("clamp", "bounded").replace("value", "number")
    shapes = shapes_of({"a.py": ModuleText(MODULE), "b.py": ModuleText(copy)})
    assert near_copy_of("a.py:clamp", shapes) == "b.py:bounded"
    assert near_copy_of("a.py:clamp", shapes_of({"a.py": ModuleText(MODULE)})) is None


def test_what_ran_outside_of_all_tests_is_known_apart() -> None:
    """As a decorator does while its module is imported; another version of it has to be imported as well."""
    module = ModuleText("def decorator(f):\n    return f\n\n@decorator\ndef used(x):\n    return x\n")
    lines = {"": [1, 2, 4, 5], "test_x.py::test_used": [6]}
    assert functions_of_import(module, lines) == {"decorator"}
    assert found_tests(module, lines) == {"used": {"test_x.py::test_used": {6}}}


def test_a_repository_that_makes_each_warning_an_error_is_run(tmp_path: Path, judge: Judge) -> None:
    """Though keys of plugins that are left out are unknown."""
    settings = '[tool.pytest.ini_options]\nfilterwarnings = ["error"]\njunit_family = "xunit2"\ncache_dir = "x"\n'
    (tmp_path / "pyproject.toml").write_text(settings + 'addopts = "--strict-config"\n')
    (tmp_path / "test_x.py").write_text("def test_nothing():\n    pass\n")
    assert run_under_coverage(tmp_path, tmp_path, [], [tmp_path], own_options(tmp_path), seconds=60).passed == 1
    repository = Repository(FunctionPlace(str(tmp_path), "", "", "", options=tuple(own_options(tmp_path))), 1 << 30)
    try:
        run = repository.run("", (), "", ["test_x.py::test_nothing"], 0, 20)
    finally:
        repository.close()
    assert run.words == {"test_x.py::test_nothing": "passed"}, run


def test_own_options_are_those_that_neither_measure_nor_stop(tmp_path: Path) -> None:
    (tmp_path / "setup.cfg").write_text("[tool:pytest]\naddopts = -ra --cov=x -n 4 --maxfail 3 -p pytester\n")
    assert own_options(tmp_path) == ["-o", "addopts=-ra -p pytester"]


SUITE = """\
repository: {{path: "{path}", digest: "{digest}"}}
problems:
  - id: smallthings:clamp
    file: smallthings.py
    entry_point: clamp
    prompt: Write it.
    tests: [tests/test_smallthings.py::test_clamp]
    {more}
"""


def _loaded(root: Path, folder: Path, more: str) -> Problem:
    suite = folder / "small.yaml"
    suite.write_text(SUITE.format(path=root, digest=digest_of_tree(root), more=more))
    (problem,) = load_suite(suite) or ()
    return problem


def test_a_problem_knows_what_its_function_is_like(root: Path, tmp_path: Path) -> None:
    """Its length and branches from where it stands, the rest from the suite; one without is of an earlier version."""
    problem = _loaded(root, tmp_path, "adequacy: 0.9\n    callers: 2")
    assert problem.traits.function == FunctionTraits("smallthings.py", 5, 2, 2, 0.9)
    assert _loaded(root, tmp_path, "").traits.function == FunctionTraits("smallthings.py", 5, 2)


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ("adequacy: 1.2", "8: problems[0].adequacy: must be a share from 0 to 1"),
        ("adequacy: most", "8: problems[0].adequacy: must be a share from 0 to 1"),
        ("adequacy: true", "8: problems[0].adequacy: must be a share from 0 to 1"),
        ("callers: -1", "8: problems[0].callers: must be a whole number, 0 or more"),
        ("callers: 1.5", "8: problems[0].callers: must be a whole number, 0 or more"),
    ],
)
def test_what_is_no_share_or_number_is_refused(root: Path, tmp_path: Path, more: str, why: str) -> None:
    """With its line and key."""
    with pytest.raises(UsageError) as caught:
        _loaded(root, tmp_path, more)
    assert f"small.yaml:{why}" in str(caught.value)


def test_what_follows_a_dropped_option_goes_with_it(tmp_path: Path) -> None:
    """It would be a place of tests otherwise."""
    words = "--doctest-report ndiff --cov package --junitxml out.xml --benchmark-json=x --strict-config -v"
    (tmp_path / "pytest.ini").write_text(f"[pytest]\naddopts = {words}\n")
    assert own_options(tmp_path) == ["-o", "addopts=-v"]


def test_a_repositorys_options_are_not_this_sessions(pytester: pytest.Pytester) -> None:
    """pytest takes them for its own where SRC is a word of its own, and some may be of plugins that are not here."""
    (pytester.path / "repository").mkdir()
    (pytester.path / "repository" / "pytest.ini").write_text("[pytest]\naddopts = --cov-fail-under=100 --nosuch\n")
    result = pytester.runpytest_inprocess("--koderz-harvest", "repository")
    result.stderr.no_fnmatch_line("*unrecognized arguments*")
    result.stderr.fnmatch_lines(["ERROR: --koderz-harvest: *"])
