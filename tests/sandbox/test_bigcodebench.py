"""Honest programs of the shared data: what passes in a plain process passes in the judge."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pytest_koderz.core.iteration import Candidate
from pytest_koderz.core.problem import Problem
from pytest_koderz.datasets import load
from pytest_koderz.sandbox import open_sandbox
from pytest_koderz.sandbox.preflight import preflight
from pytest_koderz.sandbox.supervisor import Judge

from .worlds import REPOSITORY

pytestmark = pytest.mark.slow
DATA = REPOSITORY / "../shared/data/BigCodeBench-stdlib.jsonl.gz"
IMPOSSIBLE = {
    "BigCodeBench/147": "makes a real socket, and handles only the connection that fails",
}
"""What passes outside and cannot pass inside, with the reason."""
_PLAIN = """
import sys
CLOSED = {
    "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "os.system", "subprocess.Popen",
    "socket.bind", "socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto",
}
def closed(event, args):
    if event in CLOSED:
        raise PermissionError(1, event)
sys.addaudithook(closed)
"""
_ASSERTION = re.compile(r"\bself\.(assert\w+)\(")
_MAIN = "\nif __name__ == '__main__':\n    import unittest\n    unittest.main()\n"


@pytest.fixture(scope="module")
def published() -> list[Problem]:
    if not DATA.exists():
        pytest.skip("the shared problems of BigCodeBench are not there")
    return list(load("bigcodebench-hard", DATA))


@pytest.fixture(scope="module")
def patient() -> Iterator[Judge]:
    with open_sandbox(timeout=30.0) as judge:
        yield judge


def _passes_outside(problem: Problem) -> bool:
    """Without network and other processes, in a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="plain") as folder:
        program = Path(folder, "program.py")
        program.write_text(f"{_PLAIN}\n{problem.canonical_solution}\n{problem.tests}\n{_MAIN}")
        home = Path(folder, "home")
        home.mkdir()
        try:
            run = subprocess.run(
                [sys.executable, "-B", str(program)],
                cwd=home,
                env={"HOME": str(home), "TMPDIR": str(home), "PATH": os.defpath},
                capture_output=True,
                timeout=120,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return False
    return run.returncode == 0


def test_every_answer_that_passes_outside_passes_inside(published: list[Problem], patient: Judge) -> None:
    """But for the few that are listed by name. How many are judged in which mode is printed."""
    assert len(IMPOSSIBLE) <= 0.03 * len(published)
    modes: Counter[str] = Counter()

    def lost(problem: Problem) -> bool:
        verdict = patient(problem, Candidate(problem.canonical_solution or ""))
        modes[f"{verdict.isolation}, {verdict.outcome}"] += 1
        return not verdict.passed and _passes_outside(problem)

    with ThreadPoolExecutor(2) as pool:
        found = {problem.id for problem, gone in zip(published, pool.map(lost, published), strict=True) if gone}
    print(dict(modes))  # noqa: T201 - asked for, shown with -s
    assert found == set(IMPOSSIBLE)


def test_no_problem_is_invalid_for_its_kind_of_assertion(published: list[Problem], patient: Judge) -> None:
    """Beside the candidate an answer that equals everything passes wherever only equality is asked for."""
    equal = [problem for problem in published if set(_ASSERTION.findall(problem.tests)) == {"assertEqual"}]
    assert len(equal) > 20
    told: list[str] = []
    reasons = preflight(patient, equal, notify=told.append)
    assert {name: reason for name, reason in reasons.items() if reason and "canonical solution" not in reason} == {}
    assert told
