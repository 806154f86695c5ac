"""Real replies of real models, whose verdicts are known."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pytest_koderz.core.extract import candidate_of, choice
from pytest_koderz.core.problem import Problem
from pytest_koderz.datasets import load
from pytest_koderz.sandbox import open_sandbox
from pytest_koderz.sandbox.supervisor import Judge

REPLIES = Path(__file__).parents[2].parent / "shared" / "data" / "model_outputs.jsonl.gz"
DISAGREEMENTS = {
    "ro-e5e766b28458": "imports numpy, which HumanEval/21 does not require and the candidate's process need not have",
}
"""Rows whose verdict may differ from the label, each with the reason."""


@pytest.fixture(scope="module")
def judge() -> Iterator[Judge]:
    with open_sandbox(timeout=5.0) as opened:
        yield opened


def _rows() -> list[dict[str, Any]]:
    if not REPLIES.is_file():
        pytest.skip(f"the recorded replies are not at {REPLIES}")
    with gzip.open(REPLIES, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def _verdict(judge: Judge, problem: Problem, reply: str) -> str:
    candidate = candidate_of(reply, problem)
    return "pass" if candidate is not None and judge(problem, candidate).passed else "fail"


SOURCES = ("llm-humaneval-benchmarks", "mapcoder", "mint")
FLOOR = 0.995
"""Of each source; held-back replies of the same models may show habits that these do not."""


@pytest.mark.slow
@pytest.mark.parametrize("source", SOURCES)
def test_recorded_replies_get_the_verdict_of_a_careful_reader(source: str, judge: Judge) -> None:
    """Extraction and judging together agree with every label but those that are listed with a reason."""
    rows = [row for row in _rows() if row["source"] == source]
    wrong = _wrong(judge, rows)
    assert wrong.keys() <= DISAGREEMENTS.keys()
    assert len(wrong) <= len(rows) * (1 - FLOOR)


@pytest.mark.parametrize("source", SOURCES)
def test_a_few_recorded_replies_of_each_source(source: str, judge: Judge) -> None:
    """Of each kind of formatting some: every 40th row."""
    assert not _wrong(judge, [row for row in _rows() if row["source"] == source][::40])


def _wrong(judge: Judge, rows: list[dict[str, Any]]) -> dict[str, str]:
    """The rows judged otherwise than labelled, with their labels."""
    problems = {problem.id: problem for problem in load("humaneval")}
    found = {row["id"]: _verdict(judge, problems[row["task_id"]], row["raw"]) for row in rows}
    return {row["id"]: row["expected"] for row in rows if found[row["id"]] != row["expected"]}


def test_a_reply_without_end_is_looked_through_up_to_a_point(monkeypatch: pytest.MonkeyPatch) -> None:
    """A model that has run away, or a server that means ill: the judge waits for neither."""
    monkeypatch.setattr(choice, "MOST_CHARACTERS", 20_000)
    problem = Problem("own/add", "def add(x, y):\n", "add", "")
    answer, noise = "```python\ndef add(x, y):\n    return x + y\n```\n", "```python\nx = 1\n```\n" * 2_000
    found, missed = candidate_of(answer + noise, problem), candidate_of(noise + answer, problem)
    assert found is not None
    assert "return x + y" in found.source
    assert missed is None or "return x + y" not in missed.source
