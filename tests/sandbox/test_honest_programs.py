"""What honest answers to BigCodeBench's kind of problems do is done in the one locked process as outside of it."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml

from pytest_koderz.core.iteration import Candidate
from pytest_koderz.core.problem import Isolation, Problem
from pytest_koderz.sandbox.supervisor import Judge

from .worlds import linux

BOTH = pytest.mark.parametrize("isolation", ["process-separated", "in-process"])
_HERE = Path(__file__).with_name("honest_programs.yaml")
_WRITTEN: dict[str, dict[str, str]] = yaml.safe_load(_HERE.read_text(encoding="utf-8"))
PROGRAMS = {**_WRITTEN["files"], **_WRITTEN["system"], **_WRITTEN["numbers"]}
MOCKED = _WRITTEN["mocked"]
_MOCKING = """
import datetime, os, random, smtplib, socket, subprocess, sys, time, urllib.request
def f(path):
    with open(path) as stream: return stream.read()
def fetch(url):
    with urllib.request.urlopen(url) as page: return page.read()
def run(command): return subprocess.run(command, capture_output=True).stdout
def popen(command):
    p = subprocess.Popen(command, stdout=subprocess.PIPE); p.communicate(); return p.returncode
def talk(host, port):
    s = socket.socket(socket.AF_INET, socket.SOCK_STREAM); s.connect((host, port)); return s.recv(9)
def wait(n): time.sleep(n)
def draw(): return random.randint(1, 6)
def clean(folder):
    if os.path.exists(folder):
        for name in os.listdir(folder): os.remove(os.path.join(folder, name))
def setting(): return os.environ['KEY']
def say(): print('said')
def ask(): return input('? ')
def send():
    with smtplib.SMTP('h') as s: s.sendmail('a', 'b', 'c')
def now(): return datetime.datetime.now()
def first_argument(): return sys.argv[1]
"""
_IMPORTS = "import filecmp, glob, io, os, pathlib, shutil, stat, sys, tempfile\n"
_ASKED = "def check(f):\n    assert f() == 'done'\n"
_RUNS = "import unittest\nclass T(unittest.TestCase):\n    def test(self): self.assertEqual(f(), 'done')\n"


def program_of(deed: str) -> str:
    """A function that does it."""
    body = deed.replace("\n", "\n    ")
    return f"{_IMPORTS}def f():\n    {body}\n    return 'done'\n"


def _requires(source: str) -> tuple[str, ...]:
    wanted = tuple(name for name in ("numpy", "scipy") if name in source)
    for name in wanted:
        if not find_spec(name):
            pytest.skip(f"{name} is not installed")
    return wanted


@linux
@pytest.mark.parametrize("name", PROGRAMS)
def test_what_honest_programs_do_is_done(judge: Judge, name: str) -> None:
    """Or refused as the system itself refuses, with an OSError that they can handle."""
    source = program_of(PROGRAMS[name])
    problem = Problem("own/honest", "", "f", _RUNS, isolation="in-process", requires=_requires(source))
    verdict = judge(problem, Candidate(source))
    assert verdict.passed, verdict.failures


_SHARED = """
import multiprocessing as m
number, numbers, plain = m.Value('i', 3), m.Array('d', [1, 2]), m.RawArray('c', 5)
with number.get_lock(): number.value += 1
numbers[0] = 5
assert (number.value, numbers[:], len(plain)) == (4, [5.0, 2.0], 5)
"""


@linux
@BOTH
def test_numbers_for_other_processes_are_kept_where_nobody_shares_them(judge: Judge, isolation: Isolation) -> None:
    """In the memory that is the candidate's folder; without mounts of its own the system's place for them is closed."""
    if "private mounts" in judge.levels.missing:
        pytest.skip("no mounts of its own")
    source = program_of(_SHARED.strip())
    verdict = judge(Problem("own/shared", "", "f", _ASKED, isolation=isolation), Candidate(source))
    assert verdict.passed, verdict.failures


@linux
@pytest.mark.parametrize("name", MOCKED)
def test_what_is_closed_can_be_replaced(judge: Judge, name: str) -> None:
    """As the tests of data sets do, who know nothing of this judge."""
    body = MOCKED[name].replace("\n", "\n        ")
    case = f"class T(unittest.TestCase):\n    def test(self):\n        {body}\n"
    tests = f"import io, unittest\nfrom unittest import mock\n{case}"
    verdict = judge(Problem("own/mocked", "", "f", tests, isolation="in-process"), Candidate(_MOCKING))
    assert verdict.passed, verdict.failures


@linux
@pytest.mark.slow
@pytest.mark.parametrize("name", PROGRAMS)
def test_the_programs_are_honest(name: str, tmp_path: Path) -> None:
    """What is closed in the judge apart, they do the same in a plain process."""
    if name.endswith("_refused"):
        pytest.skip("it is about what is closed")
    source = program_of(PROGRAMS[name])
    _requires(source)
    environment = {"HOME": str(tmp_path), "TMPDIR": str(tmp_path), "PATH": os.defpath}
    program = tmp_path.with_suffix(".py")
    program.write_text(f"{source}assert f() == 'done'\n")
    command = [sys.executable, "-B", str(program)]
    subprocess.run(command, cwd=tmp_path, env=environment, check=True, timeout=60)
