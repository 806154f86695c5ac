"""Candidates that do something else than to answer: none passes, and each is told so or fails."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pytest_koderz.core.iteration import Candidate
from pytest_koderz.core.problem import Problem
from pytest_koderz.sandbox import open_sandbox
from pytest_koderz.sandbox.supervisor import Judge

from .worlds import clamp_problem, small_repository

_HEAD = "def clamp(value, low, high):\n"
_SAME = "class Same:\n    __hash__ = None\n    def __eq__(self, other):\n        return True\n\n"
_REFUSE = "    if low > high:\n        raise ValueError\n"
CHEATS = {
    "edits its tests": (
        _HEAD + "    import os, glob\n    for name in glob.glob('tests/*.py'):\n"
        "        open(name, 'w').write('def test_clamp(): pass')\n    return 3\n"
    ),
    "writes a conftest": _HEAD + "    open('con' + 'ftest.py', 'w').write('')\n    return value\n",
    "reads its tests": _HEAD
    + "    text = open('tests/test_small' + 'things.py').read()\n    return 3 if value > high else max(value, low)\n",
    "puts modules in the place of its tests": (
        "import sys, types\nfake = types.ModuleType('test_smallthings')\nfake.test_clamp = lambda: None\n"
        "getattr(sys, 'mod' + 'ules')['test_smallthings'] = fake\n" + _HEAD + "    return 3\n"
    ),
    "ends the process": "import os\ngetattr(os, '_ex' + 'it')(0)\n" + _HEAD + "    return 3\n",
    "exits": _HEAD + "    raise SystemExit(0)\n",
    "exits pytest": _HEAD + "    import importlib\n    importlib.import_module('py' + 'test').exit('done', 0)\n",
    "skips": _HEAD + "    import importlib\n    importlib.import_module('py' + 'test').skip('done')\n",
    "is interrupted": _HEAD + "    raise KeyboardInterrupt\n",
    "patches the outcome": (
        _HEAD + "    import importlib\n    reports = importlib.import_module('_py' + 'test.reports')\n"
        "    reports.TestReport.from_item_and_call = lambda *a: None\n    return 3\n"
    ),
    "patches raises": (
        _HEAD
        + "    import importlib\n    importlib.import_module('py' + 'test').raises = None\n"
        + _REFUSE
        + "    return min(max(value, low), high)\n"
    ),
    "patches builtins": (
        _HEAD
        + "    import importlib\n    importlib.import_module('built' + 'ins').AssertionError = SystemError\n"
        + _REFUSE
        + "    return min(max(value, low), high)\n"
    ),
    "equals everything": _SAME + _HEAD + _REFUSE + "    return Same()\n",
    "equals everything by mock": (
        _HEAD
        + _REFUSE
        + "    import importlib\n    return getattr(importlib.import_module('unit' + 'test.mock'), 'AN' + 'Y')\n"
    ),
    "asks its callers": (
        _HEAD
        + "    import sys\n    frame = getattr(sys, '_get' + 'frame')(1)\n"
        + _REFUSE
        + "    return min(max(value, low), high)\n"
    ),
    "asks through inspect": (
        _HEAD
        + "    import inspect\n    getattr(inspect, 'sta' + 'ck')()\n"
        + _REFUSE
        + "    return min(max(value, low), high)\n"
    ),
    "searches the memory": (
        _HEAD
        + "    import gc\n    getattr(gc, 'get_ob' + 'jects')()\n"
        + _REFUSE
        + "    return min(max(value, low), high)\n"
    ),
    "runs a text that asks": (
        _HEAD
        + "    exec(\"import sys; getattr(sys, '_get' + 'frame')(2)\")\n"
        + _REFUSE
        + "    return min(max(value, low), high)\n"
    ),
    "answers for the judge": ("import os\nos.write(3, b'x' * 64)\n" + _HEAD + _REFUSE + "    return 3\n"),
    "changes its tests' code": (
        _HEAD + "    import importlib\n    tests = importlib.import_module('test_smallthings')\n"
        "    tests.test_clamp = None\n" + _REFUSE + "    return min(max(value, low), high)\n"
    ),
    "speaks of frames": _HEAD
    + "    try:\n        1 / 0\n    except ZeroDivisionError as e:\n        e.__traceback__.tb_frame.f_back\n",
    "speaks of pytest": "import pytest\n" + _HEAD + "    pytest.skip()\n",
    "speaks of modules": "import sys\nsys.modules['x'] = None\n" + _HEAD + "    return 3\n",
}
READS_THE_ORIGINAL = """\
def clamp(value, low, high):
    import glob, importlib.util, os, sys
    places = [os.path.dirname(__file__), *sys.path, "/tmp", "/root", "/home"]
    for place in places:
        for folder, folders, names in os.walk(place):
            if folder.count("/") - place.count("/") > 3 or "site-packages" in folder:
                folders.clear()
            for name in names:
                if name.startswith(("smallthings", "original")):
                    try:
                        data = open(os.path.join(folder, name), "rb").read()
                    except OSError:
                        continue
                    if b"low is above " + b"high" in data:
                        exec(compile(data.split(b"class Stack")[0], "x", "exec"), space := {})
                        return space["clamp"](value, low, high)
    return None
