"""The shared trial: hostile and noisy programs with known verdicts."""

from __future__ import annotations

import json
from typing import Any

import pytest

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
