"""A benchmark that was cut short goes on: nothing is paid twice, nothing is lost, nothing is mixed."""

from __future__ import annotations

import json
import os
import random
import resource
import shutil
import signal
import subprocess
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from pytest_koderz.core.money import Usage
from pytest_koderz.records.folder_lock import FolderLock
from pytest_koderz.testing import Answer, OllamaServer, Request
from pytest_koderz.testing.server import Body
from tests.conftest import Run

from .killing import PATIENCE, command, kill_when, recorded_bytes, results, suite_of

SETTINGS = """
profiles:
  short:
    description: SIMULATED models
    arms: [koderz, frontier-only]
    models: {spec: strong, local: simulated-local, checkpoint: strong, frontier: strong}
    problems: HumanEval/0,HumanEval/4,HumanEval/5,HumanEval/10
    max_iterations: 8
models:
  strong: {backend: simulated, model: frontier, priced_as: claude-opus-5-5, options: {strength: 0.95}}
cortex: {enabled: false}
"""
SHORT = ("--koderz-profile", "short")


@pytest.fixture(scope="module")
def whole_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a simulated benchmark of eight experiments that was not disturbed, and its results in r.json."""
    folder = tmp_path_factory.mktemp("whole")
    (folder / "koderz.yaml").write_text(SETTINGS)
    subprocess.run(command(*SHORT, "--koderz-json", "r.json"), cwd=folder, stdout=subprocess.DEVNULL, check=False)
    return folder


@pytest.fixture
def undisturbed(whole_run: Path, pytester: pytest.Pytester) -> Path:
    """A copy of it, in which pytest is run."""
    shutil.copytree(whole_run, pytester.path, dirs_exist_ok=True)
    return pytester.path


@pytest.fixture
def short(run: Run) -> Run:
    def shortly(*arguments: str) -> pytest.RunResult:
        return run("--koderz", "--tb=no", *arguments)

    return shortly


@pytest.mark.parametrize(
    ("workers", "kills"), [("0", 1), *(pytest.param(workers, 3, marks=pytest.mark.slow) for workers in ("0", "2"))]
)
def test_killed_at_any_point_it_ends_as_if_it_had_not_been(
    undisturbed: Path, short: Run, workers: str, kills: int
) -> None:
    """By SIGKILL, at seeded points; then outcomes, dollars and tokens are the same."""
    wanted, size = results(undisturbed / "r.json"), recorded_bytes(undisturbed)
    journal(undisturbed).unlink()
    draw = random.Random(int(workers))  # noqa: S311 - not for secrets
    points = sorted(draw.randrange(size) for _ in range(kills))
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
    assert not any("iteration 1:" in line for line in result.outlines)


def test_a_changed_arm_is_named_and_run_anew(undisturbed: Path, short: Run) -> None:
    """And nothing else is: the other arm stays as recorded. Changed back, the old record counts again."""
    own = undisturbed / "koderz.yaml"
    own.write_text(SETTINGS.replace("max_iterations: 8", "max_iterations: 2"))
    result = short("--koderz-resume", "--koderz-json", "two.json")
    result.stdout.fnmatch_lines(
        [
            "koderz: *arm 'koderz' is run anew, not mixed with its record; changed: max_iterations was 8, is 2",
            "warning: run anew with arm 'koderz', since it changed: max_iterations was 8, is 2 (4 times)",
        ]
    )
    assert max(row["iterations"] for row in results(undisturbed / "two.json")["experiments"].values()) == 2
    rows = [json.loads(line) for line in journal(undisturbed).read_text().splitlines()]
    assert sum(row["event"] == "began" and row["arm"] == "frontier-only" for row in rows) == 4
    own.write_text(SETTINGS)
    short("--koderz-resume", "--koderz-json", "back.json")
    back = results(undisturbed / "back.json")
    for name, row in results(undisturbed / "r.json")["experiments"].items():
        # What the changed arm was charged counts as an earlier attempt.
        assert back["experiments"][name] == {**row, "earlier": back["experiments"][name]["earlier"]}


def test_what_was_paid_keeps_its_price(undisturbed: Path, short: Run) -> None:
    """Of a half-done experiment's calls too: each costs what it cost when it was made."""
    path = journal(undisturbed)
    lines = path.read_text().splitlines(keepends=True)
    last = next(place for place, line in enumerate(lines) if '"event":"called"' in line and '"role":"spec"' in line)
    path.write_text("".join(lines[: last + 1]))
    dear = "prices:\n  claude-opus-5-5: {input: 9999, output: 9999, as_of: 2026-11-22, source: a test}\n"
    (undisturbed / "koderz.yaml").write_text(SETTINGS + dear)
    name = json.loads(lines[last])["problem"]
    short("--koderz-resume", "--koderz-json", "again.json", "-k", f"{name}[koderz]")
    (row,) = json.loads((undisturbed / "again.json").read_text())["experiments"]
    (first,) = (
        row
        for row in json.loads((undisturbed / "r.json").read_text())["experiments"]
        if row["id"] == row_id(lines[last])
    )
    spent = [{one["role"]: one["cost_usd"] for one in each["spent"]} for each in (first, row)]
    assert spent[0]["spec"] == spent[1]["spec"]


