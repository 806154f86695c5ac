"""Simulated benchmarks, and what they leave behind."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Run

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # As in a shell's background job: the runs that these tests interrupt would inherit it.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def simulate(run: Run) -> Run:
    """The same with the simulated profile."""

    def simulated(*arguments: str) -> pytest.RunResult:
        return run("--koderz", "--koderz-profile", "simulated", *arguments)

    return simulated


@pytest.fixture
def forgetful(simulate: Run, pytester: pytest.Pytester) -> Run:
    """The same without cortex, whose start takes longer than a small benchmark does."""
    (pytester.path / "koderz.yaml").write_text("cortex: {enabled: false}\n")
    return simulate


def recorded(root: Path, event: str) -> list[dict[str, Any]]:
    """The lines of that kind in all journals of all benchmarks in *root*."""
    texts = [path.read_text() for path in sorted(root.glob(".koderz/bench_*/*.jsonl"))]
    lines = [json.loads(line) for text in texts for line in text.splitlines()]
    return [line for line in lines if line["event"] == event]


def outcomes(path: Path) -> dict[tuple[str, str, int], tuple[Any, ...]]:
    """What a results file says of each experiment, without what differs from run to run."""
    results = json.loads(path.read_text())
    return {
        (row["problem"], row["arm"], row["epoch"]): (row["outcome"], row["iterations"], row["cost_usd"], row["tokens"])
        for row in results["experiments"]
    }
