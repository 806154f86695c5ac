"""What cortex costs an experiment: python tests/benchmarks/bench_cortex.py [--experiments N] [--verdict-ms MS]."""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pytest_koderz.core.arm import Arm, ModelSettings, Role
from pytest_koderz.core.experiment import Experiment, Guidance, Spec, experiment_id
from pytest_koderz.core.iteration import Candidate, Failure, Iteration, Outcome, Verdict
from pytest_koderz.core.loop import solve
from pytest_koderz.core.money import Usage
from pytest_koderz.core.ports import Prompt, Reply
from pytest_koderz.core.problem import Problem, TestSet
from pytest_koderz.cortex import Cortex, Delivery, open_cortex

ITERATIONS = 10


class Failing:
    """A model that answers after a while, always with another wrong program."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.calls = 0

    def complete(self, prompt: Prompt) -> Reply:
        time.sleep(self.seconds)
        self.calls += 1
        body = "".join(f"    x{line} = {line}\n" for line in range(25))
        text = f"```python\ndef f():\n{body}    return {self.calls}\n```"
        return Reply(text, Usage(900, 300), "failing-model", seconds=self.seconds)


@dataclass(frozen=True)
class Judge:
    """Takes as long as a verdict of the real sandbox, which is spent waiting for another process."""

    seconds: float

    def __call__(self, problem: Problem, candidate: Candidate, tests: TestSet = "base") -> Verdict:
        time.sleep(self.seconds)
        failure = Failure("AssertionError", "assert candidate() == -1", "assert 5 == -1")
        return Verdict(Outcome.WRONG, 3, 7, (failure,), self.seconds)


@dataclass
class Told:
    """The loop's memory and listener at once: cortex, or nobody. Notes how long each queued write took."""

    cortex: Cortex | None
    seconds: list[float] = field(default_factory=list)
    recalls: list[float] = field(default_factory=list)

    def recall_spec(self, problem: Problem, arm: Arm) -> Spec | None:
        return self.cortex.pytest_koderz_recall_spec(problem, arm) if self.cortex else None

    def recall_iterations(self, experiment: Experiment, limit: int) -> Sequence[Iteration] | None:
        if self.cortex is None:
            return None
        began = time.perf_counter()
        found = self.cortex.pytest_koderz_recall_iterations(experiment, limit)
        if found is not None:
            self.recalls.append(time.perf_counter() - began)
        return found

    def before_call(self, experiment: Experiment, role: Role, prompt: Prompt) -> None: ...
    def called(self, experiment: Experiment, role: Role, prompt: Prompt, reply: Reply) -> None: ...

    def spec_written(self, experiment: Experiment, spec: Spec) -> None:
        began = time.perf_counter()
        if self.cortex:
            self.cortex.pytest_koderz_spec_written(experiment, spec)
        self.seconds.append(time.perf_counter() - began)

    def iterated(self, experiment: Experiment, iteration: Iteration) -> None:
        began = time.perf_counter()
        if self.cortex:
            self.cortex.pytest_koderz_iterated(experiment, iteration)
        self.seconds.append(time.perf_counter() - began)

    def checkpointed(self, experiment: Experiment, guidance: Guidance) -> None:
        began = time.perf_counter()
        if self.cortex:
            self.cortex.pytest_koderz_checkpointed(experiment, guidance)
        self.seconds.append(time.perf_counter() - began)


def run(experiments: int, local: float, frontier: float, verdict: float, told: Told) -> float:
    """Iterations per second."""
    settings = ModelSettings("failing", "bench", "failing")
    arm = Arm("koderz", settings, settings, settings, max_iterations=ITERATIONS)
    crew = {Role.SPEC: Failing(frontier), Role.LOCAL: Failing(local), Role.CHECKPOINT: Failing(frontier)}
    began = time.perf_counter()
    for number in range(experiments):
        problem = Problem(f"Bench/{number}", "def f():\n", "f", "def check(candidate): ...")
        start = Experiment(experiment_id("bench", problem.id, arm.name, 1), problem.id, arm.name, benchmark_id="bench")
        ended = solve(start, problem, arm, crew, Judge(verdict), told, told, time.monotonic)
        if told.cortex:
            told.cortex.store_result(ended)
    return experiments * ITERATIONS / (time.perf_counter() - began)


def compare(title: str, experiments: int, local: float, frontier: float, verdict: float) -> None:
    off = run(experiments, local, frontier, verdict, Told(None))
    with tempfile.TemporaryDirectory() as folder:
        cortex = open_cortex(cortex_path=None, database=Path(folder, "cortex.db"), spool=Path(folder, "bench.spool"))
        began = time.perf_counter()
        run(1, local, frontier, verdict, Told(cortex))
        first = time.perf_counter() - began
        told = Told(cortex)
        on = run(experiments, local, frontier, verdict, told)
        began = time.perf_counter()
        delivery = cortex.deliver(120)
        settling = time.perf_counter() - began
        cortex.close()
    report(title, off, on, told, delivery, settling)
    print(f"  the first experiment, during which the server starts, took {first:.2f} s and is left out")


def report(title: str, off: float, on: float, told: Told, delivery: Delivery, settling: float) -> None:
    cuts = statistics.quantiles(told.seconds, n=100)
    recall = 1000 * statistics.median(told.recalls or [0.0])
    print(
        f"{title}: {on:.1f} iterations/s with cortex, {off:.1f} without, ratio {on / off:.3f}\n"
        f"  a queued write: median {1000 * statistics.median(told.seconds):.3f} ms, p99 {1000 * cuts[98]:.3f} ms, "
        f"n={len(told.seconds)}; a recall: median {recall:.1f} ms, n={len(told.recalls)}\n"
        f"  {delivery.stored} stored, {delivery.verified} verified, {delivery.owed} owed, {settling:.2f} s at the end"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--experiments", type=int, default=30, help="of ten iterations each")
    parser.add_argument("--verdict-ms", type=float, default=5.5)
    chosen = parser.parse_args()
    verdict = chosen.verdict_ms / 1000
    compare("models that answer at once", chosen.experiments, 0.0, 0.0, verdict)
    compare("a local model of 50 ms, a frontier of 500 ms", chosen.experiments, 0.05, 0.5, verdict)
    return 0


if __name__ == "__main__":
    sys.exit(main())
