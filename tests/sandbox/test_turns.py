"""On which CPUs the processes of the judge may run."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from pytest_koderz.core.iteration import Candidate
from pytest_koderz.core.problem import Problem
from pytest_koderz.sandbox import open_sandbox

from .worlds import REPOSITORY

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="other systems tell nothing of their CPUs")

_CPUS = "import os\ndef f(n):\n    return sorted(os.sched_getaffinity(0))\n"


def _alone(script: str, *cpus: int) -> str:
    """What *script* prints in a process of its own, which is bound to *cpus*."""
    start = f"import os; os.sched_setaffinity(0, {cpus}) if {cpus} else None\n{script}"
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run([sys.executable, "-c", start], env=environment, capture_output=True, text=True, check=True)
    return done.stdout


def test_candidates_and_checkers_may_use_every_cpu() -> None:
    """Where a child begins is our choice, where it goes is not."""
    ours = sorted(os.sched_getaffinity(0))
    problem = Problem("own/0", "", "f", f"def check(candidate):\n    assert candidate(1) == {ours}\n")
    with open_sandbox() as judge:
        assert all(judge(problem, Candidate(_CPUS)).passed for _ in range(4))
        (lane,) = judge._crew._lanes
        assert sorted(os.sched_getaffinity(lane._checker.pid)) == ours


@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="there is but one CPU")
def test_the_next_child_begins_elsewhere() -> None:
    """The steps of a child leave its zygote all CPUs but the child's, and the child all of them."""
    told = _alone(
        "from pytest_koderz.sandbox.turns import take_turns\n"
        "every, steps, zygote = os.sched_getaffinity(0), take_turns(), os.getpid()\n"
        "for _ in range(20):\n"
        "    pid = os.fork()\n"
        "    if pid == 0:\n"
        "        os.sched_setaffinity(0, {max(every)})\n"
        "        for step in steps: step()\n"
        "        left = os.sched_getaffinity(zygote)\n"
        "        assert os.sched_getaffinity(0) == every and left < every and len(left) == len(every) - 1\n"
        "        os._exit(0)\n"
        "    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), end='')\n"
    )
    assert told == 20 * "0"


def test_with_one_cpu_there_are_no_turns() -> None:
    """A process that is bound to one stays there, and its candidates are judged."""
    only = min(os.sched_getaffinity(0))
    told = _alone(
        "from pytest_koderz.core.iteration import Candidate\n"
        "from pytest_koderz.core.problem import Problem\n"
        "from pytest_koderz.sandbox import open_sandbox\n"
        f"problem = Problem('own/0', '', 'f', 'def check(candidate):\\n    assert candidate(1) == [{only}]\\n')\n"
        "with open_sandbox() as judge:\n"
        f"    print([judge(problem, Candidate({_CPUS!r})).passed for _ in range(3)])\n",
        only,
    )
    assert told == "[True, True, True]\n"


def test_cpus_that_are_taken_away_break_nothing() -> None:
    """The system may do so at any time; what is left is used."""
    told = _alone(
        "from unittest.mock import patch\n"
        "from pytest_koderz.sandbox.turns import take_turns\n"
        "before = os.sched_getaffinity(0)\n"
        "with patch('os.sched_getaffinity', return_value={4094, 4095}): steps = take_turns()\n"
        "for step in steps: step()\n"
        "print(len(steps), os.sched_getaffinity(0) == before)\n"
    )
    assert told == "2 True\n"