def row_id(line: str) -> str:
    """Which experiment a journal's line is of."""
    return str(json.loads(line)["experiment"])


def test_one_arm_of_the_former_run_can_go_on(undisturbed: Path, short: Run) -> None:
    """In the former run's profile, though the command line names the arm alone."""
    result = short("--koderz-resume", "--koderz-arm", "frontier-only", "--koderz-json", "one.json")
    assert result.ret in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
    whole, one = (results(undisturbed / name) for name in ("r.json", "one.json"))
    assert one["experiments"] == {key: row for key, row in whole["experiments"].items() if "frontier-only" in key}


def test_what_was_set_out_decides_when_it_is_resumed(undisturbed: Path, short: Run) -> None:
    """Summary, JSON and page have control and margin of the first run, whatever koderz.yaml says now."""
    whole = json.loads((undisturbed / "r.json").read_text())
    (undisturbed / "koderz.yaml").write_text(SETTINGS + "margin: 0.5\ncontrol: no-spec\nlocal_rate: 9\n")
    result = short("--koderz-resume", "--koderz-json", "again.json", "--koderz-html", "again.html")
    again = json.loads((undisturbed / "again.json").read_text())
    kept = ("control", "margin")
    assert [again["benchmark"][key] for key in kept] == [whole["benchmark"][key] for key in kept]
    assert [each["margin"] for each in again["comparisons"]] == [0.05]
    for text in (result.stdout.str(), (undisturbed / "again.html").read_text()):
        said = " ".join(text.replace("SIMULATED", "").split())
        assert "frontier-only, measured on" in said
        assert "margin 5 points" in said
        assert "margin 50 points" not in said
    result.stdout.fnmatch_lines(["koderz: *control frontier-only and margin 0.05, as they were set out"])


def test_another_profile_goes_on_with_a_benchmark_of_its_own(undisturbed: Path, short: Run) -> None:
    """Or with none: its experiments would be paid for anew, and hide those that were recorded."""
    mine = journal(undisturbed)
    later = mine.parent.with_name("bench_ffffffff")
    shutil.copytree(mine.parent, later)
    text = mine.read_text()
    (later / mine.name).write_text(text.replace('"profile":"short"', '"profile":"other"'))
    short("--koderz-resume", *SHORT).stdout.fnmatch_lines([f"koderz: *resuming {mine.parent.name}: 8 settled, *"])
    result = short("--koderz-resume", mine.parent.name, "--koderz-profile", "simulated")
    why = f"{mine.parent.name} is a benchmark of another profile than 'simulated'; *"
    result.stderr.fnmatch_lines([f"ERROR: --koderz-resume: {why}"])
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result = short("--koderz-resume", "--koderz-profile", "simulated", "--koderz-problems", "0")
    result.stdout.fnmatch_lines(["koderz: *nothing was run yet that could be resumed: a new benchmark"])
    assert mine.read_text() == text


def test_a_torn_line_costs_one_call_at_most(undisturbed: Path, short: Run) -> None:
    """It is cut off, and what follows stands on lines of its own."""
    path = journal(undisturbed)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:-20]) + lines[-20][:50])
    short("--koderz-resume", "--koderz-json", "again.json")
    assert results(undisturbed / "again.json") == results(undisturbed / "r.json")
    assert all(json.loads(line) for line in path.read_text().splitlines())


@pytest.mark.parametrize("left", [0, 12])
def test_replies_that_were_cut_since_are_not_paid_for_again(left: int, undisturbed: Path, short: Run) -> None:
    """Nor judged by what is left of them, or of their candidates: what was made of them is recorded beside them."""
    wanted, path = results(undisturbed / "r.json"), journal(undisturbed)
    kept = [json.loads(line) for line in path.read_text().splitlines() if json.loads(line)["event"] != "ended"]
    for event in kept:
        if event["event"] == "called":
            event["reply"]["text"] = event["reply"]["text"][:left]
        for candidate in filter(None, event.get("iteration", {}).get("candidates", ())):
            candidate["source"] = candidate["source"][:left]
    path.write_text("".join(json.dumps(event) + "\n" for event in kept))
    paid = sum(event["event"] == "called" for event in kept)
    assert short("--koderz-resume", "--koderz-json", "again.json").ret == pytest.ExitCode.TESTS_FAILED
    assert results(undisturbed / "again.json") == wanted
    assert path.read_text().count('"event":"called"') + paid == paid


