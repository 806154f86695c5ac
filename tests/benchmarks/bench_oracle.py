"""Whether anything tells a candidate of its verdict: python -m tests.benchmarks.bench_oracle.

A candidate answers rightly or wrongly by a coin, and reads its clocks between two calls. From the time that each answer
was followed by, its verdict is guessed: by chance half of the pairs are in the right order. Then a program that solves
a problem without computing, if only something lasts from one run to the next, is judged again and again.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from pytest_koderz.core.iteration import Candidate
from pytest_koderz.core.problem import Problem
from pytest_koderz.datasets import load
from pytest_koderz.sandbox import landlock, open_sandbox
from pytest_koderz.sandbox.supervisor import Judge

_MOST_AREA = 0.55
"""Under the curve of guessing right: the aim."""
_ANSWERS = 2000
_AT_ONCE = 200
_TIMES = 10
_DAYS = 2
_ROWS = Path(__file__).parents[2] / "../shared/data/hostile2.jsonl"
_CANDIDATE = """
import random, time
coin = random.Random({seed})
times, rights, last = [], [], None
def f(n):
    global last
    now = {clock}()
    if last is not None: times.append(now - last)
    if n == {count}: print(times, rights)
    right = coin.random() < 0.5
    rights.append(int(right))
    answer = {right} if right else {wrong}
    last = {clock}()
    return answer
"""
_KINDS = {
    "a number": ("n * 7", "-1", "assert candidate(n) == n * 7"),
    "a long list": ("list(range(5000))", "list(range(1, 5001))", "assert candidate(n) == list(range(5000))"),
    "what a function compares": ("n / 7", "-1.5", "assert agrees(candidate(n), n / 7)"),
}
_AGREES = "def agrees(answer, wanted):\n    return answer == wanted or sum(range(2000)) == abs(answer - wanted)\n\n"


def main() -> None:
    """Print every figure."""
    with open_sandbox(timeout=30.0) as judge:
        print(f"locks: {judge.levels.host} {' '.join(judge.levels.missing)}")
        for kind in _KINDS:
            for clock in ("time.perf_counter_ns", "time.process_time_ns"):
                area = _area(*_measured(judge, kind, clock))
                told = max(area, 1 - area)
                print(f"{kind:26} by {clock:22} area {told:.3f}    (aim: at most {_MOST_AREA})")
    _age_the_library()
    for name, passes in (("one sandbox", _in_one()), ("new ones", _in_new_ones())):
        print(f"passes of the oracle in {name:14} {sum(passes)} of {_TIMES}    (aim: none)")


def _measured(judge: Judge, kind: str, clock: str) -> tuple[list[int], list[int]]:
    """How long each answer was followed by nothing, and whether it was right."""
    right, wrong, assertion = _KINDS[kind]
    tests = f"{_AGREES}def check(candidate):\n    for n in range({_AT_ONCE + 1}):\n        {assertion}\n"
    problem = Problem("own/oracle", "", "f", tests)
    times: list[int] = []
    rights: list[int] = []
    for seed in range(_ANSWERS // _AT_ONCE):
        _age_the_library()
        source = _CANDIDATE.format(seed=seed, clock=clock, count=_AT_ONCE, right=right, wrong=wrong)
        told = json.loads(f"[{judge(problem, Candidate(source)).stdout.strip().replace('] [', '], [')}]")
        times += told[0]
        rights += told[1]
    return times, rights


def _area(times: Sequence[int], rights: Sequence[int]) -> float:
    """Under the receiver operating characteristic: the share of pairs in which the wrong answer took longer."""
    wrong = sorted(taken for taken, right in zip(times, rights, strict=True) if not right)
    right = sorted(taken for taken, right in zip(times, rights, strict=True) if right)
    longer = below = upto = 0
    for taken in wrong:
        while below < len(right) and right[below] < taken:
            below += 1
        while upto < len(right) and right[upto] <= taken:
            upto += 1
        longer += below + upto
    return longer / (2 * len(wrong) * len(right))


def _age_the_library() -> None:
    """Let nobody have read a file for two days: the kernel then notes the next time."""
    before = time.time_ns() - _DAYS * 86400 * 10**9
    for path in _files():
        with suppress(OSError):
            os.utime(path, ns=(before, path.stat().st_mtime_ns))


def _files() -> Iterator[Path]:
    for name in landlock.readable():
        path = Path(name)
        yield from (each for each in (path.rglob("*") if path.is_dir() else [path]) if each.is_file())


def _oracle() -> dict[str, Any]:
    rows = map(json.loads, _ROWS.read_text().splitlines())
    return next(row for row in rows if row["id"] == "oracle_by_atime_and_clock")


def _passes(judge: Judge) -> bool:
    row = _oracle()
    problem = next(each for each in load("humaneval") if each.id == row["task_id"])
    return judge(problem, Candidate(row["completion"])).passed


def _in_one() -> list[bool]:
    with open_sandbox() as judge:
        return [_passes(judge) for _ in range(_TIMES)]


def _in_new_ones() -> list[bool]:
    passes = []
    for _ in range(_TIMES):
        with open_sandbox() as judge:
            passes.append(_passes(judge))
    return passes


if __name__ == "__main__":
    main()
