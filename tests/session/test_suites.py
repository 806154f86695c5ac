"""Which files are suites."""

from __future__ import annotations

import pytest

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
