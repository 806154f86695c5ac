"""The table of problems by arms, as rows of a page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from pytest_koderz.core.experiment import Experiment, Status
from pytest_koderz.core.money import total
from pytest_koderz.core.problem import Problem
from pytest_koderz.evidence.holdout import leaks_in

from .plain_text import cut
from .text import dollars, headline

MOST = 200
"""Characters of what a cell says when asked."""
_PLACES = {Status.SOLVED: 0, Status.UNSOLVED: 1, Status.INVALID: 2, Status.SKIPPED: 3, Status.RUNNING: 4}
NOTHING = 5_000_000
"""Where an arm without an experiment stands when rows are sorted: behind all others."""

DISAGREE = "disagree"
MARKS = {
    "unsolved": "unsolved",
    DISAGREE: "arms disagree",
    "invalid": "invalid",
    "skipped": "skipped or unfinished",
    "flagged": "flagged",
    "repeated": "repeated code",
}
"""What a row can be picked by, and how it is called."""


@dataclass(frozen=True, slots=True)
class Link:
    """To an experiment's story."""

    experiment: Experiment

    @property
    def id(self) -> str:
        return self.experiment.id

    @property
    def status(self) -> Status:
        return self.experiment.status

    @property
    def tries(self) -> int:
        return len(self.experiment.iterations)

    @property
    def words(self) -> str:
        """`solved in 2`."""
        return f"{self.ended}{self.short}"

    @property
    def ended(self) -> str:
        """`solved in `, where a number follows."""
        return {Status.SOLVED: "solved in ", Status.UNSOLVED: "unsolved after "}.get(self.status, "")

    @property
    def short(self) -> str:
        """`2`, behind a sign that says how it ended."""
        if self.status is Status.RUNNING:
            return "unfinished"
        return str(self.tries) if self.status.settled else str(self.status)

    @property
    def spoken(self) -> str:
        """`epoch 2: solved in 3`."""
        return f"epoch {self.experiment.epoch}: {self.words}"

    @property
    def title(self) -> str:
        """Why it was not solved; empty where it was."""
        return "" if self.experiment.solved else cut(headline(self.experiment), MOST)

    @property
    def order(self) -> int:
        """Solved sooner comes first; then unsolved, invalid, and what was not run."""
        return _PLACES[self.status] * 1_000_000 + self.tries


@dataclass(frozen=True, slots=True)
class Cell:
    """One arm on one problem, in each of its epochs."""

    links: tuple[Link, ...]

    @property
    def solved(self) -> str:
        """`3/5`; empty of a single epoch."""
        return f"{sum(link.experiment.solved for link in self.links)}/{len(self.links)}" if len(self.links) > 1 else ""

    @property
    def order(self) -> float:
        return round(fmean(link.order for link in self.links), 2) if self.links else NOTHING


@dataclass(frozen=True, slots=True)
class ProblemRow:
    """One problem."""

    problem: str
    dataset: str
    file: str
    """Of a repository, where the problem is one of its functions; with several suites their names stand before it."""
    marks: tuple[str, ...]
    """Of MARKS."""
    cells: tuple[Cell, ...]
    cost: str
    cost_order: float
    seconds: float
    """Of all arms and epochs, one after the other."""


def rows_of(
    experiments: Sequence[Experiment], arms: Sequence[str], problems: Mapping[str, Problem]
) -> list[ProblemRow]:
    """In the order of *experiments*, but file by file, with a cell for each of *arms*."""
    several = len({one.traits.dataset for one in experiments if one.traits.function}) > 1
    rows = [_row(name, group, arms, problems.get(name), several) for name, group in grouped(experiments).items()]
    files = list(dict.fromkeys(row.file for row in rows))
    return sorted(rows, key=lambda row: files.index(row.file))


def grouped(experiments: Iterable[Experiment]) -> dict[str, list[Experiment]]:
    """By problem."""
    groups: dict[str, list[Experiment]] = {}
    for one in experiments:
        groups.setdefault(one.problem_id, []).append(one)
    return groups


def counts_of(rows: Iterable[ProblemRow], marks: Iterable[str] = MARKS) -> dict[str, int]:
    """How many rows have each of *marks*, in their order; those that none has are left out."""
    counts = Counter(mark for row in rows for mark in row.marks)
    return {mark: counts[mark] for mark in marks if counts[mark]}


def _row(
    problem: str, group: Sequence[Experiment], arms: Sequence[str], known: Problem | None, several: bool
) -> ProblemRow:
    by_arm: dict[str, list[Link]] = {arm: [] for arm in arms}
    for one in group:
        by_arm[one.arm].append(Link(one))
    paid = total(one.ledger.cost for one in group)
    dataset = (known.dataset if known else "") or problem.rpartition("/")[0] or "own"
    cells = tuple(Cell(tuple(links)) for links in by_arm.values())
    order = -1.0 if paid is None else float(paid)
    seconds = sum(one.seconds for one in group)
    traits, function = group[0].traits, group[0].traits.function
    file = "" if function is None else f"{traits.dataset}/{function.file}" if several else function.file
    return ProblemRow(problem, dataset, file, tuple(_marks(group)), cells, dollars(paid), order, seconds)


def _marks(group: Sequence[Experiment]) -> Iterator[str]:
    statuses = {one.status for one in group}
    if Status.UNSOLVED in statuses:
        yield "unsolved"
    if len({_solved_by(arm, group) for arm in {one.arm for one in group}} - {None}) > 1:
        yield DISAGREE
    if Status.INVALID in statuses:
        yield "invalid"
    if statuses & {Status.SKIPPED, Status.RUNNING}:
        yield "skipped"
    if any(True for one in group for _ in leaks_in(one)):
        yield "flagged"
    if any(iteration.repeated for one in group for iteration in one.iterations):
        yield "repeated"


def marked(experiments: Sequence[Experiment], mark: str) -> tuple[Experiment, ...]:
    """Those to which one of MARKS applies, each by itself; where arms disagree, all of that problem."""
    groups = grouped(experiments)
    return tuple(one for one in experiments if mark in _marks(groups[one.problem_id] if mark == DISAGREE else [one]))


def _solved_by(arm: str, group: Sequence[Experiment]) -> float | None:
    """The share of an arm's settled epochs that are solved."""
    settled = [one.solved for one in group if one.arm == arm and one.status.settled]
    return fmean(settled) if settled else None
