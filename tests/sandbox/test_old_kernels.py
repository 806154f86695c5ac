"""Kernels and containers without Landlock, or with its first versions."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_koderz.core.problem import Problem
from pytest_koderz.sandbox.landlock import abi

from .old_kernel import judged_there

pytestmark = pytest.mark.skipif(sys.platform != "linux" or not abi(), reason="wants Landlock, to do without it")
APART = Problem("own/apart", "", "f", "def check(candidate):\n    assert candidate(1) == 2\n")
UNITTEST = """
import unittest
class T(unittest.TestCase):
    def test(self):
        self.assertEqual(f(1), 2)
        self.assertLess(f(1), 3)
"""
BESIDE = replace(APART, id="own/beside", tests=UNITTEST, isolation="in-process")
PLAIN = "def f(n):\n    return n + 1\n"
WRITES = """
import os, shutil, tempfile
def f(n):
    folder = tempfile.mkdtemp()
    with open(folder + '/a', 'w') as stream:
        stream.write('22')
    with tempfile.NamedTemporaryFile() as stream:
        stream.write(b'2')
    shutil.move(folder + '/a', 'b')
    shutil.copy2('b', 'c')
    os.truncate('c', 1)
    os.replace('c', 'd')
    with open('d') as stream:
        return int(stream.read())
"""
_EMPTIES = """
import ctypes, os
for flags in (os.O_TRUNC, os.O_TRUNC | 3, os.O_TRUNC | os.O_WRONLY, os.O_TRUNC | os.O_RDWR):
    try: os.close(os.open({path!r}, flags))
    except OSError: pass
try: os.truncate({path!r}, 0)
except OSError: pass
ctypes.CDLL(None).truncate({path!r}.encode(), ctypes.c_long(0))
"""


@pytest.mark.parametrize("version", [1, 2])
def test_the_first_versions_of_landlock_hold_as_later_ones_do(version: int, tmp_path: Path) -> None:
    """Ubuntu 22.04 has the first: files are written in the scratch folder, and none is emptied outside of it."""
    victim = tmp_path / "victim"
    victim.write_text("alive")
    attack = _EMPTIES.format(path=str(victim)) + PLAIN
    missing, told = judged_there(version, [(APART, PLAIN), (BESIDE, PLAIN), (BESIDE, WRITES), (BESIDE, attack)])
    assert (missing, told) == ([], [[True, [], None]] * 4)
    assert victim.read_text() == "alive"


def test_without_landlock_what_needs_no_file_is_judged_and_the_rest_is_refused() -> None:
    """Nothing would bound the files to a folder: the reason names the lock, before anything is spent."""
    missing, told = judged_there(0, [(APART, PLAIN), (BESIDE, PLAIN), (BESIDE, WRITES)])
    assert missing == ["landlock"]
    *plain, (passed, _, reason) = told
    assert plain == [[True, [], None]] * 2
    assert not passed
    assert "No usable temporary directory" in reason
    assert "without landlock, which this system lacks, no file can be written" in reason
