"""What becomes of an experiment that is stopped from outside, and of what was paid for it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Run

from .killing import suite_of
from .worlds import recorded

SETTINGS = """
profile: mine
profiles: {mine: {arms: [alone], models: {}, max_iterations: 3}}
arms: {alone: {spec: writer, local: coder}}
models: {writer: {backend: mine, model: writer}, coder: {backend: mine, model: coder}}
prices:
  writer: {input: 4, output: 20, as_of: 2026-11-22, source: the test}
  coder: free
cortex: {enabled: false}
"""
BACK_END = '''
import signal, threading
import pytest
from pytest_koderz.core.money import Usage
from pytest_koderz.core.ports import Reply

stopped = threading.Event()

def time_is_up(*_):
    """As pytest-timeout does it."""
    stopped.set()
    pytest.fail("Timeout (>0.3s) from pytest-timeout.")

class Mine:
    def complete(self, prompt):
        """A spec of $0.0014; then the first problem is stopped while its code is waited for."""
        if prompt.role == "spec":
            return Reply("Add them.", Usage(100, 50), "writer")
        if "add0" in prompt.user and not stopped.is_set():
            STOP
            stopped.wait(60)
            return Reply("I do not know.", Usage(10, 10), "coder")
        name = prompt.user.split("Write the whole function `")[1].split("`")[0]
        return Reply(f"def {name}(x, y): return x + y", Usage(10, 10), "coder")

@pytest.hookimpl
def pytest_koderz_open_model(model):
    return Mine() if model.backend == "mine" else None
'''
TIMEOUT = "signal.setitimer(signal.ITIMER_REAL, 0.01)"
HANDLER = "\ndef pytest_runtestloop():\n    signal.signal(signal.SIGALRM, time_is_up)\n"
TOGETHER = '''
import os

asked, left = threading.Barrier(3), threading.Event()

def complete(self, prompt, answer=Mine.complete):
    """Three specs are being written when Ctrl-C comes, and are answered once the run is being left."""
    if prompt.role == "spec":
        if asked.wait(60) == 0:
            os.kill(os.getpid(), signal.SIGINT)  # one that raise_signal sends does not wake the main thread
        left.wait(60)
    return answer(self, prompt)

Mine.complete = complete

def watch(session):
    while not session.config.pluginmanager.get_plugin("koderz-jobs")._benchmark.stopping.wait(60):
        pass
    left.set()

def pytest_collection_finish(session):
    threading.Thread(target=watch, args=(session,), daemon=True).start()
'''
CTRL_C = "stopped.set(); signal.raise_signal(signal.SIGINT)"


@pytest.fixture
def three(pytester: pytest.Pytester) -> Path:
    """A folder with three problems and a paid back end, which has yet to say what stops the first."""
    (pytester.path / "koderz.yaml").write_text(SETTINGS)
    (pytester.path / "problems").mkdir()
    (pytester.path / "problems" / "own.yaml").write_text(suite_of(3))
    return pytester.path


def stop_by(folder: Path, stop: str, handler: str = "") -> None:
    (folder / "conftest.py").write_text(BACK_END.replace("STOP", stop) + handler)


def arm_of(folder: Path) -> dict[str, Any]:
    arm: dict[str, Any] = json.loads((folder / "r.json").read_text())["arms"]["alone"]
    return arm


@pytest.mark.slow
@pytest.mark.parametrize("jobs", [pytest.param("1", marks=pytest.mark.slow), "2"])
def test_a_timeout_is_invalid_and_stays_on_the_bill(run_apart: Run, three: Path, jobs: str) -> None:
    """An error as any other outage, with the spec that was paid for; the other problems are settled as ever."""
    stop_by(three, TIMEOUT, HANDLER)
    result = run_apart("--koderz", "--koderz-json", "r.json", "--koderz-jobs", jobs)
    result.assert_outcomes(passed=2, errors=1)
    arm = arm_of(three)
    assert (arm["solved"], arm["settled"], arm["invalid"]) == (2, 2, 1)
    assert (arm["cost_usd"], arm["paid_usd"]) == (0.0028, 0.0042)
    result.stdout.fnmatch_lines(
        [
            "E   stopped: Timeout (>0.3s) from pytest-timeout.",
            "  not counted: 1 invalid; charged in all $0.0042",
            "go on with: pytest --koderz --koderz-resume",
        ]
    )
    ended = [line["record"]["status"] for line in recorded(three, "ended")]
    assert sorted(ended) == ["invalid", "solved", "solved"]
    stop_by(three, "stopped.set()")
    run_apart("--koderz", "--koderz-resume").assert_outcomes(passed=3)
    assert [line["role"] for line in recorded(three, "called")].count("spec") == 3


def test_a_stopped_experiment_of_a_test_of_ones_own(run_apart: Run, three: Path, pytester: pytest.Pytester) -> None:
    """The same where a fixture runs it."""
    stop_by(three, TIMEOUT, HANDLER)
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.koderz("own", arm="alone")
        def test_mine(koderz_experiment):
            assert koderz_experiment.solved
        """
    )
    files = [path.name for path in three.glob("test_*.py")]
    result = run_apart("--koderz", "--koderz-json", "r.json", *files)
    result.assert_outcomes(passed=2, errors=1)
    assert (arm_of(three)["invalid"], arm_of(three)["paid_usd"]) == (1, 0.0042)


