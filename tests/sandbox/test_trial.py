"""The shared trial: hostile and noisy programs with known verdicts."""

from __future__ import annotations

import json
from typing import Any

import pytest

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
