"""A benchmark in the formats of other tools."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_koderz.core.arm import Arm, ModelSettings
from pytest_koderz.core.experiment import Experiment, Status
from pytest_koderz.core.iteration import Candidate, Iteration, Outcome, Verdict
from pytest_koderz.files.secret_values import REDACTED
from pytest_koderz.files.usage_error import UsageError
from pytest_koderz.records.asked_calls import calls_in
from pytest_koderz.records.events import Head
from pytest_koderz.records.reader import Archived, archived
from pytest_koderz.reporters.inspect_logs import inspect_logs
from pytest_koderz.reporters.router_rows import router_rows
from pytest_koderz.session.exports import parsed
from tests.conftest import Run

READING = """
import json, sys
from inspect_ai.log import list_eval_logs, read_eval_log
(info,) = list_eval_logs(sys.argv[1])
log = read_eval_log(info)
json.dump({
    "status": log.status,
    "accuracy": log.results.scores[0].metrics["accuracy"].value,
    "scores": [sample.scores["koderz"].value for sample in log.samples],
    "calls": [[event.output.completion for event in sample.events] for sample in log.samples],
    "dollars": sum(usage.total_cost for usage in log.stats.model_usage.values()),
    "model": read_eval_log(info, header_only=True).eval.model,
}, sys.stdout)
"""


def _run(forgetful: Run, *more: str) -> None:
    forgetful("--koderz-problems", "2,4", "--koderz-arm", "koderz", "--koderz-max-iterations", "1", "--tb=no", *more)


def test_it_is_written_by_the_run_and_of_its_record(
    forgetful: Run, run: Run, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same: rows as routers are trained on, and a log for each arm; without secrets."""
    _run(forgetful, "--koderz-export", "litellm=ran.jsonl", "--koderz-export", "inspect=ran")
    (folder,) = (pytester.path / ".koderz").glob("bench_*")
    monkeypatch.setenv("MADE_UP_KEY", "truncate_number")
    run("--koderz-analyze", folder.name, "--koderz-export=litellm", "--koderz-export=inspect")
    ran, told = (pytester.path / name for name in ("ran.jsonl", f"{folder.name}.litellm.jsonl"))
    rows = [json.loads(line) for line in ran.read_text().splitlines()]
    assert told.read_text() == ran.read_text().replace("truncate_number", REDACTED)
    assert [(row["sample_id"], row["arm"], row["run"]) for row in rows] == [
        ("HumanEval/2", "koderz", 1),
        ("HumanEval/4", "koderz", 1),
    ]
    assert {type(row["correct"]) for row in rows} == {bool}
    assert all(row["model"] == "simulated/local" and row["cost"] > 0 and row["calls"] == 2 for row in rows)
    assert rows[0]["prompt"].startswith("def truncate_number(")
    assert rows[0]["response"].startswith("```python")
    (log,) = (pytester.path / "ran").glob("*.json")
    (again,) = (pytester.path / "logs").glob("*.json")
    assert again.read_text() == log.read_text().replace("truncate_number", REDACTED)
    samples = json.loads(log.read_text())["samples"]
    assert [sample["scores"]["koderz"]["value"] == "C" for sample in samples] == [row["correct"] for row in rows]
    assert [event["role"] for event in samples[0]["events"]] == ["spec", "local"]


JOURNALS = sorted({path.parent for path in (Path(__file__).parents[1] / "records" / "journals").rglob("*.jsonl")})


@pytest.mark.parametrize("folder", JOURNALS, ids=lambda folder: folder.name)
def test_a_benchmark_of_an_earlier_version_is_exported(folder: Path) -> None:
    """What its journals do not say is left out."""
    benchmark = archived(folder)
    logs = inspect_logs(benchmark, calls_in(folder))
    assert all(json.loads(json.dumps(log))["samples"] for log in logs.values())
    assert len(logs) == len({one.arm for one in benchmark.experiments})


def test_a_row_names_who_of_a_swarm_wrote_the_answer() -> None:
    """And a log all that write."""
    second = ModelSettings("second", "ollama", "llama")
    arm = Arm("swarm", ModelSettings("local", "ollama", "qwen3"), swarm=(second,))
    verdicts = (Verdict(Outcome.WRONG), Verdict(Outcome.PASSED))
    tried = Iteration(1, (Candidate("a"), Candidate("b")), verdicts, writers=("local", "second"))
    one = Experiment("exp_1", "p/1", "swarm", iterations=(tried,), status=Status.SOLVED)
    told = Archived("bench_00000001", Head(id="bench_00000001", at="", definitions=(arm,)), (one,))
    (row,) = router_rows(told, {})
    assert row["model"] == "ollama/llama"
    (log,) = inspect_logs(told, {}).values()
    assert log["eval"]["metadata"]["models"] == {"local": "ollama/qwen3, ollama/llama"}


def test_a_name_of_an_arm_is_no_path() -> None:
    """It may hold what a file's name may not."""
    folder = JOURNALS[0]
    benchmark = archived(folder)
    named = replace(benchmark, experiments=tuple(replace(one, arm="../a b") for one in benchmark.experiments))
    (name,) = inspect_logs(named, calls_in(folder))
    assert "koderz-..-a-b_bench" in name


def test_a_format_that_is_none_is_a_mistake() -> None:
    """With the nearest one."""
    assert parsed("inspect=a=b") == ("inspect", "a=b")
    with pytest.raises(UsageError, match=r"--koderz-export: no format named 'inspct' \(did you mean 'inspect'\?\)"):
        parsed("inspct")


@pytest.mark.slow
@pytest.mark.skipif(
    importlib.util.find_spec("inspect_ai") is None, reason="inspect_ai, whose reader is asked, is absent"
)
def test_inspect_reads_its_log(forgetful: Run, pytester: pytest.Pytester) -> None:
    """By its own reader: scores, calls, dollars."""
    _run(forgetful, "--koderz-export=inspect", "--koderz-export=litellm=rows.jsonl")
    rows = [json.loads(line) for line in (pytester.path / "rows.jsonl").read_text().splitlines()]
    read = subprocess.run(
        [sys.executable, "-c", READING, str(pytester.path / "logs")], check=True, capture_output=True, text=True
    )
    log = json.loads(read.stdout)
    assert (log["status"], log["model"]) == ("success", "simulated/local")
    assert log["scores"] == ["C" if row["correct"] else "I" for row in rows]
    assert [calls[-1] for calls in log["calls"]] == [row["response"] for row in rows]
    assert log["dollars"] == pytest.approx(sum(row["cost"] for row in rows))
    assert log["accuracy"] == pytest.approx(sum(row["correct"] for row in rows) / len(rows))
