"""Which locks hold, as one tries who is held by them; kernels that say yes and do nothing, and such that say no."""

from __future__ import annotations

import errno
import os
import sys

import pytest

from .worlds import NOBODY, as_user, interpreter_for, linux, said_by

pytestmark = linux
_NUMBERS = {
    "x86_64": {"seccomp": 317, "prlimit64": 302, "capset": 126, "prctl": 157, "unshare": 272},
    "aarch64": {"seccomp": 277, "prlimit64": 261, "capset": 91, "prctl": 167, "unshare": 97},
}
_EVERYWHERE = {
    "landlock_add_rule": 445,
    "landlock_restrict_self": 446,
    "pidfd_send_signal": 424,
    "mount_setattr": 442,
}
_ANSWERS = """
import ctypes, struct
code = [(0x20, 0, 0, 0), (0x15, 0, 1, {number}), (0x06, 0, 0, 0x50000 | {answer}), (0x06, 0, 0, 0x7FFF0000)]
program = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *each) for each in code))
libc = ctypes.CDLL(None, use_errno=True)
assert libc.prctl(38, 1, 0, 0, 0) == 0
assert libc.prctl(22, 2, struct.pack("HP", len(code), ctypes.addressof(program))) == 0
"""
"""A filter that answers one call in the kernel's place, for this process and all that it starts."""
_JUDGES = """
from pytest_koderz.core.errors import SandboxFault
from pytest_koderz.core.iteration import Candidate
from pytest_koderz.core.problem import Problem
from pytest_koderz.files.usage_error import UsageError
from pytest_koderz.sandbox import open_sandbox
problem = Problem("own/0", "", "f", "def check(candidate):\\n    assert candidate(1) == 2\\n")
try:
    with open_sandbox() as judge:
        right, wrong = (judge(problem, Candidate(f"def f(n): return n + {more}")) for more in (1, 2))
        print(judge.levels.host, right.locks, *judge.levels.missing, sep=",")
        print(right.outcome, wrong.outcome)
    with open_sandbox(strict=True):
        print("taken for all")
except (SandboxFault, UsageError) as fault:
    print(type(fault).__name__, fault)
"""


def _judged_where(call: str, answer: int, user: int | None) -> list[str]:
    """What the judge says where *call* is answered by the number of an error, or by 0."""
    as_user(user)
    number = {**_EVERYWHERE, **_NUMBERS[os.uname().machine]}[call]
    python = sys.executable if user is None else interpreter_for(user)
    return said_by([python, "-B", "-c", _ANSWERS.format(number=number, answer=answer) + _JUDGES], user)


def _slow(*values: object) -> object:
    return pytest.param(*values, marks=pytest.mark.slow)


@pytest.mark.parametrize(
    ("call", "layer"),
    [
        ("landlock_restrict_self", "landlock"),
        ("seccomp", "seccomp"),
        _slow("prlimit64", "rlimits"),
        _slow("capset", "capabilities"),
        _slow("mount_setattr", "private mounts"),
        _slow("unshare", "private mounts"),
    ],
)
@pytest.mark.parametrize("user", [_slow(None), NOBODY], ids=["ourselves", "nobody"])
def test_a_lock_that_is_said_to_hold_and_does_not_is_missing(call: str, layer: str, user: int | None) -> None:
    """Someone above answers in the kernel's place that all is well; who is held has tried, and strict refuses."""
    levels, outcomes, refusal = _judged_where(call, 0, user)
    host, locks, *missing = levels.split(",")
    assert (host, locks) == ("partial", "partial")
    assert layer in missing
    assert outcomes == "passed wrong"
    assert refusal.startswith("UsageError sandbox: strict")
    assert layer in refusal


@pytest.mark.parametrize(
    "call", ["landlock_add_rule", _slow("landlock_restrict_self"), "pidfd_send_signal", _slow("prlimit64")]
)
def test_a_call_that_is_forbidden_is_a_fault_that_names_it(call: str) -> None:
    """The system has the lock, and does not let us close it: nobody's failure, and not to be passed over."""
    (said,) = _judged_where(call, errno.EPERM, NOBODY)[-1:]
    assert said.startswith("SandboxFault")
    assert call in said


def test_a_system_without_a_way_to_private_mounts_is_partial() -> None:
    """As in many containers."""
    levels, outcomes, refusal = _judged_where("unshare", errno.EPERM, NOBODY)
    assert levels == "partial,partial,private mounts"
    assert outcomes == "passed wrong"
    assert "lacks private mounts" in refusal
