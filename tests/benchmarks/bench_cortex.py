"""What cortex costs an experiment: python tests/benchmarks/bench_cortex.py [--experiments N] [--verdict-ms MS]."""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pytest_koderz.core.arm import Arm, ModelSettings, Role
from pytest_koderz.core.experiment import Advice, Experiment, Guidance, Spec, experiment_id
from pytest_koderz.core.iteration import Candidate, Failure, Iteration, Outcome, Verdict
from pytest_koderz.core.loop import solve
from pytest_koderz.core.money import Spending, Usage
from pytest_koderz.core.ports import Prompt, Reply
from pytest_koderz.core.problem import Problem, TestSet
from pytest_koderz.cortex import Cortex, Delivery, open_cortex

ITERATIONS = 10
TURNS = 5


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
    cpu: list[float] = field(default_factory=list)
    """Of these seconds, those in which the thread was at work."""
    recalls: list[float] = field(default_factory=list)

    def recall_spec(self, experiment: Experiment, problem: Problem, arm: Arm) -> Spec | None:
        return self.cortex.pytest_koderz_recall_spec(problem, arm) if self.cortex else None

    def recall_iterations(self, experiment: Experiment, limit: int) -> Sequence[Iteration] | None:
        if self.cortex is None:
            return None
        began = time.perf_counter()
        found = self.cortex.pytest_koderz_recall_iterations(experiment, limit)
        if found is not None:
            self.recalls.append(time.perf_counter() - began)
        return found

    def recall_guidance(self, experiment: Experiment) -> Sequence[Advice] | None:
        return None

    def before_call(self, experiment: Experiment, role: Role, prompt: Prompt) -> None: ...
    def advised(self, experiment: Experiment, advice: Advice) -> None: ...
    def called(self, experiment: Experiment, role: Role, prompt: Prompt, reply: Reply, spending: Spending) -> None: ...

    def spec_written(self, experiment: Experiment, spec: Spec) -> None:
        self._timed(lambda cortex: cortex.pytest_koderz_spec_written(experiment, spec))

    def iterated(self, experiment: Experiment, iteration: Iteration) -> None:
        self._timed(lambda cortex: cortex.pytest_koderz_iterated(experiment, iteration))

    def checkpointed(self, experiment: Experiment, guidance: Guidance) -> None:
        self._timed(lambda cortex: cortex.pytest_koderz_checkpointed(experiment, guidance))

    def _timed(self, write: Callable[[Cortex], None]) -> None:
        if self.cortex:
            began, worked = time.perf_counter(), time.thread_time()
            write(self.cortex)
            self.seconds.append(time.perf_counter() - began)
            self.cpu.append(time.thread_time() - worked)


def run(numbers: Iterable[int], local: float, frontier: float, verdict: float, told: Told) -> float:
    """Iterations per second."""
    settings = ModelSettings("failing", "bench", "failing")
    arm = Arm("koderz", settings, settings, settings, max_iterations=ITERATIONS)
    crew = {Role.SPEC: Failing(frontier), Role.LOCAL: Failing(local), Role.CHECKPOINT: Failing(frontier)}
    iterations, began = 0, time.perf_counter()
    for number in numbers:
        problem = Problem(f"Bench/{number}", "def f():\n", "f", "def check(candidate): ...")
        start = Experiment(experiment_id("bench", problem.id, arm.name, 1), problem.id, arm.name, benchmark_id="bench")
        ended = solve(start, problem, arm, crew, Judge(verdict), told, told, time.monotonic)
        iterations += len(ended.iterations)
        if told.cortex:
            told.cortex.store_result(ended)
    return iterations / (time.perf_counter() - began)


def compare(title: str, experiments: int, local: float, frontier: float, verdict: float) -> None:
    """With and without cortex by turns, so that whatever else the machine does is the same for both."""
    told, rates = Told(None), []
    with tempfile.TemporaryDirectory() as folder:
        cortex = open_cortex(cortex_path=None, database=Path(folder, "cortex.db"), spool=Path(folder, "bench.spool"))
        began = time.perf_counter()
        run([0], local, frontier, verdict, Told(cortex))
        first = time.perf_counter() - began
        told = Told(cortex)
        for turn in range(TURNS):
            numbers = range(1 + turn * experiments // TURNS, 1 + (turn + 1) * experiments // TURNS)
            off = run(numbers, local, frontier, verdict, Told(None))
            rates.append((run(numbers, local, frontier, verdict, told), off))
        began = time.perf_counter()
        delivery = cortex.deliver(120)
        settling = time.perf_counter() - began
        cortex.close()
    report(title, rates, told, delivery, settling)
    print(f"  the first experiment, during which the server starts, took {first:.2f} s and is left out")


def report(title: str, rates: Sequence[tuple[float, float]], told: Told, delivery: Delivery, settling: float) -> None:
    on, off = (statistics.median(column) for column in zip(*rates, strict=True))
    ratios = sorted(with_it / without for with_it, without in rates)
    recall = 1000 * statistics.median(told.recalls or [0.0])
    print(
        f"{title}: {on:.1f} iterations/s with cortex, {off:.1f} without; ratio {statistics.median(ratios):.3f} "
        f"({ratios[0]:.3f} to {ratios[-1]:.3f} in {len(ratios)} turns, load {os.getloadavg()[0]:.1f})\n"
        f"  a queued write: {quantiles(told.seconds)}, of which {quantiles(told.cpu)} at work, n={len(told.seconds)}\n"
        f"  a recall: median {recall:.1f} ms, n={len(told.recalls)}; "
        f"{delivery.stored} stored, {delivery.verified} verified, {delivery.owed} owed, {settling:.2f} s at the end"
    )


def quantiles(seconds: Sequence[float]) -> str:
    cuts = statistics.quantiles(seconds, n=100)
    return f"median {1000 * cuts[49]:.3f} ms, p99 {1000 * cuts[98]:.3f} ms"


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