"""


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Judge, Problem]]:
    root = small_repository(tmp_path_factory.mktemp("small"))
    with open_sandbox(timeout=20) as judge:
        if "private mounts" in judge.levels.missing:
            pytest.skip("needs mounts of its own")
        yield judge, clamp_problem(root)


def test_an_honest_answer_passes(judged: tuple[Judge, Problem]) -> None:
    judge, problem = judged
    verdict = judge(problem, Candidate(_HEAD + _REFUSE + "    return max(low, min(value, high))\n"))
    assert verdict.passed, verdict
    assert verdict.isolation == "in-process"


def test_a_wrong_answer_is_told_in_the_words_of_pytest(judged: tuple[Judge, Problem]) -> None:
    judge, problem = judged
    verdict = judge(problem, Candidate(_HEAD + "    return value\n"))
    assert "assert 5 == 3" in verdict.feedback
    assert verdict.failures[0].assertion == "tests/test_smallthings.py::test_clamp"


EDIT = """\
@@ -8,3 +8,5 @@
     Raises ValueError where low is above high.
     \"\"\"
-    raise NotImplementedError
+    if low > high:
+        raise ValueError("low is above high")
+    return max(low, min(value, high))
"""


def test_a_reply_may_be_a_change_of_the_file(judged: tuple[Judge, Problem]) -> None:
    """Fitted to the file without the answer; where it does not fit, that is what the next prompt says."""
    judge, problem = judged
    assert judge(problem, Candidate(EDIT)).passed
    verdict = judge(
        problem, Candidate(EDIT.replace("Raises ValueError", "Raises TypeError").replace("    raise Not", "    No"))
    )
    assert "hunk 1 does not fit" in verdict.feedback


@pytest.mark.parametrize("deed", ["speaks of frames", "speaks of pytest", "speaks of modules", "asks its callers"])
def test_some_are_refused(deed: str, judged: tuple[Judge, Problem]) -> None:
    judge, problem = judged
    verdict = judge(problem, Candidate(CHEATS[deed]))
    assert verdict.failures[0].summary.startswith("tampering: it "), verdict


@pytest.mark.slow
@pytest.mark.parametrize("deed", CHEATS)
def test_none_passes(deed: str, judged: tuple[Judge, Problem]) -> None:
    judge, problem = judged
    verdict = judge(problem, Candidate(CHEATS[deed]))
    assert not verdict.passed, verdict


@pytest.mark.slow
def test_the_original_is_nowhere_to_be_read(judged: tuple[Judge, Problem]) -> None:
    """Neither in the file's place, nor compiled, built, in the history, nor installed."""
    judge, problem = judged
    verdict = judge(problem, Candidate(READS_THE_ORIGINAL))
    assert not verdict.passed, verdict
