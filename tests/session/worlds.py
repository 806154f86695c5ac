"""What simulated benchmarks leave behind."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pytest_koderz.files.source_tree import digest_of_tree


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


def repository(root: Path) -> Path:
    """The folder of one with a function of its own, which the suite `problems/own.yaml` in *root* asks for."""
    place = root / "repository"
    place.mkdir()
    (place / "own.py").write_text('def double(number):\n    """Twice as much."""\n    return 2 * number\n')
    (place / "test_own.py").write_text("from own import double\n\ndef test_double():\n    assert double(2) == 4\n")
    (root / "problems").mkdir()
    double = {"id": "own:double", "file": "own.py", "entry_point": "double", "tests": ["test_own.py::test_double"]}
    suite = {
        "repository": {"path": "../repository", "digest": digest_of_tree(place)},
        "problems": [{**double, "prompt": "Write double(number)."}],
    }
    (root / "problems" / "own.yaml").write_text(json.dumps(suite))
    return place
