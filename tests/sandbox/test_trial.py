"""The shared trial: hostile and noisy programs with known verdicts."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pytest_koderz.core.iteration import Candidate
from pytest_koderz.core.problem import Problem
from pytest_koderz.datasets import load
from pytest_koderz.sandbox.supervisor import Judge

from .worlds import NOBODY, SHARED, Program, as_user, tried

_KEYS = "check", "problem", "dataset", "tests", "times", "before"


def _rows(name: str) -> dict[str, dict[str, Any]]:
    trial = SHARED / name
    if not trial.exists():
        pytest.skip("the shared trial is not there")
    return {row["id"]: row for row in map(json.loads, trial.read_text().splitlines())}


@pytest.mark.slow
@pytest.mark.parametrize("user", [None, NOBODY], ids=["ourselves", "nobody"])
@pytest.mark.parametrize("name", ["hostile.jsonl", "hostile2.jsonl"])
def test_every_hostile_program_gets_its_verdict_and_does_no_harm(name: str, user: int | None) -> None:
    """No wrong pass, no wrong fail, no harm, leak, survivor or left-over, whoever runs the judge."""
    as_user(user)
    rows = _rows(name)
    programs = [
        Program(each, row["task_id"], row["completion"], **{key: row[key] for key in _KEYS if key in row})
        for each, row in rows.items()
    ]
    # One of them takes a second of a CPU that it may have to wait for.
    *results, after = tried(programs, user=user, limit=5.0)
    wrong = [
        result for result in results if (result["outcome"] == "passed") != (rows[result["name"]]["expect"] == "pass")
    ]
    assert wrong == []
    assert not [result for result in results if result["outcome"] == "both"]
    assert not [result for result in (*results, after) if result["damage"]]
    assert len(results) == len(rows)


def _noise() -> list[dict[str, Any]]:
    """Honest programs of both trials."""
    lines = [
        line
        for path in (SHARED / "hostile.jsonl", SHARED / "hostile2.jsonl")
        if path.exists()
        for line in path.read_text().splitlines()
    ]
    return [row for row in map(json.loads, lines) if row["category"] == "noise"]


@pytest.mark.parametrize("row", _noise(), ids=lambda row: row["id"])
def test_noise_is_judged_rightly(judge: Judge, problems: dict[str, Problem], row: dict[str, Any]) -> None:
    """As often as it is asked for."""
    own = {"requires": (), **row.get("problem", {})}
    if "dataset" in row:
        problems = {each.id: each for each in load(row["dataset"], SHARED / "HumanEvalPlus-Mini.jsonl.gz")}
    problem = Problem(**{"prompt": "", **own}) if "problem" in row else problems[row["task_id"]]
    for _ in range(min(3, row.get("times", 1))):
        verdict = judge(problem, Candidate(row["completion"]), row.get("tests", "base"))
        assert verdict.passed == (row["expect"] == "pass"), verdict.failures
