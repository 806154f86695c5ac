"""A benchmark that was cut short goes on: nothing is paid twice, nothing is lost, nothing is mixed."""

from __future__ import annotations

import json
import os
import random
import resource
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pytest_koderz.reporters.lock import FolderLock
from pytest_koderz.testing import Answer, OllamaServer, Request

from .conftest import Run
from .killing import command, kill_when, recorded_bytes, results

SETTINGS = """
profiles:
  short:
    description: SIMULATED models
    arms: [koderz, frontier-only]
    models: {spec: simulated-frontier, local: simulated-local, checkpoint: simulated-frontier, frontier: simulated-frontier}
    problems: HumanEval/0,HumanEval/4,HumanEval/5,HumanEval/10
    max_iterations: 8
cortex: {enabled: false}
"""
SHORT = ("--koderz-profile", "short")


@pytest.fixture
def short(run: Run, pytester: pytest.Pytester) -> Run:
    """A simulated benchmark of eight experiments."""
    (pytester.path / "koderz.yaml").write_text(SETTINGS)

    def shortly(*arguments: str) -> pytest.RunResult:
        return run("--koderz", "--tb=no", *arguments)

    return shortly


@pytest.fixture
def undisturbed(short: Run, pytester: pytest.Pytester) -> Path:
    """The folder, with the results of a whole run in r.json; its journal is there too."""
    short(*SHORT, "--koderz-json", "r.json")
    return pytester.path


@pytest.mark.parametrize("workers", ["0", "2"])
def test_killed_at_any_point_it_ends_as_if_it_had_not_been(undisturbed: Path, short: Run, workers: str) -> None:
    """Three times in one benchmark, by SIGKILL, at seeded points; then outcomes, dollars and tokens are the same."""
    wanted, size = results(undisturbed / "r.json"), recorded_bytes(undisturbed)
    journal(undisturbed).unlink()
    draw = random.Random(int(workers))
    points = sorted(draw.randrange(size) for _ in range(3))
    for turn, point in enumerate(points):
        asked = SHORT if turn == 0 else ("--koderz-resume",)
        kill_when(undisturbed, lambda least=point: recorded_bytes(undisturbed) > least, *asked, "-n", workers)  # type: ignore[misc]  # a lambda's default
    # With another number of workers than before.
    result = short("--koderz-resume", "--koderz-json", "again.json", "-n", str(2 - int(workers)))
    assert results(undisturbed / "again.json") == wanted
    assert not any(line.startswith("warning") for line in result.outlines)
    assert len(list(undisturbed.glob(".koderz/bench_*/*.jsonl"))) == 3


def test_what_is_settled_is_reported_as_it_was(undisturbed: Path, short: Run) -> None:
    """Profile and id are those of the run; times and dollars too; nothing is asked or written anew."""
    before = journal(undisturbed).read_bytes()
    result = short("--koderz-resume", "--koderz-json", "again.json", "-v")
    first, second = (json.loads((undisturbed / name).read_text()) for name in ("r.json", "again.json"))
    assert first["experiments"] == second["experiments"]
    assert first["benchmark"] == second["benchmark"]
    assert journal(undisturbed).read_bytes() == before
    result.stdout.fnmatch_lines(["koderz: SIMULATED resuming bench_*: 8 settled, 0 cut short, invalid or skipped"])
    assert not any("iteration 1" in line for line in result.outlines)


def test_a_changed_arm_is_named_and_run_anew(undisturbed: Path, short: Run) -> None:
    """And nothing else is: the other arm stays as recorded. Changed back, the old record counts again."""
    own = undisturbed / "koderz.yaml"
    own.write_text(SETTINGS.replace("max_iterations: 8", "max_iterations: 2"))
    result = short("--koderz-resume", "--koderz-json", "two.json")
    result.stdout.fnmatch_lines(
        [
            "koderz: *arm 'koderz' is run anew, not mixed with its record; changed: arm",
            "warning: run anew with arm 'koderz', since it changed: arm (4 times)",
        ]
    )
    assert max(row["iterations"] for row in results(undisturbed / "two.json")["experiments"].values()) == 2
    rows = [json.loads(line) for line in journal(undisturbed).read_text().splitlines()]
    assert sum(row["event"] == "began" and row["arm"] == "frontier-only" for row in rows) == 4
    own.write_text(SETTINGS)
    short("--koderz-resume", "--koderz-json", "back.json")
    assert results(undisturbed / "back.json") == results(undisturbed / "r.json")


