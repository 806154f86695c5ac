"""What simulated benchmarks leave behind."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


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
