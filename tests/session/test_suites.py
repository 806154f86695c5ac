"""Which files are suites."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_koderz.files.usage_error import UsageError
from pytest_koderz.session.start_checks import check_suites
from pytest_koderz.session.suites import problems_reported
from tests.conftest import Run

CARELESS = """
import pytest

@pytest.hookimpl(optionalhook=True)
def pytest_koderz_load_problems(suite):
    return [] if suite.name != "broken.yaml" else {}["key"]
"""
MARKED = """
import pytest

@pytest.mark.koderz("mine")
def test_it(koderz_experiment):
    pass
"""


def test_a_plugin_that_breaks_is_told_of_at_its_suite(forgetful: Run, pytester: pytest.Pytester) -> None:
    """The others are collected, and a conftest.py beside them is none, whatever a plugin says."""
    pytester.makeconftest(CARELESS)
    (pytester.path / "problems").mkdir()
    for name in ("broken.yaml", "conftest.py", "other.txt"):
        (pytester.path / "problems" / name).touch()
    result = forgetful("--collect-only", "-q")
    result.stdout.fnmatch_lines(["*ERROR collecting problems/broken.yaml*", "*KeyError: 'key'", "*1 error*"])
    result.stdout.no_fnmatch_line("*problems/conftest.py*")


def test_a_mark_that_names_no_suite_says_where_it_was_looked_for(forgetful: Run, pytester: pytest.Pytester) -> None:
    """In problems/, by its stem, and beside the test; a file that nobody reads is no suite."""
    pytester.makepyfile(test_marked=MARKED)
    (pytester.path / "problems").mkdir()
    (pytester.path / "problems" / "mine.txt").touch()
    result = forgetful("test_marked.py")
    text = result.stdout.str() + result.stderr.str()
    assert f"test_it: mine: no suite of that name in problems/, and {pytester.path / 'mine'} is none" in text


MINE = """
problems:
  - {id: mine/one, entry_point: one, prompt: "def one():", tests: assert one() == 1, canonical_solution: "    return 1"}
"""


class OwnJudge:
    """Nothing is judged here."""

    def pytest_koderz_open_sandbox(self) -> object:
        return self


def test_problems_are_found_by_the_ids_of_their_items(run: Run, pytester: pytest.Pytester) -> None:
    """As the controller of xdist needs them, which collects none: a user's suites and the shipped; else nothing."""
    (pytester.path / "koderz.yaml").write_text("cortex: {enabled: false}\n")
    (pytester.path / "problems").mkdir()
    (pytester.path / "problems" / "mine.yaml").write_text(MINE)
    (pytester.path / "problems" / "broken.yaml").write_text("problems: 1")
    pytester.plugins.append(OwnJudge())
    config = pytester.parseconfigure("--koderz", "--koderz-profile", "simulated")
    names = {
        "problems/mine.yaml",
        "problems/broken.yaml",
        "problems/gone.yaml",
        "test_it.py",
        "problems/humaneval.yaml",
    }
    found = [problem.id for problem in problems_reported(config, names)]
    assert found[-1] == "mine/one"
    assert found[0] == "HumanEval/0"
    assert len(found) == 165


@pytest.mark.parametrize(
    "make", [os.mkfifo, os.mkdir, lambda path: path.symlink_to("/dev/zero"), lambda path: path.symlink_to("nowhere")]
)
@pytest.mark.parametrize("named", ["", "problems", "problems/a.yaml"])
def test_a_suite_that_is_no_file_is_not_passed_over(tmp_path: Path, make: Callable[[Path], object], named: str) -> None:
    """pytest would run the others, or find nothing."""
    (tmp_path / "problems").mkdir()
    (tmp_path / "problems/b.yaml").write_text("")
    check_suites(tmp_path / named)
    make(tmp_path / "problems/a.yaml")
    with pytest.raises(UsageError, match=rf"^{tmp_path}/problems/a.yaml: "):
        check_suites(tmp_path / named)
