"""What thousands of experiments take: problems with answers at once, as whole processes of growing size.

Run: python -m tests.benchmarks.bench_many [problems]
The problems are HumanEval's, each under many names, so that each is tried out before it is judged. A quarter of them
and all of them are run twice each: the second time the judge knows them. Memory is that of the largest process.
"""

from __future__ import annotations

import json
import sys
import tempfile
from itertools import cycle, islice
from pathlib import Path

from pytest_koderz.datasets.humaneval import published_humaneval
from pytest_koderz.files.jsonl import text_of

from .bench_inspect import SETTINGS
from .whole_process import Cost, cost_of, pytest_command

AIM_SECONDS = 100.0
AIM_MEGABYTES = 300.0
"""Both of 10,000 problems."""
OUTPUTS = ("--koderz-json", "results.json", "--koderz-html", "page.html")


def _prepare(folder: Path, count: int) -> None:
    (folder / "problems").mkdir()
    (folder / "koderz.yaml").write_text(SETTINGS)
    (folder / "problems" / "many.yaml").write_text("dataset: jsonl\npath: ../rows.jsonl\n")
    rows = map(json.loads, cycle(text_of(published_humaneval()).splitlines()))
    named = ({**row, "task_id": f"Many/{number}"} for number, row in enumerate(islice(rows, count)))
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in named))


def _run(folder: Path, *arguments: str) -> Cost:
    return cost_of(pytest_command("--koderz", "--koderz-jobs=4", "-q", "-p", "no:cacheprovider", *arguments), folder)


def _told(count: int, what: str, cost: Cost) -> None:
    thousand = 1000 / count
    each = f"of each 1,000 {cost.wall * thousand:.1f} s, CPU {cost.cpu * thousand:.1f} s"
    print(f"{count} {what}: {cost}; {each}", flush=True)


def main(problems: int) -> None:
    """Print a line for each run."""
    print(f"aims of 10,000 problems: {AIM_SECONDS:.0f} s, {AIM_MEGABYTES:.0f} MB, linear")
    for count in (problems // 4, problems):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            _prepare(folder, count)
            _told(count, "for the first time", _run(folder))
            _told(count, "again", _run(folder))
            _told(count, "again, with page and results", _run(folder, *OUTPUTS))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
