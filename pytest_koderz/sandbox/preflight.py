"""The judge is tested before it is paid for: on each problem the known answer must pass and known cheats must fail."""

from __future__ import annotations

import json
import platform
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from functools import cache
from hashlib import sha256
from pathlib import Path

from pytest_koderz.core.errors import SandboxFault
from pytest_koderz.core.iteration import Candidate, Outcome, Verdict
from pytest_koderz.core.ports import Sandbox
from pytest_koderz.core.problem import Problem, TestSet
from pytest_koderz.files.atomic import write_output

_EXPLOITS: Mapping[str, str] = {
    "leaves with status 0 when it is loaded": "import os\nos._exit(0)\n",
    "leaves with status 0 when it is called": "import sys\ndef {name}(*args, **kwargs):\n    sys.exit(0)\n",
    "answers with an object that equals everything": (
        "class Same:\n    __eq__ = lambda self, other: True\n    __hash__ = None\n"
        "def {name}(*args, **kwargs):\n    return Same()\n"
    ),
}


def preflight(
    judge: Sandbox, problems: Iterable[Problem], cache_folder: Path | None = None, tests: Sequence[TestSet] = ("base",)
) -> dict[str, str | None]:
    """For each problem by its id: None, or in one line why no verdict on it would mean anything.

    Of *tests* those count that a problem has. What was found is kept in *cache_folder*, if one is given, for the same
    problem, interpreter, machine and judge; what the moment may have caused (a fault, a time-out) is not.
    """
    return {problem.id: _remembered(judge, problem, cache_folder, tuple(tests)) for problem in problems}


def _remembered(judge: Sandbox, problem: Problem, folder: Path | None, tests: tuple[TestSet, ...]) -> str | None:
    entry = None if folder is None else folder / f"{_key_of(problem, tests)}.json"
    known = _read(entry)
    if known is not None:
        return known["reason"]
    reason, lasting = _reason(judge, problem, tests)
    if entry is not None and lasting:
        write_output(entry, json.dumps({"problem": problem.id, "reason": reason}))
    return reason


def _reason(judge: Sandbox, problem: Problem, tests: tuple[TestSet, ...]) -> tuple[str | None, bool]:
    """Why the problem is invalid, if it is, and whether it would be so tomorrow."""
    try:
        for each in tests:
            if problem.source_of(each) is not None:
                reason, lasting = _reason_of(judge, problem, each)
                if reason is not None:
                    return reason, lasting
    except SandboxFault as fault:
        return f"the sandbox failed: {fault}", False
    return None, True


def _reason_of(judge: Sandbox, problem: Problem, tests: TestSet) -> tuple[str | None, bool]:
    if problem.canonical_solution is not None:
        verdict = judge(problem, Candidate(problem.canonical_solution), tests)
        if not verdict.passed:
            return (
                f"its own canonical solution fails the {tests} tests: {_why(verdict)}",
                verdict.outcome is not Outcome.TIMED_OUT,
            )
    for deed, source in _EXPLOITS.items():
        if judge(problem, Candidate(source.replace("{name}", problem.entry_point)), tests).passed:
            return f"the {tests} tests pass a program that {deed}", True
    return None, True


def _why(verdict: Verdict) -> str:
    return verdict.failures[0].summary if verdict.failures else str(verdict.outcome)


def _key_of(problem: Problem, tests: tuple[TestSet, ...]) -> str:
    machine = [platform.machine(), platform.release(), platform.node(), sys.version, sys.executable]
    return sha256(json.dumps([asdict(problem), tests, machine, _judge_version()]).encode()).hexdigest()


@cache
def _judge_version() -> str:
    """A digest of this room: another judge may judge otherwise."""
    sources = sorted(Path(__file__).parent.glob("*.py"))
    return sha256(b"\0".join(path.read_bytes() for path in sources)).hexdigest()


def _read(entry: Path | None) -> dict[str, str | None] | None:
    try:
        known = None if entry is None else json.loads(entry.read_bytes())
    except (OSError, ValueError):
        return None
    return known if isinstance(known, dict) and "reason" in known else None
