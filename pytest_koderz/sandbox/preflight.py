"""The judge is tested before it is paid for: on each problem the known answer must pass and known cheats must fail."""

from __future__ import annotations

import builtins
import errno
import json
import os
import platform
import stat
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from functools import cache
from hashlib import sha256
from pathlib import Path

from pytest_koderz.core.errors import SandboxFault
from pytest_koderz.core.iteration import Candidate, Outcome, Verdict
from pytest_koderz.core.ports import Sandbox
from pytest_koderz.core.problem import Problem, TestSet
from pytest_koderz.files.atomic import write_whole

from .impossible_tests import refusal
from .tests_text import has_assertion

_EQUAL = "answers with an object that equals everything"
"""No tests withstand that which are run beside the candidate and ask for nothing but equality."""
_EXPLOITS: Mapping[str, str] = {
    "leaves with status 0 when it is loaded": "import os\nos._exit(0)\n",
    "leaves with status 0 when it is called": "import sys\ndef {name}(*args, **kwargs):\n    sys.exit(0)\n",
    _EQUAL: (
        "class Same:\n    __eq__ = lambda self, other: True\n    __hash__ = None\n"
        "def {name}(*args, **kwargs):\n    return Same()\n"
    ),
}


@dataclass(frozen=True, slots=True)
class _Flight:
    """What was found of one problem."""

    reason: str | None = None
    weakness: str | None = None
    lasting: bool = True
    """It would be so tomorrow."""


def preflight(
    judge: Sandbox,
    problems: Iterable[Problem],
    cache_folder: Path | None = None,
    tests: Sequence[TestSet] = ("base",),
    *,
    notify: Callable[[str], None] | None = None,
) -> dict[str, str | None]:
    """For each problem by its id: None, or in one line why no verdict on it would mean anything.

    Of *tests* those count that a problem has. What was found is kept in *cache_folder*, if one is given, for the same
    problem, interpreter, machine and judge; what the moment may have caused (a fault, a time-out) is not.
    *notify* is told in one line what a problem's verdicts are worth less for: a weakness of its mode.
    """
    reasons = {}
    for problem in problems:
        flight = _remembered(judge, problem, cache_folder, tuple(tests))
        reasons[problem.id] = flight.reason
        if flight.weakness and notify:
            notify(flight.weakness)
    return reasons


def _remembered(judge: Sandbox, problem: Problem, folder: Path | None, tests: tuple[TestSet, ...]) -> _Flight:
    entry = None if folder is None else folder / f"{_key_of(problem, tests, _missing(judge))}.json"
    known = _read(entry)
    if known is not None:
        return known
    flight = _flown(judge, problem, tests)
    if entry is not None and flight.lasting:
        found = {"problem": problem.id, "reason": flight.reason, "weakness": flight.weakness}
        with suppress(OSError):  # such as a full disk: it is found out again
            entry.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_whole(entry, json.dumps(found), 0o600)
    return flight


def _flown(judge: Sandbox, problem: Problem, tests: tuple[TestSet, ...]) -> _Flight:
    flight = _Flight()
    try:
        for each in tests:
            source = problem.source_of(each)
            if flight.reason is None and source is not None:
                refused = refusal(problem, source, _missing(judge))
                found = _Flight(refused) if refused else _tried(judge, problem, each)
                flight = replace(found, weakness=flight.weakness or found.weakness)
    except SandboxFault as fault:
        return _Flight(f"the sandbox failed: {fault}", lasting=False)
    return flight


def _tried(judge: Sandbox, problem: Problem, tests: TestSet) -> _Flight:
    if problem.canonical_solution is not None:
        verdict = judge(problem, Candidate(problem.canonical_solution), tests)
        if not verdict.passed:
            why = f"its own canonical solution fails the {tests} tests: {_why(verdict, _missing(judge))}"
            return _Flight(why, lasting=verdict.outcome is not Outcome.TIMED_OUT)
    for deed, source in _EXPLOITS.items():
        verdict = judge(problem, Candidate(source.replace("{name}", problem.entry_point)), tests)
        if verdict.passed:
            if deed == _EQUAL and verdict.isolation == "in-process" and has_assertion(problem.source_of(tests) or ""):
                return _Flight(weakness=f"in-process: tests that ask for equality alone pass a program that {deed}")
            return _Flight(f"the {tests} tests pass a program that {deed}")
    return _Flight()


def _why(verdict: Verdict, missing: Sequence[str]) -> str:
    summary = verdict.failures[0].summary if verdict.failures else str(verdict.outcome)
    kind = getattr(builtins, summary.partition(":")[0], None)
    if "landlock" in missing and isinstance(kind, type) and issubclass(kind, OSError):
        return f"{summary}; without landlock, which this system lacks, no file can be written"
    return summary


def _missing(judge: Sandbox) -> tuple[str, ...]:
    """Names of the locks that are not there, as far as is known: a judge of a user's own may have no levels."""
    try:
        missing: tuple[str, ...] = getattr(getattr(judge, "levels", None), "missing", ())
    except SandboxFault:  # of which each verdict will tell as well
        return ()
    return missing


def _key_of(problem: Problem, tests: tuple[TestSet, ...], missing: tuple[str, ...]) -> str:
    machine = [*missing, platform.machine(), platform.release(), platform.node(), sys.version, sys.executable]
    told = {name: value for name, value in asdict(problem).items() if name not in _UNJUDGED}
    return sha256(json.dumps([told, tests, machine, _judge_version()]).encode()).hexdigest()


_UNJUDGED = ("categories", "published")
"""Of a problem: what makes no difference to any verdict."""


_LONGEST_ENTRY = 1 << 16


@cache
def _judge_version() -> str:
    """A digest of this room: another judge may judge otherwise."""
    sources = sorted(Path(__file__).parent.glob("*.py"))
    return sha256(b"\0".join(path.read_bytes() for path in sources)).hexdigest()


def _read(entry: Path | None) -> _Flight | None:
    try:
        known = None if entry is None else json.loads(_own_content(entry))
    except (OSError, ValueError):
        return None
    return _Flight(known["reason"], known.get("weakness")) if isinstance(known, dict) and "reason" in known else None


def _own_content(entry: Path) -> bytes:
    """Raises OSError for what is no file of the user's own: where others can write, they may have put theirs there."""
    with os.fdopen(os.open(entry, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
        about = os.fstat(file.fileno())
        if not stat.S_ISREG(about.st_mode) or about.st_uid != os.geteuid():
            raise PermissionError(errno.EPERM, os.strerror(errno.EPERM), str(entry))
        return file.read(_LONGEST_ENTRY)
