"""Replies that change a file: what fits is made, what does not is refused by its name."""

from __future__ import annotations

import difflib
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pytest_koderz.core.edits import Unapplied, edited, edited_module, edits_of
from pytest_koderz.core.extract import candidate_of
from pytest_koderz.core.place import FunctionPlace, ModuleText
from pytest_koderz.core.problem import Problem

FILE = "lib/cache.py"
MISSING = '        """\n        raise NotImplementedError'
SOURCE = '''import os


class Cache:
    def get(self, key):
        """The value.

        Or None.
        """
        raise NotImplementedError

    def put(self, key, value):
        self.values[key] = value


def other():
    raise NotImplementedError
'''

DONE = SOURCE.replace(MISSING, MISSING.replace("raise NotImplementedError", "return self.values.get(key)"))


def made(reply: str, source: str = SOURCE) -> str:
    return edited(source, edits_of(reply), FILE)


BLOCK = '''Here it is:

lib/cache.py
```python
<<<<<<< SEARCH
        Or None.
        """
        raise NotImplementedError
=======
        Or None.
        """
        return self.values.get(key)
>>>>>>> REPLACE
```
'''

DIFF = '''```diff
--- a/lib/cache.py
+++ b/lib/cache.py
@@ -7,4 +7,4 @@
_
         Or None.
         """
-        raise NotImplementedError
+        return self.values.get(key)
_
     def put(self, key, value):
```
'''.replace("_\n", " \n")


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(BLOCK, id="block"),
        pytest.param(BLOCK.replace("<<<<<<< SEARCH", "<<<<<<<SEARCH").replace("=======", "====="), id="other marks"),
        pytest.param(BLOCK.replace("\n", "\r\n"), id="line ends of Windows"),
        pytest.param(BLOCK.replace('"""\n        raise', '"""   \n        raise'), id="white space at an end"),
        pytest.param(
            BLOCK.replace("        Or", "    Or").replace('        """', '    """').replace("        r", "    r"),
            id="another margin",
        ),
        pytest.param(DIFF, id="diff"),
        pytest.param(DIFF.replace("-7,4 +7,4", "-70,4 +90,9"), id="wrong numbers"),
        pytest.param(DIFF.replace("@@ -7,4 +7,4 @@", "@@ ... @@"), id="no numbers"),
        pytest.param(DIFF.replace("@@ -7,4 +7,4 @@", "@@"), id="a bare mark"),
        pytest.param(DIFF.replace("\n \n", "\n\n"), id="blank context without its blank"),
        pytest.param(DIFF.replace("a/lib/cache.py", "cache.py").replace("b/lib/cache.py", "cache.py"), id="bare name"),
        pytest.param(DIFF.replace("put(self, key, value)", "put(self)"), id="context that is wrong at its end"),
        pytest.param(DIFF.replace("+        return", "\\ No newline at end of file\n+        return"), id="note"),
    ],
)
def test_what_fits_is_made(reply: str) -> None:
    assert made(reply) == DONE


TWICE = """
<<<<<<< SEARCH
raise NotImplementedError
=======
return 1
>>>>>>> REPLACE
"""


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (TWICE, "SEARCH block 1 fits 2 places; it needs more lines around it"),
        (
            BLOCK.replace("Or None", "Or nothing"),
            (
                "SEARCH block 1 does not fit: its lines do not stand in lib/cache.py as the task shows it "
                "(not there: 'Or nothing.')"
            ),
        ),
        (
            DIFF.replace("a/lib/cache", "a/tests/test_cache").replace("b/lib/cache", "b/tests/test_cache"),
            "hunk 1 is for b/tests/test_cache.py; only lib/cache.py can be changed",
        ),
        (
            "<<<<<<< SEARCH\n=======\nx = 1\n>>>>>>> REPLACE",
            "SEARCH block 1 has no lines to find its place in lib/cache.py by",
        ),
        (
            DIFF.replace("-        raise", "-        return 3; raise"),
            "(not there: 'return 3; raise NotImplementedError')",
        ),
    ],
)
def test_what_does_not_fit_is_refused_by_name(reply: str, reason: str) -> None:
    with pytest.raises(Unapplied, match=re.escape(reason)):
        made(reply)


def test_the_second_of_two_blocks_that_does_not_fit_is_the_one_named() -> None:
    with pytest.raises(Unapplied, match="SEARCH block 2 does not fit"):
        made(BLOCK + BLOCK)