def test_a_torn_line_costs_one_call_at_most(undisturbed: Path, short: Run) -> None:
    """It is cut off, and what follows stands on lines of its own."""
    path = journal(undisturbed)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:-20]) + lines[-20][:50])
    short("--koderz-resume", "--koderz-json", "again.json")
    assert results(undisturbed / "again.json") == results(undisturbed / "r.json")
    assert all(json.loads(line) for line in path.read_text().splitlines())


def _broken(lines: list[str]) -> list[str]:
    return [*lines[:2], lines[2][:50], *lines[3:]]


def _newer(lines: list[str]) -> list[str]:
    return [lines[0].replace('"v":2', '"v":99'), *lines[1:]]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_broken, "*main.jsonl:3: is no line of a journal; remove it to go on without what it held"),
        (_newer, "*main.jsonl:1: was written by a newer version of pytest-koderz (format 99, this one reads up to 2)"),
    ],
    ids=["broken", "newer"],
)
def test_a_journal_that_cannot_be_trusted_is_refused(
    undisturbed: Path, short: Run, change: Callable[[list[str]], list[str]], words: str
) -> None:
    """In one line, with file and line, before anything is spent."""
    path = journal(undisturbed)
    path.write_text("\n".join(change(path.read_text().splitlines())) + "\n")
    result = short("--koderz-resume")
    result.stderr.fnmatch_lines([f"ERROR: {words}"])
    assert result.ret == pytest.ExitCode.USAGE_ERROR


def test_an_older_journal_is_named_and_run_anew(undisturbed: Path, short: Run) -> None:
    """It does not say under which conditions its experiments were run."""
    path = journal(undisturbed)
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    old = [{**row, "v": 1} for row in rows if row["event"] != "began"]
    path.write_text("".join(json.dumps({key: row[key] for key in row if key != "conditions"}) + "\n" for row in old))
    result = short("--koderz-resume", "--koderz-json", "again.json")
    result.stdout.fnmatch_lines(["warning: run anew *journal version (an older one*(4 times)"])
    assert results(undisturbed / "again.json") == results(undisturbed / "r.json")


def test_two_runs_at_once_are_refused(undisturbed: Path, short: Run) -> None:
    """The second is told who is at work; the lock of a killed run does not stand in the way."""
    lock = FolderLock(journal(undisturbed).parent)
    lock.take()
    try:
        result = short("--koderz-resume")
    finally:
        lock.release()
    result.stderr.fnmatch_lines([f"ERROR: *another run is at work on this benchmark (process {os.getpid()})"])
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert short("--koderz-resume").ret == pytest.ExitCode.TESTS_FAILED


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("bench_0", "*no benchmark named 'bench_0' in *"),
        ("problems/own.yaml", "*no benchmark named 'problems/own.yaml'*"),
    ],
)
def test_an_unknown_benchmark_is_a_usage_error(undisturbed: Path, short: Run, name: str, words: str) -> None:
    """A path that was taken for an id is shown as what it was taken for."""
    short("--koderz-resume", name).stderr.fnmatch_lines([f"ERROR: --koderz-resume: {words}"])


def test_without_a_journal_there_is_nothing_to_resume(short: Run) -> None:
    result = short("--koderz-resume")
    result.stderr.fnmatch_lines(["ERROR: --koderz-resume: there is no journal of a benchmark in *"])
    assert result.ret == pytest.ExitCode.USAGE_ERROR


