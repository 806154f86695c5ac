"""Beside other plugins, each active, figures and exit status are those of a run without them."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Run

from .worlds import recorded

CHOSEN = ("--koderz", "--koderz-profile", "simulated", "--koderz-problems", "0,4", "--koderz-arm", "frontier-only")
PLUGINS = {
    "allure_pytest.plugin": ("--alluredir", "allure"),
    "pytest_asyncio.plugin": (),
    "pytest_benchmark.plugin": ("--benchmark-disable",),
    "pytest_check.plugin": (),
    "pytest_clarity.plugin": (),
    "pytest_cov.plugin": ("--cov=nothing",),
    "pytest_csv": ("--csv=results.csv", "--csv-columns", "id", "status", "message", "duration"),
    "pytest_env.plugin": (),
    "pytest_forked": (),
    "pytest_harvest.plugin": (),
    "pytest_html.plugin": ("-p", "pytest_metadata.plugin", "--html=page.html"),
    "pytest_instafail": ("--instafail",),
    "pytest_jsonreport.plugin": ("--json-report",),
    "pytest_metadata.plugin": (),
    "pytest_mock": (),
    "pytest_order.plugin": (),
    "pytest_picked.plugin": (),
    "pytest_progress": (),
    "pytest_randomly": (),
    "pytest_repeat": (),
    "pytest_reportlog.plugin": ("--report-log=log.jsonl",),
    "pytest_rerunfailures": ("--reruns=0",),
    "pytest_retry.retry_plugin": (),
    "pytest_shard.pytest_shard": ("--num-shards=1", "--shard-id=0"),
    "pytest_socket": (),
    "pytest_split.plugin": ("--splits=1", "--group=1"),
    "pytest_sugar": (),
    "pytest_timeout": ("--timeout=300",),
    "pytest_trio.plugin": (),
    "random_order.plugin": ("--random-order",),
}
"""Each with the options that turn it on; those that are not installed are skipped."""
WATCHING = """
def pytest_configure(config):
    assert config.pluginmanager.hasplugin({name!r})
"""


def _figures(result: pytest.RunResult, folder: Path) -> tuple[Any, ...]:
    arm = json.loads((folder / "r.json").read_text())["arms"]["frontier-only"]
    return (result.ret, *(arm[key] for key in ("solved", "settled", "cost_usd", "paid_usd")))


@pytest.mark.slow
@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "workers"])
@pytest.mark.parametrize("name", PLUGINS)
def test_a_plugin_makes_no_difference(
    name: str, workers: tuple[str, ...], run_apart: Run, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To what is solved, settled and charged, and to the exit status."""
    pytest.importorskip(name)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.delenv("PYTEST_ADDOPTS")
    (pytester.path / "koderz.yaml").write_text("cortex: {enabled: false}\n")
    pytester.makeconftest(WATCHING.format(name=name))
    given = ("-p", "pytest_koderz.plugin", "-p", "xdist", *CHOSEN, "--koderz-json", "r.json", *workers)
    result = run_apart("-p", name, *given, *PLUGINS[name])
    assert _figures(result, pytester.path) == (pytest.ExitCode.TESTS_FAILED, 1, 2, 0.007212, 0.007212)


@pytest.mark.slow
def test_no_arm_and_no_epoch_hides_another_in_allure(
    run_apart: Run, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each has a history of its own; unsolved is failed, which is not broken."""
    pytest.importorskip("allure_pytest")
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.delenv("PYTEST_ADDOPTS")
    (pytester.path / "koderz.yaml").write_text("cortex: {enabled: false}\n")
    given = ("-p", "pytest_koderz.plugin", "-p", "allure_pytest.plugin", "--alluredir", "allure", *CHOSEN)
    run_apart(*given, "--koderz-arm", "local-only", "--koderz-epochs", "2")
    told = [json.loads(path.read_text()) for path in (pytester.path / "allure").glob("*-result.json")]
    assert len(told) == len({one["historyId"] for one in told}) == 8
    assert len({one["testCaseId"] for one in told}) == 2
    assert {one["status"] for one in told} == {"passed", "failed"}


VSCODE = """
import json, pathlib

def pytest_collection_finish(session):
    '''As the adapter of VS Code builds its tree: by path, parent and location, ids being absolute.'''
    found = []
    for item in session.items:
        assert not hasattr(item, "callspec")
        item.path.relative_to(session.path), item.parent.path.relative_to(session.path)
        line = item.location[1] + 1
        found.append(["::".join([str(item.path), *item.nodeid.split("::")[1:]]), line])
    pathlib.Path("found.json").write_text(json.dumps(found))

def pytest_exception_interact(node, call, report):
    pathlib.Path("kind").write_text("failure" if call.excinfo.typename == "AssertionError" else "error")
"""


def test_the_adapter_of_vs_code_finds_and_runs_items(forgetful: Run, pytester: pytest.Pytester) -> None:
    """Of the built-in suite, by absolute ids in the user's root; unsolved is a failure, not an error. pytest's `--nf`
    asks for the age of a file there, too.
    """
    pytester.syspathinsert()
    pytester.makepyfile(adapter=VSCODE)
    chosen = ("--koderz-problems", "4", "--koderz-arm", "frontier-only")
    assert forgetful(*chosen, "--collect-only", "--nf", "-p", "adapter").ret == pytest.ExitCode.OK
    ((item, line),) = json.loads((pytester.path / "found.json").read_text())
    assert (item, line) == (f"{pytester.path}/problems/humaneval.yaml::HumanEval/4[frontier-only]", 1)
    result = forgetful(item, "-p", "adapter")
    result.assert_outcomes(failed=1)
    assert (pytester.path / "kind").read_text() == "failure"


@pytest.mark.slow
@pytest.mark.usefixtures("_alone")
def test_a_loop_on_failures_has_the_built_in_suite(pytester: pytest.Pytester) -> None:
    """In an empty folder, where xdist's `-f` hands another process what to run."""
    (pytester.path / "koderz.yaml").write_text("cortex: {enabled: false}\n")
    looping = [sys.executable, "-m", "pytest", "-f", *CHOSEN, "-p", "no:cacheprovider"]
    with subprocess.Popen(
        looping, cwd=pytester.path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout is not None
        shown = list(takewhile(lambda line: "### Watching:" not in line, process.stdout))
        process.send_signal(signal.SIGINT)
        shown += process.stdout
    assert "collected 164 items / 162 deselected / 2 selected\n" in shown
    assert f"rootdir: {pytester.path}\n" in shown
    assert {line["problem"] for line in recorded(pytester.path, "began")} == {"HumanEval/0", "HumanEval/4"}
    assert process.returncode == pytest.ExitCode.INTERRUPTED