@pytest.mark.parametrize(
    "reply",
    [
        "```python\ndef get(self, key):\n    return 1\n```",
        "I would `<<<<<<< SEARCH` for it.",
        BLOCK.partition(">>>>>>>")[0],
        "--- \n\nA rule, and +1 for it.",
        "@@ nothing @@\n context alone\n",
    ],
    ids=["a function", "prose", "cut short", "a rule", "no change"],
)
def test_what_is_no_edit_is_none(reply: str) -> None:
    assert edits_of(reply) == []


LINES = st.lists(st.sampled_from(["a", "b", "    c", "", "  d  ", "--- x", "+++ y", "@@", "<x"]), max_size=12)


@given(LINES, LINES)
def test_a_diff_of_difflib_makes_what_it_says(old: list[str], new: list[str]) -> None:
    """Whatever the lines are, such as marks of diffs."""
    lines = list(difflib.unified_diff(old, new, "a/" + FILE, "b/" + FILE, lineterm="", n=20))
    assume(lines and any(line.strip() for line in old))
    edits = edits_of("\n".join(lines))
    assume(len(edits) == 1)
    found = edited("\n".join(old), edits, FILE).split("\n")
    assert [line.rstrip() for line in found] == [line.rstrip() for line in new or [""]]


@given(st.text(max_size=300))
def test_any_text_is_read(text: str) -> None:
    edits_of(text)


@pytest.mark.skipif(shutil.which("patch") is None, reason="patch is not installed")
def test_patch_itself_makes_the_same(tmp_path: Path) -> None:
    (tmp_path / "cache.py").write_text(SOURCE)
    text = DIFF.replace("```diff\n", "").replace("```\n", "").replace("-7,4 +7,4", "-7,6 +7,6")
    subprocess.run(["patch", "-s", "cache.py"], input=text, text=True, cwd=tmp_path, check=True)
    assert (tmp_path / "cache.py").read_text() == made(DIFF)


MODULE = ModuleText(SOURCE.replace("        raise NotImplementedError", "        return self.values[key]", 1))


def test_edits_go_into_the_module_without_the_answer() -> None:
    """The body that is asked for stands nowhere in what they are fitted to."""
    assert edited_module(MODULE, "Cache.get", DIFF, FILE) == DONE
    assert edited_module(MODULE, "Cache.get", "def get(): ...\n", FILE) == "def get(): ...\n"
    with pytest.raises(Unapplied, match="not there: 'return self"):
        edited_module(MODULE, "Cache.get", DIFF.replace("raise NotImplementedError", "return self.values[key]"), FILE)


def test_edits_of_other_functions_are_refused() -> None:
    reply = "<<<<<<< SEARCH\n        self.values[key] = value\n=======\n        pass\n>>>>>>> REPLACE"
    with pytest.raises(
        Unapplied, match=r"the edits change Cache\.put; only Cache\.get, and what is new, may be written"
    ):
        edited_module(MODULE, "Cache.get", BLOCK + reply, FILE)


def test_what_is_new_may_be_edited_in() -> None:
    reply = (
        "<<<<<<< SEARCH\nimport os\n=======\nimport os\nimport re\n\n\ndef helper():\n    return 1\n>>>>>>> REPLACE\n"
    )
    assert "def helper" in edited_module(MODULE, "Cache.get", BLOCK + reply, FILE)


PROBLEM = Problem(
    "lib.cache:Cache.get", "", "get", "tests/test_cache.py::test_get", place=FunctionPlace("/", "", FILE, "Cache.get")
)


@pytest.mark.parametrize("reply", [f"Sure.\n\n{BLOCK}\nDone.", f"Like this:\n{DIFF}"], ids=["block", "diff"])
def test_edits_in_a_reply_are_its_candidate(reply: str) -> None:
    candidate = candidate_of(reply, PROBLEM)
    assert candidate is not None
    assert candidate.source.startswith(("<<<<<<<", "---"))
    assert edited_module(MODULE, "Cache.get", candidate.source, FILE) == DONE


def test_a_whole_function_beside_edits_is_the_candidate() -> None:
    whole = "```python\nclass Cache:\n    def get(self, key):\n        return self.values.get(key)\n```\n"
    candidate = candidate_of(f"{DIFF}\nThe result:\n{whole}", PROBLEM)
    assert candidate is not None
    assert candidate.source.startswith("class Cache")


def test_a_problem_that_stands_alone_has_no_edits() -> None:
    assert candidate_of(DIFF, replace(PROBLEM, place=None)) != candidate_of(DIFF, PROBLEM)
