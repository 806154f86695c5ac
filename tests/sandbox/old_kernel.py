"""A judge under a kernel that answers as an older one: a filter stands before the system calls of Landlock.

As a program: the version of Landlock (0: none) and problems with candidates as JSON on stdin, one line of JSON each.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import json
import os
import struct
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from queue import SimpleQueue
from threading import Thread
from typing import Any

from pytest_koderz.core.iteration import Candidate
from pytest_koderz.core.problem import Problem
from pytest_koderz.sandbox import open_sandbox, seccomp
from pytest_koderz.sandbox.preflight import preflight
from pytest_koderz.sandbox.system_calls import set_no_new_privs, syscall

from .worlds import REPOSITORY

_CREATE_RULESET = 444
_NEW_LISTENER = 1 << 3
_NOTIFY, _ERRNO, _ALLOW = 0x7FC00000, 0x00050000, 0x7FFF0000
_RECEIVE, _SEND, _CONTINUE = 0xC0502100, 0xC0182101, 1
_VERSION_ASKED = 1
_ATTRIBUTES = 8
"""Bytes of what the first three versions are told of a ruleset."""


def judged_there(version: int, problems: Sequence[tuple[Problem, str]]) -> tuple[list[str], list[Any]]:
    """The locks that are missing under such a kernel, and what became of each problem's candidate:

    whether it passes, why it does not, and what the pre-flight says where it is the canonical solution.
    """
    rows = [[asdict(each), source] for each, source in problems]
    run = subprocess.run(
        [sys.executable, "-B", "-m", "tests.sandbox.old_kernel", str(version)],
        input=json.dumps(rows),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd=REPOSITORY,
    )
    if run.returncode:
        raise AssertionError(f"the judging process ended with {run.returncode}\n{run.stdout}\n{run.stderr[-4000:]}")
    missing, *verdicts = map(json.loads, run.stdout.splitlines())
    return missing, verdicts


def become_older(version: int) -> None:
    """Have this thread, and what it starts, find a kernel with no more than that version of Landlock."""
    set_no_new_privs()
    action = _NOTIFY if version else _ERRNO | errno.ENOSYS
    program = [(0x20, 0, 0, 0), (0x15, 0, 1, _CREATE_RULESET), (0x06, 0, 0, action), (0x06, 0, 0, _ALLOW)]
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *each) for each in program))
    header = struct.pack("HP", len(program), ctypes.addressof(code))
    number = seccomp.ARCHITECTURES[os.uname().machine].seccomp
    listeners = SimpleQueue[int]()
    Thread(target=_answer, args=(listeners, version), daemon=True).start()  # before the filter, so that it is not bound
    listeners.put(syscall(number, 1, _NEW_LISTENER if version else 0, header))


def _answer(listeners: SimpleQueue[int], version: int) -> None:
    listener = listeners.get()
    while version:
        # struct seccomp_notif: id, pid, flags, then struct seccomp_data: number, architecture, place, six arguments
        call = bytearray(80)
        fcntl.ioctl(listener, _RECEIVE, call)
        identity, *_ = struct.unpack_from("=Q", call)
        _, size, flags, *_ = struct.unpack_from("=6Q", call, 32)
        value, error, onward = 0, 0, _CONTINUE
        if flags == _VERSION_ASKED:
            value, onward = version, 0
        elif size > _ATTRIBUTES:
            error, onward = -errno.E2BIG, 0
        fcntl.ioctl(listener, _SEND, bytearray(struct.pack("=QqiI", identity, value, error, onward)))


def _problem(fields: dict[str, Any]) -> Problem:
    """JSON knows no tuples."""
    told: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()}
    return Problem(**told)


def _main() -> None:
    become_older(int(sys.argv[1]))
    problems = [(_problem(fields), source) for fields, source in json.load(sys.stdin)]
    with open_sandbox() as judge:
        print(json.dumps(judge.levels.missing))  # noqa: T201 - the driver's output is its result
        for problem, source in problems:
            verdict = judge(problem, Candidate(source))
            why = [each.summary for each in verdict.failures]
            reason = preflight(judge, [replace(problem, canonical_solution=source)])[problem.id]
            print(json.dumps([verdict.passed, why, reason]))  # noqa: T201 - likewise


if __name__ == "__main__":
    _main()