def test_ctrl_c_in_the_first_experiment_shows_what_it_cost(run_apart: Run, three: Path) -> None:
    """It is unfinished, on the bill, and can be gone on with; the file of results says the same."""
    stop_by(three, CTRL_C)
    result = run_apart("--koderz", "--koderz-json", "r.json")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(
        [
            "*= koderz bench_* =*",
            "alone: nothing settled",
            "  not counted: 1 unfinished; charged in all $0.0014",
            "journal: .koderz/bench_*",
            "results: r.json",
            "go on with: pytest --koderz --koderz-resume",
        ]
    )
    assert (arm_of(three)["unfinished"], arm_of(three)["paid_usd"]) == (1, 0.0014)


def test_ctrl_c_shows_what_was_in_flight(run_apart: Run, three: Path) -> None:
    """Of several jobs: those that no item has reported are unfinished, not skipped, and the answers on the bill."""
    (three / "conftest.py").write_text(BACK_END.replace("STOP", "") + TOGETHER)
    result = run_apart("--koderz", "--koderz-jobs", "3", "--koderz-json", "r.json")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    arm = arm_of(three)
    assert (arm["unfinished"], arm["skipped"], arm["paid_usd"]) == (3, 0, 0.0042)
    assert not recorded(three, "ended")
    result.stdout.fnmatch_lines(["  not counted: 3 unfinished; charged in all $0.0042", "go on with: *"])


@pytest.mark.slow
def test_ctrl_c_among_workers_counts_what_they_recorded(run_apart: Run, three: Path) -> None:
    """What was under way in a worker, or settled and not reported any more, is known from its journal alone."""
    stop_by(three, "import os; stopped.set(); os.kill(os.getppid(), signal.SIGINT); threading.Event().wait(3)")
    result = run_apart("--koderz", "-n", "1", "--koderz-json", "r.json")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["journal: .koderz/bench_*", "go on with: pytest --koderz --koderz-resume"])
    arm = arm_of(three)
    assert arm["settled"] + arm["unfinished"] == len(recorded(three, "began"))
    assert arm["paid_usd"] == pytest.approx(sum(float(line["spending"]["cost"]) for line in recorded(three, "called")))


@pytest.mark.slow
def test_ctrl_c_among_workers_does_not_say_that_nothing_is_stored(run_apart: Run, three: Path) -> None:
    """What a worker stored reaches nobody once the session was interrupted."""
    own = three / "koderz.yaml"
    own.write_text(own.read_text().replace("cortex: {enabled: false}\n", ""))
    stop_by(three, "import os; stopped.set(); os.kill(os.getppid(), signal.SIGINT); threading.Event().wait(3)")
    result = run_apart("--koderz", "-n", "1")
    told = [line for line in result.outlines if line.startswith("cortex:")]
    unsaid = "cortex: what 1 worker stored is not known, since they were cut short"
    assert told == [f"{unsaid}; pytest --koderz-cortex-sync delivers what is owed"]


@pytest.mark.slow
def test_the_command_to_go_on_names_the_suites_that_were_named(run_apart: Run, three: Path) -> None:
    """The journal does not say which they were. A file of settings is written so that pytest takes it for no test."""
    (three / "problems").rename(three / "mine")
    stop_by(three, CTRL_C)
    result = run_apart("--koderz", "mine/own.yaml")
    result.stdout.fnmatch_lines(["go on with: pytest --koderz mine/own.yaml --koderz-resume"])
    result = run_apart("--koderz", "mine/own.yaml", "--koderz-config=koderz.yaml")
    result.stdout.fnmatch_lines(
        [
            "koderz: profile mine",
            "go on with: pytest --koderz mine/own.yaml --koderz-config=koderz.yaml --koderz-resume",
        ]
    )


def test_skipped_experiments_name_their_entries(run_apart: Run, three: Path) -> None:
    """In their suite, and not a file of ours."""
    stop_by(three, "")
    guard = "\ndef pytest_koderz_before_call():\n    pytest.skip('not today')\n"
    (three / "conftest.py").write_text((three / "conftest.py").read_text() + guard)
    result = run_apart("--koderz", "-rs")
    result.assert_outcomes(skipped=3)
    result.stdout.fnmatch_lines([f"SKIPPED [[]1[]] problems/own.yaml:{line}: not today" for line in (2, 8, 14)])
