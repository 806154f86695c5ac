"""Several experiments in flight in one process."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from threading import Barrier, Event

import pytest

from pytest_koderz.core.money import Usage
from pytest_koderz.testing import Answer, OllamaServer, Request
from pytest_koderz.testing.server import Body
from tests.conftest import Run

from .killing import PATIENCE, command
from .worlds import recorded

ARMS = ("--koderz-arm", "koderz", "--koderz-arm", "no-checkpoints", "--koderz-problems", "0-7")
SETTINGS = """
profile: served
profiles: {served: {arms: [alone], models: {local: coder}, problems: 0-7, jobs: 4}}
arms: {alone: {local: local, max_iterations: 1}}
models: {coder: {backend: ollama, model: coder, context_tokens: 4096}}
cortex: {enabled: false}
"""


NOTICING = """
import pathlib, pytest

@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtestloop():
    try:
        return (yield)
    except KeyboardInterrupt:
        pathlib.Path("noticed").touch()
        raise
"""


class Waiting(OllamaServer):
    """Knows nothing, and says so no sooner than *until* returns."""

    def __init__(self, until: Callable[[float], object], models: Sequence[str] | None = None) -> None:
        super().__init__(["I do not know."] * 80, models=models)
        self.until = until

    def body_of(self, answer: Answer, usage: Usage, request: Request) -> Body:
        self.until(PATIENCE)
        return super().body_of(answer, usage, request)


@pytest.fixture
def served(pytester: pytest.Pytester) -> None:
    """Settings for an Ollama server, which `OLLAMA_HOST` has yet to name."""
    (pytester.path / "koderz.yaml").write_text(SETTINGS)


@pytest.mark.slow
def test_several_in_flight_come_to_the_same(simulate: Run, pytester: pytest.Pytester) -> None:
    """Outcomes, tokens and dollars of each experiment, in the order of the items, and all of it is remembered."""
    simulate(*ARMS, "--koderz-json", "one.json")
    result = simulate(*ARMS, "--koderz-jobs", "4", "--koderz-json", "four.json")
    one, four = (json.loads((pytester.path / name).read_text())["experiments"] for name in ("one.json", "four.json"))
    keys = ("problem", "arm", "outcome", "iterations", "counted")
    assert [[row[key] for key in keys] for row in one] == [[row[key] for key in keys] for row in four]
    result.stdout.re_match_lines([r"cortex: (\d+) stored, \1 verified"])


@pytest.mark.usefixtures("served")
def test_a_server_is_asked_several_things_at_once(
    run: Run, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As many as the profile says."""
    with Waiting(Barrier(4).wait) as server:
        monkeypatch.setenv("OLLAMA_HOST", server.url)
        run("--koderz").assert_outcomes(failed=8)
        assert server.most_at_once == 4
    assert [len(line["record"]["iterations"]) for line in recorded(pytester.path, "ended")] == [1] * 8


