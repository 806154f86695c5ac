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


@pytest.mark.parametrize("user", [None, NOBODY], ids=["ourselves", "nobody"])
def test_every_hostile_program_gets_its_verdict_and_does_no_harm(user: int | None) -> None:
    """No wrong pass, no wrong fail, no harm, leak, survivor or left-over, whoever runs the judge."""
    as_user(user)
    rows = {row["id"]: row for row in _rows()}
    programs = [Program(name, row["task_id"], row["completion"], row.get("check", "")) for name, row in rows.items()]
    results = {result["name"]: result for result in tried(programs, user=user)}
    wrong = [result for name, result in results.items() if (result["outcome"] == "passed") != (rows[name]["expect"] == "pass")]
    assert not wrong
    assert not [result for result in results.values() if result["damage"]]
    assert not [result for result in results.values() if result["seconds"] > 3.5 * 2.0]
    assert results.keys() == rows.keys()
