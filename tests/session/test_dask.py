"""Experiments on the workers of a Dask cluster. CI has none: they run where `pytest-koderz[dask]` is installed."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from threading import Event

import pytest

from pytest_koderz.testing import OllamaServer
from tests.conftest import Run

from .dask_cluster import DaskCluster
from .test_jobs import SETTINGS, Waiting
from .worlds import recorded, repository

pytest.importorskip("distributed", reason="the extra `dask` is not installed")
pytestmark = pytest.mark.slow

ARMS = ("--koderz-arm", "koderz", "--koderz-arm", "local-only")
LOSING = """
import time
from pathlib import Path

def pytest_koderz_called():
    time.sleep(0.05)  # so that a worker that is killed has something in hand

def pytest_koderz_lost():
    Path("lost").touch()
"""
KEYS = ("problem", "arm", "outcome", "iterations", "counted")


@pytest.fixture
def cluster(tmp_path_factory: pytest.TempPathFactory, _alone: None) -> Iterator[DaskCluster]:
    with DaskCluster(tmp_path_factory.mktemp("cluster"), workers=3) as cluster:
        yield cluster


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--koderz", *arguments]


def wait_for(what: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    until = time.monotonic() + 120
    while not what() and process.poll() is None and time.monotonic() < until:
        time.sleep(0.02)


def ended(folder: Path) -> int:
    """Experiments, by what is written so far."""
    return sum(path.read_bytes().count(b'"event":"ended"') for path in folder.glob(".koderz/bench_*/*.jsonl"))


def results(path: Path) -> list[list[object]]:
    return [[row[key] for key in KEYS] for row in json.loads(path.read_text())["experiments"]]


def calls(folder: Path) -> Counter[str]:
    """By prompt, those of the newest benchmark there."""
    return Counter(f"{line['problem']} {line['arm']} {line['prompt']['digest']}" for line in recorded(folder, "called"))


def test_a_lost_worker_and_a_late_one_change_nothing(
    cluster: DaskCluster, forgetful: Run, pytester: pytest.Pytester
) -> None:
    """Outcomes, tokens, dollars and calls are a local run's, and nothing is paid for twice."""
    asked = (*ARMS, "--koderz-problems", "0-39")
    here, there = pytester.mkdir("here"), pytester.mkdir("there")
    for folder in (here, there):
        (folder / "koderz.yaml").write_text("cortex: {enabled: false}\n")
        (folder / "conftest.py").write_text(LOSING)
    profile = ("--koderz-profile", "simulated", *asked, "--koderz-json", "results.json")
    subprocess.run(command(*profile), cwd=here, check=False, stdout=subprocess.DEVNULL)
    # Twice as many as workers, so that each has the next one at once: one that is killed has something in hand.
    line = command(*profile, "--koderz-executor", cluster.address, "--koderz-jobs", "6")
    with subprocess.Popen(line, cwd=there, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        wait_for(lambda: ended(there) > 15, process)
        cluster.kill()
        wait_for(lambda: ended(there) > 30, process)
        cluster.add()
        output, _ = process.communicate(timeout=300)
    assert results(there / "results.json") == results(here / "results.json"), output
    assert calls(there) == calls(here)
    assert "distributed" not in output
    assert (there / "lost").exists()


@pytest.fixture
def answering() -> Event:
    return Event()


@pytest.fixture
def server(
    answering: Event, _alone: None, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> Iterator[OllamaServer]:
    """One that waits, named by the environment that workers are started with."""
    (pytester.path / "koderz.yaml").write_text(SETTINGS)
    with Waiting(answering.wait, models=["coder"]) as server:
        monkeypatch.setenv("OLLAMA_HOST", server.url)
        yield server


def test_ctrl_c_leaves_what_runs_until_its_next_call(
    server: OllamaServer, cluster: DaskCluster, answering: Event, pytester: pytest.Pytester
) -> None:
    """The calls in flight are answered and recorded, nothing else is begun, and a resume finishes."""
    line = command("--koderz-executor", cluster.address)
    with subprocess.Popen(line, cwd=pytester.path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as run:
        wait_for(lambda: len(server.requests) == 3, run)
        run.send_signal(signal.SIGINT)
        time.sleep(2)
        answering.set()
        output, _ = run.communicate(timeout=120)
    assert run.returncode == pytest.ExitCode.INTERRUPTED, output
    assert len(recorded(pytester.path, "called")) == len(server.requests) == 3
    assert "distributed" not in output
    again = subprocess.run([*line, "--koderz-resume"], cwd=pytester.path, check=False, capture_output=True, text=True)
    assert " 8 failed" in again.stdout
    assert len(recorded(pytester.path, "called")) == len(server.requests) == 8


def test_x_begins_nothing_after_the_first_failure(
    server: OllamaServer, cluster: DaskCluster, answering: Event, pytester: pytest.Pytester
) -> None:
    """What was in flight then is recorded."""
    answering.set()
    line = command("--koderz-executor", cluster.address, "--koderz-problems", "0-39", "-x")
    run = subprocess.run(line, cwd=pytester.path, check=False, capture_output=True, text=True, timeout=120)
    assert run.returncode == pytest.ExitCode.TESTS_FAILED, run.stdout
    assert len(recorded(pytester.path, "called")) == len(server.requests) < 20
    assert "distributed" not in run.stdout + run.stderr


def test_slots_hold_over_the_cluster(
    server: OllamaServer, cluster: DaskCluster, answering: Event, pytester: pytest.Pytester
) -> None:
    """Workers of three processes ask a server of one slot one thing at a time."""
    answering.set()
    (pytester.path / "koderz.yaml").write_text(SETTINGS.replace("model: coder,", "model: coder, slots: 1,"))
    line = command("--koderz-executor", cluster.address)
    run = subprocess.run(line, cwd=pytester.path, check=False, capture_output=True, text=True, timeout=120)
    assert " 8 failed" in run.stdout
    assert server.most_at_once == 1


def test_auto_and_identities_are_what_workers_reach(
    server: OllamaServer,
    cluster: DaskCluster,
    answering: Event,
    pytester: pytest.Pytester,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The client, whose environment names another server, asks none: it has as many jobs as the cluster has threads."""
    answering.set()
    line = command("--koderz-executor", cluster.address, "--koderz-jobs", "auto", "--koderz-json", "results.json")
    with OllamaServer([]) as other:
        monkeypatch.setenv("OLLAMA_HOST", other.url)
        run = subprocess.run(line, cwd=pytester.path, check=False, capture_output=True, text=True, timeout=120)
        assert not other.requests
    assert "jobs: 3 (as many as the cluster takes at once)" in run.stdout
    told = {"digest": "0" * 64, "quantization": "Q4_0", "server": "Ollama 0.12.0"}
    assert json.loads((pytester.path / "results.json").read_text())["benchmark"]["servers"] == {"coder": told}
    (head,) = recorded(pytester.path, "benchmark")
    assert [arm["local"]["identity"] for arm in head["definitions"]] == [told]


LEAVING = """
import pytest_koderz.session.cluster.dask_engine as engine

engine.LEFT_SECONDS = 30
"""


def test_a_run_waits_for_a_worker_when_none_is_left_and_ends_by_itself_when_none_comes(
    server: OllamaServer, cluster: DaskCluster, answering: Event, pytester: pytest.Pytester
) -> None:
    """What was not begun is invalid, and can be resumed; one that comes in time goes on with it."""
    (pytester.path / "conftest.py").write_text(LEAVING)
    line = command("--koderz-executor", cluster.address)
    with subprocess.Popen(line, cwd=pytester.path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as run:
        wait_for(lambda: len(server.requests) == 3, run)
        for number in range(3):
            cluster.kill(number)
        cluster.add()
        wait_for(lambda: len(server.requests) == 4, run)
        cluster.kill(3)
        output, _ = run.communicate(timeout=120)
    assert run.returncode == pytest.ExitCode.TESTS_FAILED, output
    assert " 8 errors" in output
    assert output.count("no fit worker is left; waiting 30 s for one") in {1, 2}
    assert "no fit worker left, and none came within 30 s" in output
    answering.set()
    cluster.add()
    again = subprocess.run([*line, "--koderz-resume"], cwd=pytester.path, check=False, capture_output=True, text=True)
    assert " 8 failed" in again.stdout


def changing(hook: str) -> str:
    """A conftest.py by which the repository is soon another machine's, where workers read it."""
    change = "Path('repository/own.py').write_text('# As another machine has it.')"
    return f"import pytest\nfrom pathlib import Path\n\n@pytest.hookimpl(tryfirst=True)\ndef {hook}():\n    {change}\n"


def test_another_repository_is_refused(cluster: DaskCluster, forgetful: Run, pytester: pytest.Pytester) -> None:
    """It is read from a worker's own disk; in one line, before anything is paid."""
    place = repository(pytester.path)
    (pytester.path / "conftest.py").write_text(changing("pytest_collection_finish"))
    line = command("--koderz-profile", "simulated", "--koderz-executor", cluster.address)
    run = subprocess.run(line, cwd=pytester.path, check=False, capture_output=True, text=True, timeout=120)
    assert run.returncode == pytest.ExitCode.USAGE_ERROR, run.stdout
    (error,) = run.stderr.strip().splitlines()
    assert error.startswith("ERROR: --koderz-executor: worker tcp://127.0.0.1:")
    assert error.endswith(f": repository '{place}' differs there")
    assert not recorded(pytester.path, "began")


def test_a_late_worker_with_another_repository_is_given_nothing(
    server: OllamaServer, cluster: DaskCluster, answering: Event, pytester: pytest.Pytester
) -> None:
    """It is named in the summary."""
    place = repository(pytester.path)
    (pytester.path / "koderz.yaml").write_text(SETTINGS.replace("problems: 0-7, ", ""))
    (pytester.path / "conftest.py").write_text(changing("pytest_koderz_before_call"))
    line = command("--koderz-executor", cluster.address)
    with subprocess.Popen(line, cwd=pytester.path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as run:
        wait_for(lambda: len(server.requests) == 1, run)
        cluster.add()
        cluster.wait(4)
        time.sleep(2)
        answering.set()
        output, _ = run.communicate(timeout=120)
    assert " 1 failed" in output
    assert f"repository '{place}' differs there; it is given nothing" in " ".join(output.split())


def other_version(folder: Path) -> str:
    """A folder that says of our package what is not so."""
    about = folder / "pytest_koderz-99.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: pytest-koderz\nVersion: 99.0\n")
    return str(folder)


def test_another_version_is_refused(cluster: DaskCluster, forgetful: Run, pytester: pytest.Pytester) -> None:
    """In one line that names both, before anything is paid."""
    cluster.add(PYTHONPATH=other_version(cluster.folder))
    cluster.wait(4)
    line = command("--koderz-profile", "simulated", "--koderz-executor", cluster.address)
    run = subprocess.run(line, cwd=pytester.path, check=False, capture_output=True, text=True, timeout=120)
    assert run.returncode == pytest.ExitCode.USAGE_ERROR, run.stdout
    (error,) = run.stderr.strip().splitlines()
    assert error.startswith("ERROR: --koderz-executor: worker tcp://127.0.0.1:")
    assert error.endswith(f": pytest-koderz 99.0 there, {version('pytest-koderz')} here")
    assert not recorded(pytester.path, "began")


def test_a_late_worker_of_another_version_is_given_nothing(
    server: OllamaServer, cluster: DaskCluster, answering: Event, pytester: pytest.Pytester
) -> None:
    """It is named in the summary, and the others finish."""
    line = command("--koderz-executor", cluster.address)
    with subprocess.Popen(line, cwd=pytester.path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as run:
        wait_for(lambda: len(server.requests) == 3, run)
        cluster.add(PYTHONPATH=other_version(cluster.folder))
        cluster.wait(4)
        time.sleep(2)
        assert len(server.requests) == 3
        answering.set()
        output, _ = run.communicate(timeout=120)
    assert " 8 failed" in output
    assert "pytest-koderz 99.0 there" in " ".join(output.split())


LOOKING = """
import pytest_koderz.session.cluster.dask_engine as engine

engine.BEAT = 0.001
"""


def test_a_cluster_of_this_machine_leaves_nothing_behind(forgetful: Run, pytester: pytest.Pytester) -> None:
    """It has as many threads as there are jobs, and says nothing. Its results come whole, however often it is looked
    whether the run was stopped meanwhile.
    """
    (pytester.path / "conftest.py").write_text(
        "import pytest_koderz.session.cluster.dask_engine as it\nit.BEAT = 0.001\n"
    )
    line = command("--koderz-profile", "simulated", "--koderz-problems", "0-5", "--koderz-executor", "dask")
    run = subprocess.run(
        [*line, "--koderz-jobs", "3"], cwd=pytester.path, check=False, capture_output=True, text=True, timeout=120
    )
    assert run.returncode in (0, 1), run.stdout
    assert not run.stderr
    assert "distributed" not in run.stdout
    assert len(recorded(pytester.path, "ended")) == 18
