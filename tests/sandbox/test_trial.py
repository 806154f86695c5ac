"""The shared trial: hostile and noisy programs with known verdicts."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pytest_koderz.core.iteration import Candidate
from pytest_koderz.core.problem import Problem
from pytest_koderz.datasets import load
from pytest_koderz.sandbox.supervisor import Judge

from .worlds import NOBODY, REPOSITORY, Program, as_user, tried

TRIAL = REPOSITORY / "../shared/data/hostile.jsonl"


def _rows() -> list[dict[str, Any]]:
    if not TRIAL.exists():
        pytest.skip("the shared trial is not there")
    return [json.loads(line) for line in TRIAL.read_text().splitlines()]


@pytest.mark.slow
@pytest.mark.parametrize("user", [None, NOBODY], ids=["ourselves", "nobody"])
def test_every_hostile_program_gets_its_verdict_and_does_no_harm(user: int | None) -> None:
    """No wrong pass, no wrong fail, no harm, leak, survivor or left-over, whoever runs the judge."""
    as_user(user)
    rows = {row["id"]: row for row in _rows()}
    programs = [Program(name, row["task_id"], row["completion"], row.get("check", "")) for name, row in rows.items()]
    # One of them takes a second of a CPU that it may have to wait for.
    *results, after = tried(programs, user=user, limit=5.0)
    passed = {result["name"] for result in results if result["outcome"] == "passed"}
    assert passed == {name for name, row in rows.items() if row["expect"] == "pass"}
    assert not [result for result in (*results, after) if result["damage"]]
    assert len(results) == len(rows)


SECOND = TRIAL.with_name("hostile2.jsonl")


def _noise() -> list[dict[str, Any]]:
    """Honest programs of both trials."""
    lines = [line for path in (TRIAL, SECOND) if path.exists() for line in path.read_text().splitlines()]
    return [row for row in map(json.loads, lines) if row["category"] == "noise"]


@pytest.mark.parametrize("row", _noise(), ids=lambda row: row["id"])
def test_noise_is_judged_rightly(judge: Judge, problems: dict[str, Problem], row: dict[str, Any]) -> None:
    """As often as it is asked for."""
    own = {"requires": (), **row.get("problem", {})}
    if "dataset" in row:
        problems = {each.id: each for each in load(row["dataset"], TRIAL.with_name("HumanEvalPlus-Mini.jsonl.gz"))}
    problem = Problem(**{"prompt": "", **own}) if "problem" in row else problems[row["task_id"]]
    for _ in range(min(3, row.get("times", 1))):
        verdict = judge(problem, Candidate(row["completion"]), row.get("tests", "base"))
        assert verdict.passed == (row["expect"] == "pass"), verdict.failures
