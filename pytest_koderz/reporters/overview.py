"""Benchmarks that were run before, as lines for people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from fnmatch import fnmatch

from pytest_koderz.core.experiment import Experiment, Status
from pytest_koderz.core.money import total
from pytest_koderz.evidence.arms import figures_of
from pytest_koderz.records.events import Head
from pytest_koderz.records.reader import Archived, in_order

from .fixed_width import Table
from .story import folded
from .summary import SIMULATED, WIDTH
from .text import dollars


def is_meant(benchmark: Archived, text: str) -> bool:
    """Whether *text*, a part of it or a pattern with `*`, is of its id, its profile, an arm or a problem."""
    said = {str(name) for one in benchmark.experiments for name in (one.arm, one.problem_id)}
    names = {benchmark.id, benchmark.head.profile or "", *said}
    return any(fnmatch(name, text) or text in name for name in names)


def entry_lines(benchmark: Archived, columns: int = WIDTH) -> Iterator[str]:
    """`bench_1a2b3c4d  2026-11-22 20:58  live  complete  $0.1234`, and beneath it what each arm came to."""
    mark = SIMULATED if benchmark.simulated else ""
    profile = benchmark.head.profile or "profile unknown"
    paid = dollars(total(one.charged.cost for one in benchmark.experiments))
    yield from folded(
        f"{benchmark.id}  {began_words(benchmark)}  {profile}  {state_of(benchmark)}  {paid}", mark, columns
    )
    arms = dict.fromkeys(one.arm for one in benchmark.experiments)
    figures = [figures_of(arm, benchmark.experiments) for arm in arms]
    each = [f"{one.arm} {one.solved}/{one.settled} solved, {dollars(one.paid)}" for one in figures]
    yield from folded(f"    {'; '.join(each)}", mark, columns)


def state_of(benchmark: Archived) -> str:
    """`complete`, `at work`, or how far it came before it was interrupted."""
    if benchmark.running:
        return "at work"
    ended, whole = benchmark.ended, benchmark.planned
    if benchmark.interrupted:
        return f"interrupted, {ended} of {whole} ended" if whole else f"interrupted, {ended} ended"
    return f"{ended} ended" if whole is None else "complete"


def head_lines(benchmark: Archived, source: str, columns: int = WIDTH) -> Iterator[str]:
    """What it was: when, with which models and versions, and where that is read from."""
    mark, head = SIMULATED if benchmark.simulated else "", benchmark.head
    profile = "" if head.profile is None else f", profile {head.profile}"
    yield from folded(f"{benchmark.id}, {began_words(benchmark)} UTC{profile}: {state_of(benchmark)}", mark, columns)
    if head.models:
        models = ", ".join(f"{name} ({what})" for name, what in head.models.items())
        yield from folded(f"models: {models}", mark, columns)
    versions = [f"{name} {said}" for name, said in _versions(head).items() if said]
    yield from folded(f"read from {'; '.join([source, *versions])}", mark, columns)


def _versions(head: Head) -> dict[str, str]:
    return {
        "pytest-koderz": head.pytest_koderz,
        "Python": head.python,
        "prompt version": head.prompt_version,
        "settings": head.settings,
    }


def experiment_lines(
    benchmark: Archived, columns: int = WIDTH, picked: Sequence[Experiment] | None = None
) -> Iterator[str]:
    """A row for each of its experiments, or of those *picked*, with the id by which its story can be asked for."""
    mark = SIMULATED if benchmark.simulated else ""
    head = ("experiment", "", "", "iter.", "cost")
    rows = [
        (one.id, _status(one), name_of(one), len(one.iterations), dollars(one.ledger.cost))
        for one in (benchmark.experiments if picked is None else picked)
    ]
    # A list to pick names from: they are whole where the terminal is not narrow, or where there is none.
    room = columns - len(mark) if columns < WIDTH else None
    table = Table("<12  <9  <0  >5  >9", (head, *rows), room)
    yield from (mark + line for line in table.all_lines(rows))


def name_of(experiment: Experiment) -> str:
    """As its item is called."""
    epoch = f"-{experiment.epoch}" if experiment.epoch > 1 else ""
    return f"{experiment.problem_id}[{experiment.arm}{epoch}]"


def _status(experiment: Experiment) -> str:
    return "not ended" if experiment.status is Status.RUNNING else str(experiment.status)


def began_words(benchmark: Archived) -> str:
    """Minute and day in UTC."""
    try:
        return f"{datetime.fromisoformat(benchmark.began):%Y-%m-%d %H:%M}"
    except ValueError:
        return "time unknown"


def by_benchmark(experiments: Iterable[Experiment], heads: Mapping[str, Head], arms: Sequence[str]) -> list[Archived]:
    """The latest first. Where a benchmark's head is not known, its experiments stand in the order of *arms*."""
    groups: dict[str, list[Experiment]] = {}
    for one in experiments:
        groups.setdefault(one.benchmark_id, []).append(one)
    found = []
    for name, group in groups.items():
        head = heads.get(name, Head())
        found.append(Archived(name, head, in_order(group, head.arms or arms)))
    return sorted(found, key=lambda benchmark: benchmark.began, reverse=True)
