"""Kill a benchmark at seeded random points, resume it, and compare with the undisturbed run and the servers' bills.

    python -m tests.benchmarks.kill_resume --points 100

The models are scripted servers on loopback, which count what they bill. The points lie evenly over the bytes of the
undisturbed run's journal, with up to 60 ms on top; every second run has two workers, and is resumed with one or two. A
row of the table is one point: `asked again` is how many calls were answered more than once, of which there may be as
many as were in flight; `held` is what the limit counts beyond the bill, and is never below 0.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from pytest_koderz.session.budget import Purse
from pytest_koderz.testing import Answer, AnthropicServer, LoopbackServer, OllamaServer, Request
from tests.session.killing import command, kill_when, recorded_bytes, results, suite_of

SETTINGS = """
profiles:
  killed:
    arms: [koderz, frontier-only]
    models: {spec: opus, local: coder, checkpoint: opus, frontier: opus}
    max_iterations: 6
    checkpoint_interval: 2
    max_cost: 5
models:
  opus: {backend: anthropic, model: claude-opus-5-5, max_tokens: 500}
  coder: {backend: ollama, model: "qwen2.5-coder:7b"}
prices:
  claude-opus-5-5: {input: 4, output: 20, as_of: 2026-11-22, source: the benchmark}
cortex: {enabled: false}
"""
PROBLEMS = 6
SENT_CENTS = Decimal(100 * 4 + 50 * 20) / 10_000
"""What each answer of the frontier's costs: 100 tokens in and 50 out, in US cents."""


def coder(request: Request) -> Answer:
    """Right after as many attempts as the task's number says."""
    asked = json.dumps(request.body)
    name = asked.split("Write the whole function `")[1].split("`")[0]
    tries = asked.count("## Attempt")
    operator = "+" if tries >= int(name.removeprefix("add")) else "-"
    return Answer(f"```python\ndef {name}(x, y):\n    return x {operator} y  # {tries}\n```", latency=0.02)


def frontier(request: Request) -> Answer:
    """Words for a spec or a review, and wrong code."""
    del request
    return Answer("Add the two numbers.", input_tokens=100, output_tokens=50, latency=0.02)


@dataclass(frozen=True)
class World:
    """The folder of the benchmark, and the servers."""

    folder: Path
    frontier: LoopbackServer
    local: LoopbackServer

    def billed(self) -> Counter[str]:
        """How often each prompt was answered in full or is being answered."""
        servers = (self.frontier, self.local)
        return Counter(json.dumps(request.body) for server in servers for request in server.requests)


@contextmanager
def world() -> Iterator[World]:
    with tempfile.TemporaryDirectory() as name, AnthropicServer(frontier) as anthropic, OllamaServer(coder) as ollama:
        folder = Path(name)
        (folder / "koderz.yaml").write_text(SETTINGS)
        (folder / "problems").mkdir()
        (folder / "problems" / "own.yaml").write_text(suite_of(PROBLEMS))
        os.environ |= {
            "ANTHROPIC_API_KEY": "made-up",
            "ANTHROPIC_BASE_URL": anthropic.url,
            "OLLAMA_HOST": ollama.url,
        }
        yield World(folder, anthropic, ollama)


@dataclass(frozen=True)
class Undisturbed:
    results: object
    bytes: int
    calls: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=100)
    parser.add_argument("--seed", type=int, default=4)
    options = parser.parse_args()
    draw = random.Random(options.seed)  # noqa: S311 - not for secrets
    with world() as here:
        wanted = undisturbed(here)
        rows = [_point(here, number, draw, wanted) for number in range(1, options.points + 1)]
    good = sum(rows)
    print(f"{good} of {options.points} equal to the undisturbed run, within the calls in flight and under the limit")
    raise SystemExit(good != options.points)


def undisturbed(here: World) -> Undisturbed:
    _run(here, "--koderz-profile", "killed")
    found = results(here.folder / "r.json")
    calls = sum(here.billed().values())
    print(f"undisturbed: {len(found['experiments'])} experiments, {calls} calls", flush=True)
    return Undisturbed(found, recorded_bytes(here.folder), calls)


def _run(here: World, *arguments: str) -> None:
    asked = command(*arguments, "--koderz-json", "r.json")
    subprocess.run(asked, cwd=here.folder, stdout=subprocess.DEVNULL, check=False)


def _point(here: World, number: int, draw: random.Random, wanted: Undisturbed) -> bool:
    point, delay = draw.randrange(wanted.bytes), draw.uniform(0, 0.06)
    shutil.rmtree(here.folder / ".koderz")
    (here.folder / "r.json").unlink()
    before, paid = sum(here.billed().values()), here.frontier.billed.calls
    workers, others = 1 + number % 2, 2 - number // 2 % 2
    asked = ("--koderz-profile", "killed", "-n", _processes(workers))
    killed = kill_when(here.folder, lambda: recorded_bytes(here.folder) > point, *asked, delay=delay)
    at = recorded_bytes(here.folder)
    _run(here, "--koderz-resume", "-n", _processes(others))
    again = sum(here.billed().values()) - before - wanted.calls
    held = _counted(here.folder) - (here.frontier.billed.calls - paid) * SENT_CENTS / 100
    same = results(here.folder / "r.json") == wanted.results
    good = same and 0 <= again <= workers * killed and held >= 0
    state = f"killed at {at:>7,} bytes" if killed else "ended before its end"
    figures = f"{'equal' if same else 'DIFFERENT'}, asked again {again}, held ${held:.4f}"
    print(
        f"{number:>4}  workers {workers}, then {others}  {state}  {figures}{'' if good else '  NOT GOOD'}", flush=True
    )
    return good


def _processes(workers: int) -> str:
    """For `-n`: one worker is the only process."""
    return str(workers if workers > 1 else 0)


def _counted(folder: Path) -> Decimal:
    """US dollars that the limit holds to be spent."""
    (path,) = folder.glob(".koderz/bench_*/budget.db")
    balance = Purse(path, Decimal(5)).balance()
    return balance.spent + balance.unanswered + balance.reserved


if __name__ == "__main__":
    main()
