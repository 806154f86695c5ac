"""A small repository with tests, and what its tests need to judge."""

from __future__ import annotations

from pathlib import Path

from pytest_koderz.core.place import FunctionPlace
from pytest_koderz.core.problem import Problem

MODULE = '''\
"""Small things."""
import math


def clamp(value, low, high):
    """The value, moved into the range from low to high.

    Raises ValueError where low is above high.
    """
    if low > high:
        raise ValueError("low is above high")
    if value < low:
        return low
    return min(value, high)


class Stack:
    """Things upon things."""

    def __init__(self):
        self.items = []

    @property
    def top(self):
        """The last item. Raises IndexError where there is none."""
        if not self.items:
            raise IndexError("empty")
        return self.items[-1]


def weak(values):
    """The sum of the values, each counted twice."""
    total = 0
    for value in values:
        total += 2 * value
    return total


def connect(host):
    """Whether anybody listens there."""
    import socket

    with socket.socket() as sock:
        return sock.connect_ex((host, 1)) == 0
'''
TESTS = """\
import pytest
import smallthings
from smallthings import Stack, clamp, connect, weak


def test_clamp():
    assert clamp(5, 1, 3) == 3
    assert clamp(0, 1, 3) == 1
    assert clamp(2, 1, 3) == 2


def test_clamp_refuses():
    with pytest.raises(ValueError):
        clamp(1, 3, 2)


def test_top():
    stack = Stack()
    stack.items += [3, 4]
    assert stack.top == 4


def test_top_of_none():
    with pytest.raises(IndexError):
        Stack().top


def test_weak():
    weak([1, 2])


def test_connect():
    assert connect("127.0.0.1") in (True, False)
"""
SECRET = "return min(value, high)"
"""A line of the original."""


def small_repository(folder: Path) -> Path:
    """In *folder*; `weak` has no test that says anything, and `connect` wants the network."""
    root = folder / "smallthings-1.0"
    files = {
        "pyproject.toml": '[tool.pytest.ini_options]\naddopts = "-ra --maxfail=3"\n',
        "smallthings.py": MODULE,
        "tests/test_smallthings.py": TESTS,
        ".git/objects/original": MODULE,
        "build/lib/smallthings.py": MODULE,
    }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def clamp_problem(root: Path) -> Problem:
    tests = "tests/test_smallthings.py::test_clamp\ntests/test_smallthings.py::test_clamp_refuses\n"
    place = FunctionPlace(str(root), "", "smallthings.py", "clamp")
    return Problem("smallthings:clamp", "", "clamp", tests, isolation="in-process", place=place)