@pytest.mark.slow
@pytest.mark.usefixtures("served")
def test_ctrl_c_starts_nothing_more_and_a_resume_finishes(
    run: Run, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The four calls in flight are answered and recorded; the other four experiments cost nothing until resumed."""
    (pytester.path / "conftest.py").write_text(NOTICING)
    answering = Event()
    with Waiting(answering.wait) as server:
        monkeypatch.setenv("OLLAMA_HOST", server.url)
        with subprocess.Popen(command(), cwd=pytester.path, stdout=subprocess.PIPE, text=True) as process:
            while len(server.requests) < 4 and process.poll() is None:
                time.sleep(0.01)
            process.send_signal(signal.SIGINT)
            while not (pytester.path / "noticed").exists() and process.poll() is None:
                time.sleep(0.01)
            answering.set()
            output, _ = process.communicate(timeout=120)
        assert process.returncode == pytest.ExitCode.INTERRUPTED, output
        assert len(recorded(pytester.path, "called")) == len(server.requests) == 4
        run("--koderz", "--koderz-resume").assert_outcomes(failed=8)
        assert len(recorded(pytester.path, "called")) == 8


def test_each_worker_for_itself_is_refused(simulate: Run) -> None:
    """Two runs of an experiment are two epochs, not one experiment with twice the cost."""
    result = simulate("--tx", "2*popen", "--dist", "each")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--dist each: *--dist load*--koderz-epochs*"])


@pytest.mark.slow
def test_jobs_and_workers_come_to_the_same(forgetful: Run, pytester: pytest.Pytester) -> None:
    """Each worker has so many in flight, and each experiment is run once, with what it would come to alone."""
    forgetful(*ARMS, "--koderz-json", "one.json")
    result = forgetful(*ARMS, "--koderz-jobs", "3", "-n", "2", "--koderz-json", "both.json")
    one, both = (json.loads((pytester.path / name).read_text())["experiments"] for name in ("one.json", "both.json"))
    keys = ("problem", "arm", "outcome", "iterations", "counted")
    assert [[row[key] for key in keys] for row in one] == [[row[key] for key in keys] for row in both]
    assert len(recorded(pytester.path, "ended")) == 2 * len(one)
    result.stdout.no_fnmatch_line("*go on with*")


@pytest.mark.slow
@pytest.mark.usefixtures("served")
@pytest.mark.parametrize("dist", ["load", "worksteal", "loadgroup"])
def test_each_worker_asks_several_things_at_once(
    run: Run, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, dist: str
) -> None:
    """Two workers with four jobs have all eight in flight, where xdist hands them out; a group stays in one worker."""
    at_once = 8 if dist != "loadgroup" else 2
    with Waiting(Barrier(at_once).wait) as server:
        monkeypatch.setenv("OLLAMA_HOST", server.url)
        run("--koderz", "-n", "2", "--dist", dist).assert_outcomes(failed=8)


@pytest.mark.slow
@pytest.mark.usefixtures("served")
def test_x_stops_the_workers_too(run: Run, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is handed out after the first failure; what began can be resumed."""
    with Waiting(lambda _: None) as server:
        monkeypatch.setenv("OLLAMA_HOST", server.url)
        result = run("--koderz", "-n", "1", "--koderz-jobs", "2", "--koderz-problems", "0-39", "-x")
        assert result.ret == pytest.ExitCode.INTERRUPTED
        assert len(server.requests) < 40
        run("--koderz", "--koderz-resume", "-n", "2").assert_outcomes(failed=40)
        assert len(recorded(pytester.path, "called")) == 40


CRASHING = """
import os, pathlib

def pytest_koderz_called(config):
    if hasattr(config, "workerinput") and not pathlib.Path("crashed").exists():
        pathlib.Path("crashed").touch()
        os._exit(1)
"""


@pytest.mark.slow
@pytest.mark.usefixtures("served")
def test_what_a_lost_worker_had_begun_goes_on_elsewhere(
    run: Run, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its worker is replaced, and no answer is paid for twice: the one that it had journalled is taken from there."""
    pytester.makeconftest(CRASHING)
    with Waiting(lambda _: None) as server:
        monkeypatch.setenv("OLLAMA_HOST", server.url)
        run("--koderz", "-n", "1", "--koderz-problems", "0-19")
        calls = [line["experiment"] for line in recorded(pytester.path, "called")]
        assert len(calls) == len(set(calls))
        run("--koderz", "--koderz-resume").assert_outcomes(failed=20)
        assert len(recorded(pytester.path, "called")) == 20


OVERTAKEN = """
import threading
from concurrent.futures import wait

import pytest

HELD, GOING = threading.Event(), threading.Event()
CALLS, FIRST = [], []

class TimedOut:
    def result(self):
        assert HELD.wait(30)
        pytest.fail("Timeout >1s", pytrace=False)

    def cancel(self):
        return False

def pytest_runtest_setup(item):
    if item.started is not None:
        FIRST.append(item.started)
        item.started = TimedOut()

def pytest_koderz_called():
    CALLS.append(threading.current_thread() is threading.main_thread())
    if not CALLS[-1] and not HELD.is_set():
        HELD.set()
        assert GOING.wait(30)
    elif not GOING.is_set():
        GOING.set()
        assert wait(FIRST, 30).done

def pytest_unconfigure():
    with open("calls", "w") as file:
        file.write(f"{CALLS.count(False)} {CALLS.count(True)}")
"""


def test_an_attempt_that_was_stopped_makes_no_further_call(forgetful: Run, pytester: pytest.Pytester) -> None:
    """By a timeout, while a plugin has the experiment run again: its answer is on the bill, and that is all."""
    pytester.makeconftest(OVERTAKEN)
    one = ("--koderz-problems", "0", "--koderz-arm", "local-only", "--koderz-jobs", "2", "--koderz-json", "r.json")
    result = forgetful(*one, "--reruns", "1")
    first, again = map(int, (pytester.path / "calls").read_text().split())
    assert first == 1
    (row,) = json.loads((pytester.path / "r.json").read_text())["experiments"]
    assert row["outcome"] in {"solved", "unsolved"}
    assert row["iterations"] == again
    assert [line["record"]["status"] for line in recorded(pytester.path, "ended")] == ["invalid", row["outcome"]]
    assert "rerun" in result.parseoutcomes()
    assert "error" not in result.parseoutcomes()
    assert "errors" not in result.parseoutcomes()


TRIED = """
import pathlib
from pytest_koderz.sandbox import open_sandbox

class Tried:
    def __init__(self):
        self.judge = open_sandbox()
        self.close = self.judge.close

    def __call__(self, problem, candidate, tests="base"):
        if "_exit(0)" in candidate.source:
            with open("cheats", "a") as cheats:
                cheats.write(problem.id + "\\n")
        return self.judge(problem, candidate, tests)

def pytest_koderz_open_sandbox():
    return Tried()
"""


def test_arms_that_begin_together_try_the_judge_once(forgetful: Run, pytester: pytest.Pytester) -> None:
    """On each problem, where nothing is known of it yet: a trial takes as long as several verdicts."""
    (pytester.path / ".koderz" / "preflight").unlink()
    pytester.makeconftest(TRIED)
    names = ("koderz", "koderz-blind", "no-checkpoints", "frontier-only")
    arms = [word for name in names for word in ("--koderz-arm", name)]
    forgetful(*arms, "--koderz-problems", "0-1", "--koderz-jobs", "8").assert_outcomes(passed=7, failed=1)
    assert sorted((pytester.path / "cheats").read_text().split()) == ["HumanEval/0", "HumanEval/1"]
