"""What an installed plugin costs those who do not use it: `pytest --collect-only` with and without it.

Run: python -m tests.benchmarks.bench_startup [runs]
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

AIM = 1.05


def seconds(folder: Path, *arguments: str) -> float:
    """Wall-clock seconds of one run."""
    began = time.perf_counter()
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", *arguments]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return time.perf_counter() - began


def main(runs: int) -> None:
    """Print the ratio of medians; the two kinds of runs take turns, so that noise meets both."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "test_one.py").write_text("def test_one():\n    pass\n")
        seconds(folder)
        pairs = [(seconds(folder), seconds(folder, "-p", "no:koderz")) for _ in range(runs)]
    with_plugin, without = (median(column) for column in zip(*pairs, strict=True))
    print(f"with {with_plugin * 1000:.0f} ms, without {without * 1000:.0f} ms (medians of {runs})")
    print(f"ratio {with_plugin / without:.3f} (aim: at most {AIM})")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 15)