def test_a_full_disk_stops_what_could_not_be_recorded(undisturbed: Path, short: Run) -> None:
    """The rest is invalid with the reason, nothing more is asked, the session ends in order; with room it goes on."""
    size = recorded_bytes(undisturbed)
    journal(undisturbed).unlink()
    done = subprocess.run(
        command(*SHORT, "--koderz-json", "full.json"),
        cwd=undisturbed,
        capture_output=True,
        text=True,
        check=False,
        # The kernel refuses what a file may not hold just as it refuses what a disk has no room for.
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size // 2 + (1 << 16), resource.RLIM_INFINITY)),
    )
    assert done.returncode == pytest.ExitCode.TESTS_FAILED
    assert "the journal cannot be written: File too large: " in done.stdout
    full = json.loads((undisturbed / "full.json").read_text())["arms"]
    rows = [json.loads(line) for line in journal(undisturbed).read_text().splitlines()]
    called = sum(row["event"] == "called" for row in rows)
    assert sum(arm["invalid"] for arm in full.values()) > 0
    assert called + 1 >= sum(len(row) for row in _ledger_calls(undisturbed / "full.json"))
    short("--koderz-resume", "--koderz-json", "again.json")
    assert results(undisturbed / "again.json") == results(undisturbed / "r.json")


def _ledger_calls(path: Path) -> Iterator[list[int]]:
    """For each experiment a row as long as its calls."""
    for row in json.loads(path.read_text())["experiments"]:
        yield [1] * (row["iterations"] + row["checkpoints"] + (row["arm"] == "koderz" and row["outcome"] != "invalid"))


SERVED = """
profiles:
  served:
    arms: [local-only]
    models: {local: coder}
    max_iterations: 4
models:
  coder: {backend: ollama, model: "qwen2.5-coder:7b"}
cortex: {enabled: false}
"""
PROBLEM = """
  - id: own/add{number}
    entry_point: add{number}
    prompt: "def add{number}(x, y): ..."
    tests: "def check(candidate): assert candidate(2, 3) == 5"
    canonical_solution: "def add{number}(x, y): return x + y"
"""


def _coder(request: Request) -> Answer:
    """Right at the third try, and slow enough to be killed while it thinks."""
    asked = json.dumps(request.body)
    name = asked.split("Write the whole function `")[1].split("`")[0]
    tries = asked.count("## Attempt")
    operator = "+" if tries == 2 else "-"
    return Answer(f"```python\ndef {name}(x, y):\n    return x {operator} y  # {tries}\n```", latency=0.05)


@pytest.mark.parametrize(("workers", "stop"), [("0", signal.SIGTERM), ("2", signal.SIGKILL)])
def test_only_calls_in_flight_are_asked_again(
    run: Run, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, workers: str, stop: signal.Signals
) -> None:
    """As the server counts them: six problems, three calls each, and one more at most for each worker killed."""
    (pytester.path / "koderz.yaml").write_text(SERVED)
    (pytester.path / "problems").mkdir()
    suite = "problems:" + "".join(PROBLEM.format(number=number) for number in range(6))
    (pytester.path / "problems" / "own.yaml").write_text(suite)
    with OllamaServer(_coder) as server:
        monkeypatch.setenv("OLLAMA_HOST", server.url)
        served = ("--koderz-profile", "served", "-n", workers)
        assert kill_when(pytester.path, lambda: len(_asked(server)) >= 8, *served, stop=stop)
        result = run("--koderz", "--koderz-resume", "--koderz-json", "r.json", "-n", "0")
        asked = _asked(server)
    result.assert_outcomes(passed=6)
    assert 18 <= len(asked) <= 18 + max(int(workers), 1)
    arm = json.loads((pytester.path / "r.json").read_text())["arms"]["local-only"]
    assert (arm["solved"], arm["iterations"]) == (6, 18 / 6)


def _asked(server: OllamaServer) -> list[Any]:
    return [request for request in server.requests if request.path == "/api/chat"]


def journal(folder: Path) -> Path:
    """The only one."""
    (path,) = folder.glob(".koderz/bench_*/*.jsonl")
    return path