def test_what_cannot_go_on_is_refused(short: Run, pytester: pytest.Pytester, undisturbed: Path) -> None:
    """In one line, with what would be right, before anything is spent: a wrong name, a run at work, no journal."""
    result = short("--koderz-resume", "problems/own.yaml")
    result.stderr.fnmatch_lines(
        ["ERROR: --koderz-resume: no benchmark named 'problems/own.yaml' in * (there is: bench_*"]
    )
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    lock = FolderLock(journal(undisturbed).parent)
    lock.take()
    try:
        result = short("--koderz-resume")
    finally:
        lock.release()
    result.stderr.fnmatch_lines([f"ERROR: *another run is at work on this benchmark (process {os.getpid()})"])
    assert result.ret == pytest.ExitCode.USAGE_ERROR


@pytest.mark.slow
def test_where_nothing_was_run_yet_a_new_benchmark_begins(
    short: Run, pytester: pytest.Pytester, undisturbed: Path
) -> None:
    """And says so: a batch system starts and starts again with one line. A journal that was killed at birth is none."""
    path = journal(undisturbed)
    path.write_text(path.read_text()[:40])
    result = short("--koderz-resume", "-k", "HumanEval/0[", "-n", "1")
    result.stdout.fnmatch_lines(["koderz: *nothing was run yet that could be resumed: a new benchmark"])
    assert sum(result.parseoutcomes().get(word, 0) for word in ("passed", "failed")) == 2
    again = short("--koderz-resume", "-k", "HumanEval/0[")
    again.stdout.fnmatch_lines(["koderz: *resuming bench_*: 2 settled, 0 cut short, invalid or skipped"])


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
    rows = json.loads((undisturbed / "full.json").read_text())["experiments"]
    invalid = [row for row in rows if row["outcome"] == "invalid"]
    assert invalid
    assert all("the journal cannot be written: File too large: " in row["reason"] for row in invalid)
    assert sum(row["tokens"]["in"] > 0 for row in invalid) <= 1
    short("--koderz-resume", "--koderz-json", "again.json")
    assert results(undisturbed / "again.json") == results(undisturbed / "r.json")


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


def _coder(request: Request) -> Answer:
    """Right at the third try."""
    asked = json.dumps(request.body)
    name = asked.split("Write the whole function `")[1].split("`")[0]
    tries = asked.count("## Attempt")
    operator = "+" if tries == 2 else "-"
    return Answer(f"```python\ndef {name}(x, y):\n    return x {operator} y  # {tries}\n```")


class Stalling(OllamaServer):
    """Answers seven requests; the others have to wait until it goes on."""

    def __init__(self) -> None:
        super().__init__(_coder)
        self.goes_on = Event()

    def body_of(self, answer: Answer, usage: Usage, request: Request) -> Body:
        if len(_asked(self)) > 7:
            self.goes_on.wait(PATIENCE)
        return super().body_of(answer, usage, request)


@pytest.mark.parametrize(
    ("workers", "stop"),
    [
        ("0", signal.SIGTERM),
        pytest.param("2", signal.SIGKILL, marks=pytest.mark.slow),
        ("2", signal.SIGINT),
    ],
)
def test_only_calls_in_flight_are_asked_again(
    run: Run, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, workers: str, stop: signal.Signals
) -> None:
    """As the server counts them: six problems, three calls each, and one more at most for each worker killed."""
    (pytester.path / "koderz.yaml").write_text(SERVED)
    (pytester.path / "problems").mkdir()
    (pytester.path / "problems" / "own.yaml").write_text(suite_of(6))
    with Stalling() as server:
        monkeypatch.setenv("OLLAMA_HOST", server.url)
        served = ("--koderz-profile", "served", "-n", workers)
        assert kill_when(pytester.path, lambda: len(_asked(server)) >= 8, *served, stop=stop, then=server.goes_on.set)
        result = run("--koderz", "--koderz-resume", "--koderz-json", "r.json", "-n", "0")
        asked = _asked(server)
    result.assert_outcomes(passed=6)
    assert 18 <= len(asked) <= 18 + max(int(workers), 1)
    arm = json.loads((pytester.path / "r.json").read_text())["arms"]["local-only"]
    assert (arm["solved"], arm["iterations"]) == (6, 18)


def _asked(server: OllamaServer) -> list[Any]:
    return [request for request in server.requests if request.path == "/api/chat"]


def journal(folder: Path) -> Path:
    """The only one."""
    (path,) = folder.glob(".koderz/bench_*/*.jsonl")
    return path
