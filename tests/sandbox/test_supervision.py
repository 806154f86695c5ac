"""What becomes of the processes when something breaks."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_koderz.core.errors import SandboxFault
from pytest_koderz.core.iteration import Candidate
from pytest_koderz.core.problem import Problem
from pytest_koderz.sandbox import kernel, landlock, open_sandbox, seccomp
from pytest_koderz.sandbox.levels import host_of
from pytest_koderz.sandbox.usage import fate_of, usage_of, waited_seconds
from pytest_koderz.sandbox.watch import Stopwatch

from .worlds import REPOSITORY, descendants

PROBLEM = Problem("own/0", "", "f", "def check(candidate):\n    assert candidate(1) == 2\n")
RIGHT = Candidate("def f(n):\n    return n + 1\n")
linux = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


def _until(true: Callable[[], bool], seconds: float = 10.0) -> bool:
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


_HARNESS = """
import sys, time
from pytest_koderz.sandbox import open_sandbox
from pytest_koderz.core.iteration import Candidate
from pytest_koderz.core.problem import Problem
judge = open_sandbox(timeout=60)
alone = Problem("own/1", "", "f", "class T: pass", isolation="in-process")
judge(alone, Candidate("f = 1"))
print("ready", flush=True)
judge(Problem("own/0", "", "f", "def check(candidate): candidate()"), Candidate("def f():\\n    while True: pass\\n"))
"""


@linux
def test_a_harness_killed_without_a_word_leaves_no_process_and_no_file(tmp_path: Path) -> None:
    """Zygotes see that it is gone, end their children and remove what was written."""
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "TMPDIR": str(tmp_path)}
    with subprocess.Popen([sys.executable, "-c", _HARNESS], env=environment, stdout=subprocess.PIPE) as harness:
        assert harness.stdout is not None
        harness.stdout.readline()
        assert _until(lambda: len(descendants(harness.pid)) >= 6)
        everyone = descendants(harness.pid)
        assert list(tmp_path.iterdir())
        harness.kill()
    assert _until(lambda: not any(_alive(pid) for pid in everyone))
    assert not list(tmp_path.iterdir())


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@linux
def test_a_broken_process_is_replaced_and_the_verdict_still_comes() -> None:
    """Whichever of its own processes dies, the judge starts it again and goes on."""
    with open_sandbox() as judge:
        assert judge(PROBLEM, RIGHT).passed
        before = descendants(os.getpid())
        for pid in before:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            assert judge(PROBLEM, RIGHT).passed


def test_a_judge_that_cannot_start_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault, not a verdict."""
    monkeypatch.setattr(sys, "executable", "/bin/true")
    with open_sandbox() as judge, pytest.raises(SandboxFault, match="fork server"):
        judge(PROBLEM, RIGHT)


@linux
def test_nothing_is_left_after_closing() -> None:
    """No process, no descriptor."""
    with open_sandbox() as judge:
        judge(PROBLEM, RIGHT)
    before = len(list(Path("/proc/self/fd").iterdir()))
    with open_sandbox() as judge:
        for _ in range(5):
            judge(PROBLEM, RIGHT)
            judge(PROBLEM, Candidate("import os; os._exit(1)"))
    assert len(list(Path("/proc/self/fd").iterdir())) == before
    assert _until(lambda: not descendants(os.getpid()))


def test_time_spent_waiting_for_a_cpu_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock goes on for as long as the candidate waited, up to three times the limit."""
    now, waited = 0.0, 0.0
    monkeypatch.setattr("pytest_koderz.sandbox.watch.time.monotonic", lambda: now)
    monkeypatch.setattr("pytest_koderz.sandbox.watch.waited_seconds", lambda _: waited)
    watch = Stopwatch(2.0, (1,))
    now, waited = 2.5, 1.5
    assert watch.left() == pytest.approx(1.0)
    now, waited = 3.5, 1.5
    assert watch.left() == pytest.approx(0.0)
    now, waited = 6.5, 6.0
    assert watch.left() < 0


@linux
def test_usage_is_read_from_outside() -> None:
    """CPU seconds, memory and waiting of any process; nothing of one that is not there."""
    usage = usage_of(os.getpid())
    assert usage is not None
    assert (usage.cpu_seconds or 0) > 0
    assert (usage.peak_rss_bytes or 0) > 1 << 20
    assert waited_seconds(os.getpid()) >= 0
    assert usage_of(2**22 + 1) is None


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ([0, 0.1, 5], "the process exited with status 0"),
        ([-9, 0.1, 5], "the process was killed by SIGKILL"),
        ([-60, 0.1, 5], "the process was killed by signal 60"),
        ([], "the process ended"),
    ],
)
def test_a_fate_is_told_in_words(told: list[float], words: str) -> None:
    """Exit status or signal, by its name."""
    assert str(fate_of(told)) == words


def test_levels_name_what_is_missing() -> None:
    """All layers, some of them, or neither of the two that matter most."""
    assert host_of([]) == "landlock+seccomp"
    assert host_of(["capabilities"]) == "partial"
    assert host_of(["seccomp", "rlimits"]) == "partial"
    assert host_of(["landlock", "seccomp"]) == "none"


@linux
@pytest.mark.parametrize("lacking", ["landlock", "seccomp"])
def test_a_system_without_a_layer_is_judged_on_all_the_same(lacking: str, tmp_path: Path) -> None:
    """The split alone keeps verdicts true; the layer is named as missing."""
    script = (
        f"from pytest_koderz.sandbox import {lacking}, zygote\n"
        + ("landlock.abi = lambda: 0\n" if lacking == "landlock" else "seccomp.supported = lambda: False\n")
        + "zygote.main()"
    )
    start = f"import sys; sys.path.append({str(REPOSITORY)!r})\n{script}"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pytest_koderz.sandbox.servers._START", start)
        with open_sandbox() as judge:
            assert judge.levels.missing == (lacking,)
            verdict = judge(PROBLEM, RIGHT)
            assert (verdict.passed, verdict.locks) == (True, "partial")
            assert not judge(PROBLEM, Candidate("import os; os._exit(0)")).passed
            assert not judge(PROBLEM, Candidate(f"open({str(tmp_path / 'x')!r}, 'w')\nf = lambda n: 2")).passed
    assert not list(tmp_path.iterdir())


def test_filters_are_well_formed_for_every_architecture(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each jump lands within the program, and each path ends with a decision."""
    for machine in seccomp.ARCHITECTURES:
        monkeypatch.setattr("platform.machine", lambda machine=machine: machine)
        for scratch, read_only in ((False, False), (True, False), (False, True)):
            built = seccomp.Filter(3, scratch=scratch, read_only=read_only)
            program = list(built._program(3, scratch, read_only))
            assert program[-1][0] == 0x06
            assert len(program) < 4096
            for place, (code, met, unmet, _) in enumerate(program):
                assert place + 1 + max(met, unmet) < len(program) or code == 0x06


def test_the_kernel_is_asked_in_its_own_words() -> None:
    """A call that fails is an OSError with its number."""
    with pytest.raises(OSError, match="Bad file descriptor"):
        kernel.syscall(446, -1, 0) if landlock.abi() else os.close(-1)
