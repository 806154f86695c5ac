"""The benchmarks of a folder, as their journals tell them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from pytest_koderz.core.arm import Role
from pytest_koderz.core.experiment import Experiment, Guidance, Spec
from pytest_koderz.core.iteration import Iteration
from pytest_koderz.core.money import Ledger, Spending
from pytest_koderz.files.locks import lock

from .events import Advised, Began, Called, Checkpointed, Ended, Head, Iterated, SpecWritten, journals_in
from .recorded import Recorded, Run, about_of, charged_in, each_of, ledger_of, read_folder

_UNSOLVED = b'"status":"unsolved"'
_EXPERIMENT = re.compile(rb'"experiment":"(exp_[0-9a-f]{8})"')


@dataclass(frozen=True, slots=True)
class Archived:
    """One benchmark."""

    id: str
    head: Head
    """What its last run said of itself; without id where nothing is known of that."""
    experiments: tuple[Experiment, ...]
    """By arm, problem and epoch. One that was cut short has the status `running`."""
    running: bool = False
    """A process is writing its journal."""
    recorded: Recorded = field(default_factory=Recorded)
    """Its journals; empty where another memory tells of it."""

    @property
    def began(self) -> str:
        """ISO 8601, UTC; empty where it is not known."""
        return min((one.started for one in self.experiments if one.started), default=self.head.at)

    @property
    def simulated(self) -> bool:
        """Whether any model was."""
        said = [each for one in self.experiments for each in (*one.iterations, one.spec, *one.checkpoints) if each]
        return any(each.model_id.endswith("(simulated)") for each in said)

    @property
    def planned(self) -> int | None:
        """How many experiments there should be. None: it is not known."""
        said = [head.items for head in self.recorded.heads or (self.head,) if head.items is not None]
        return max(said, default=None)

    @property
    def ended(self) -> int:
        return sum(one.status is not one.status.RUNNING for one in self.experiments)

    @property
    def interrupted(self) -> bool:
        """Whether nobody is at work on it any more, and something is left to do."""
        return not self.running and self.ended < max(len(self.experiments), self.planned or 0)


def folders_in(parent: Path) -> list[Path]:
    """The folders with a journal, the latest first."""
    found = [folder for folder in parent.glob("bench_*") if journals_in(folder)]
    return sorted(found, key=lambda folder: (last_written(folder), folder), reverse=True)


def experiments_in(folder: Path) -> set[str]:
    """The ids of all experiments that the journals name, without reading what happened in them."""
    return {name.decode() for path in journals_in(folder) for name in _EXPERIMENT.findall(path.read_bytes())}


def has_unsolved(folder: Path) -> bool:
    """Whether any experiment of the benchmark in *folder* ended so, without reading what happened in them."""
    return any(_UNSOLVED in path.read_bytes() for path in journals_in(folder))


def archived(folder: Path) -> Archived:
    """The benchmark in *folder*. Raises UsageError, with file and line, for what cannot be read."""
    recorded = read_folder(folder)
    head = recorded.heads[-1] if recorded.heads else Head()
    experiments = [_latest(folder.name, list(runs.values())) for runs in recorded.experiments.values()]
    ordered = in_order(experiments, head.arms)
    return Archived(folder.name, head, ordered, _is_written(folder), recorded)


def in_order(experiments: Iterable[Experiment], arms: Sequence[str]) -> tuple[Experiment, ...]:
    """By arm as in *arms*, problem and epoch, so that workers make no difference."""
    places = {arm: place for place, arm in enumerate(arms)}
    return tuple(
        sorted(
            experiments,
            key=lambda one: (places.get(one.arm, len(places)), one.arm, _natural(one.problem_id), one.epoch),
        )
    )


def with_ledger(experiment: Experiment) -> Experiment:
    """One that was cut short and of which no call is known, with what its steps cost."""
    spec = [experiment.spec] if experiment.spec and not experiment.spec.recalled_from else []
    rows = [
        *(_spending(Role.SPEC, each) for each in spec),
        *(_spending(_writer(each), each, len(each.candidates) + len(each.cancelled)) for each in experiment.iterations),
        *(_spending(Role.CHECKPOINT, each) for each in experiment.checkpoints),
    ]
    ledger = Ledger()
    for row in rows:
        ledger += row
    return replace(experiment, ledger=ledger, seconds=sum(row.seconds for row in rows))


def _spending(role: Role, step: Spec | Iteration | Guidance, calls: int = 1) -> Spending:
    return Spending(role, step.model_id, calls, step.usage, step.cost, step.seconds)


def _writer(iteration: Iteration) -> Role:
    return Role.FALLBACK if iteration.fallback else Role.LOCAL


def _natural(name: str) -> list[tuple[int, str]]:
    """HumanEval/2 comes before HumanEval/10."""
    return [(int(part), "") if part.isdigit() else (0, part) for part in re.split(r"(\d+)", name)]


def last_written(folder: Path) -> float:
    """Seconds since the epoch: when any of its journals was."""
    return max(path.stat().st_mtime for path in journals_in(folder))


def _latest(benchmark: str, runs: Sequence[Run]) -> Experiment:
    """The experiment under its latest conditions; one that ended goes before one that was cut short."""
    run = max(runs, key=lambda events: (bool(each_of(events, Ended)), events[-1].at))
    return _counted(benchmark, run).with_charged(charged_in(runs))


def _counted(benchmark: str, run: Run) -> Experiment:
    """The last attempt; one that was cut short does not take the place of one that was settled."""
    last = run[-1].what
    if isinstance(last, Ended):
        return last.record
    settled = [each.record for each in each_of(run, Ended) if each.record.status.settled]
    return settled[-1] if settled else _cut_short(benchmark, run)


def _cut_short(benchmark: str, run: Run) -> Experiment:
    """What is recorded of an experiment that has not ended."""
    about = about_of(run)
    specs = each_of(run, SpecWritten)
    iterations = {each.iteration.number: each.iteration for each in each_of(run, Iterated)}
    checkpoints = {each.guidance.number: each.guidance for each in each_of(run, Checkpointed)}
    ledger = ledger_of(each_of(run, Called))
    cut = Experiment(
        id=about.experiment,
        problem_id=about.problem,
        arm=about.arm,
        epoch=about.epoch,
        benchmark_id=benchmark,
        spec=specs[-1].spec if specs else None,
        iterations=tuple(iterations[number] for number in sorted(iterations)),
        advice=tuple(dict.fromkeys(each.advice for each in each_of(run, Advised))),
        checkpoints=tuple(checkpoints[number] for number in sorted(checkpoints)),
        started=next((each.started for each in each_of(run, Began)), run[0].at),
        ledger=ledger,
        seconds=sum(row.seconds for row in ledger.spendings),
    )
    return cut if ledger.spendings else with_ledger(cut)


def _is_written(folder: Path) -> bool:
    """Whether a process has one of the journals open: it holds a lock on it."""
    return any(_is_locked(path) for path in journals_in(folder))


def _is_locked(path: Path) -> bool:
    with path.open("rb") as file:
        return not lock(file, wait=False, shared=True)
