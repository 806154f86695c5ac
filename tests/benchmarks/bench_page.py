"""What a page of many experiments costs: seconds to write it, its size, and seconds until a browser shows it.

Run: python -m tests.benchmarks.bench_page [experiments] [FILE]
The models are simulated, the problems HumanEval's over and over, and the judge compares with the published answer.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from itertools import cycle, islice
from pathlib import Path

from pytest_koderz.backends.simulated import Ability, SimulatedModel
from pytest_koderz.core.arm import Arm, ModelSettings
from pytest_koderz.core.errors import OutOfBudget
from pytest_koderz.core.experiment import Experiment, experiment_id, seed_of
from pytest_koderz.core.iteration import Candidate, Failure, Outcome, Verdict
from pytest_koderz.core.loop import solve
from pytest_koderz.core.money import Price
from pytest_koderz.core.ports import Prompt, Reply
from pytest_koderz.core.problem import Problem, TestSet
from pytest_koderz.datasets import load
from pytest_koderz.evidence.findings import Frame
from pytest_koderz.reporters.page import html_of
from pytest_koderz.testing import FrozenClock, NoMemory, RecordingListener

BENCHMARK = "bench_5eed5eed"
FREE = Price(Decimal(0), Decimal(0), Decimal(0), Decimal(0), date(2026, 11, 22), "a benchmark")
PAID = Price(Decimal(4), Decimal(20), Decimal(5), Decimal("0.4"), date(2026, 11, 22), "a benchmark")
LOCAL = ModelSettings("local", "simulated", "local", FREE, context_tokens=16384)
FRONTIER = ModelSettings("frontier", "simulated", "frontier", PAID)
ARMS = (
    Arm("koderz", LOCAL, spec=FRONTIER, checkpoint=FRONTIER, max_iterations=10),
    Arm("local-only", LOCAL, max_iterations=10),
    Arm("no-spec", LOCAL, checkpoint=FRONTIER, max_iterations=10),
    Arm("frontier-only", FRONTIER, max_iterations=1),
)
FRAME = Frame(BENCHMARK, tuple(arm.name for arm in ARMS), "frontier-only", 0.05, None, simulated=True, definitions=ARMS)
STRENGTHS = {"local": 0.45, "frontier": 0.9}
BUDGET = 97
"""Of so many experiments one is skipped, and another one invalid."""


@dataclass(frozen=True, slots=True)
class Comparing:
    """A Sandbox that passes the published answer alone."""

    def __call__(self, problem: Problem, candidate: Candidate, tests: TestSet = "base") -> Verdict:
        if candidate.source.strip() == (problem.canonical_solution or "").strip():
            return Verdict(Outcome.PASSED, 7, 7, seconds=0.02)
        asserted = f"assert {problem.entry_point}([1.0, 2.0, 3.0], 0.5) == False"
        failure = Failure(
            "AssertionError", asserted, f"assert True == False\n +  where True = {problem.entry_point}(...)"
        )
        return Verdict(Outcome.WRONG, len(candidate.source) % 7, 7, (failure,), seconds=0.02)


@dataclass(frozen=True, slots=True)
class Bounded:
    """A Model whose server is down for one experiment, and too dear for another, of so many."""

    model: SimulatedModel
    turn: int

    def complete(self, prompt: Prompt) -> Reply:
        if self.turn % BUDGET == 0:
            raise OutOfBudget("the limit of $5.00 is reached")
        if self.turn % BUDGET == 1:
            raise ConnectionResetError("http://gpu1:11434: the server is down")
        return self.model.complete(prompt)


def problems_of(number: int) -> list[Problem]:
    """So many, of which no two have the same id."""
    known = load("humaneval")
    rounds = (f"Round{turn // len(known)}/{turn % len(known)}" for turn in range(number))
    return [replace(problem, id=name) for problem, name in zip(islice(cycle(known), number), rounds, strict=True)]


def experiments_of(problems: list[Problem]) -> Iterator[Experiment]:
    """Each arm on each problem, once."""
    known = {problem.id: problem for problem in problems}
    models = {each.name: SimulatedModel(each, known, Ability(STRENGTHS[each.name])) for each in (LOCAL, FRONTIER)}
    for arm in ARMS:
        for turn, problem in enumerate(problems):
            yield _run(arm, problem, {name: Bounded(model, turn) for name, model in models.items()})


def _run(arm: Arm, problem: Problem, models: Mapping[str, Bounded]) -> Experiment:
    name, seed = experiment_id(BENCHMARK, problem.id, arm.name, 1), seed_of(problem.id, arm.name, 1)
    start = Experiment(name, problem.id, arm.name, benchmark_id=BENCHMARK, seed=seed, prompt_version="1")
    crew = {role: models[settings.name] for role, settings in arm.models.items()}
    return solve(start, problem, arm, crew, Comparing(), NoMemory(), RecordingListener(), FrozenClock())


def seconds_to_show(page: Path) -> float | None:
    """Until a headless Chromium has loaded, run and printed *page* as text. None: there is no Chromium here."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        return None
    began = time.perf_counter()
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=1", "--dump-dom"]
    subprocess.run([browser, *options, page.as_uri()], check=True, capture_output=True)
    return time.perf_counter() - began


def main(number: int, path: Path) -> None:
    """Print the figures."""
    problems = problems_of(number // len(ARMS))
    experiments = list(experiments_of(problems))
    began = time.perf_counter()
    path.write_text(html_of(FRAME, {"profile": "simulated"}, experiments, {one.id: one for one in problems}))
    seconds, size = time.perf_counter() - began, path.stat().st_size / 1e6
    print(f"{len(experiments)} experiments: written in {seconds:.1f} s, {size:.1f} MB")
    shown = seconds_to_show(path)
    print("no Chromium to show it" if shown is None else f"shown by Chromium in {shown:.1f} s, its start included")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        given = sys.argv[2] if len(sys.argv) > 2 else f"{folder}/page.html"
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000, Path(given))
