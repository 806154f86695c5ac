"""Kill a simulated benchmark at seeded random points, resume it, and compare with the undisturbed run.

    python -m tests.benchmarks.kill_resume --points 100

The points lie evenly over the bytes of the undisturbed run's journal; every second run has two workers. Each is resumed
with one worker or two. A row of the table is one point.
"""

from __future__ import annotations

import argparse
import random
import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.plugin.killing import command, kill_when, recorded_bytes, results

BENCHMARK = ("--koderz-profile", "simulated", "--koderz-problems", "0-5")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=100)
    parser.add_argument("--seed", type=int, default=4)
    options = parser.parse_args()
    draw = random.Random(options.seed)  # noqa: S311 - not for secrets
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        wanted, size = _undisturbed(folder)
        same = 0
        for number in range(1, options.points + 1):
            same += _point(folder, number, draw.randrange(size), wanted)
        print(f"{same} of {options.points} equal to the undisturbed run")


def _undisturbed(folder: Path) -> tuple[object, int]:
    subprocess.run(command(*BENCHMARK, "--koderz-json", "r.json"), cwd=folder, stdout=subprocess.DEVNULL, check=False)
    size = recorded_bytes(folder)
    wanted = results(folder / "r.json")
    print(f"undisturbed: {len(wanted['experiments'])} experiments, {size:,} bytes of journal")
    return wanted, size


def _point(folder: Path, number: int, point: int, wanted: object) -> bool:
    shutil.rmtree(folder / ".koderz")
    workers, others = 1 + number % 2, 2 - number // 2 % 2
    killed = kill_when(folder, lambda: recorded_bytes(folder) > point, *BENCHMARK, "-n", str(workers - 1 and workers))
    at = recorded_bytes(folder)
    resumed = command("--koderz-resume", "--koderz-json", "r.json", "-n", str(others - 1 and others))
    (folder / "r.json").unlink()
    subprocess.run(resumed, cwd=folder, stdout=subprocess.DEVNULL, check=False)
    same = results(folder / "r.json") == wanted
    state = f"killed at {at:>9,} bytes" if killed else "ended before its end "
    verdict = "equal" if same else "DIFFERENT"
    print(f"{number:>4}  workers {workers}, then {others}  {state}  {verdict}", flush=True)
    return same


if __name__ == "__main__":
    main()
