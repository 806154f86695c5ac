"""Experiments, grouped and measured as all figures need them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Self

from pytest_koderz.core.experiment import Experiment, Status
from pytest_koderz.core.money import Usage, total


def settled_of(experiments: Iterable[Experiment]) -> list[Experiment]:
    return [experiment for experiment in experiments if experiment.status.settled]


def count_of(experiments: Iterable[Experiment], status: Status) -> int:
    return sum(experiment.status is status for experiment in experiments)


def cost_of(experiment: Experiment) -> Decimal | None:
    """US dollars of *experiment* on its own feet: the ledger, and the price of a spec that another experiment paid for.

    Without the latter the arm that happened to run second would look cheaper for it.
    """
    return total([experiment.ledger.cost, *_recalled_cost(experiment)])


def cost_of_role(experiment: Experiment, role: str) -> Decimal | None:
    """The part of `cost_of` that belongs to *role*; 0 where it was not asked."""
    recalled = _recalled_cost(experiment) if role == "spec" else []
    return total([experiment.ledger.of_role(role).cost, *recalled])


def usage_of(experiment: Experiment) -> Usage:
    """Tokens, counted as `cost_of` counts dollars."""
    spec = experiment.spec
    recalled = spec.usage if spec is not None and spec.recalled_from is not None else Usage()
    return experiment.ledger.usage + recalled


def _recalled_cost(experiment: Experiment) -> list[Decimal | None]:
    spec = experiment.spec
    return [spec.cost] if spec is not None and spec.recalled_from is not None else []


def solved_at(experiment: Experiment) -> int | None:
    """The number of the iteration that solved it; None where it is not solved."""
    if not experiment.solved:
        return None
    passed = [iteration.number for iteration in experiment.iterations if iteration.passed]
    return passed[0] if passed else len(experiment.iterations)


def solved_first(experiment: Experiment) -> bool:
    """True where the very first reply solved it, before any feedback or second candidate."""
    return experiment.solved and bool(experiment.iterations) and experiment.iterations[0].verdicts[0].passed


@dataclass(frozen=True, slots=True)
class Tries:
    """The settled experiments of one arm on one problem, by epoch."""

    problem_id: str
    experiments: tuple[Experiment, ...]

    @property
    def settled(self) -> int:
        return len(self.experiments)

    @property
    def solved(self) -> int:
        return sum(experiment.solved for experiment in self.experiments)

    @property
    def share(self) -> float:
        return self.solved / self.settled

    @property
    def cost(self) -> Decimal | None:
        """US dollars of one epoch, on average."""
        whole = total(cost_of(experiment) for experiment in self.experiments)
        return None if whole is None else whole / self.settled

    def first(self, epochs: int) -> Self:
        return type(self)(self.problem_id, self.experiments[:epochs])


def by_problem(experiments: Iterable[Experiment]) -> Mapping[str, Tries]:
    """The settled experiments of one arm by problem id; problems without any are not in it."""
    groups: dict[str, list[Experiment]] = {}
    for experiment in sorted(settled_of(experiments), key=lambda experiment: experiment.epoch):
        groups.setdefault(experiment.problem_id, []).append(experiment)
    return {problem_id: Tries(problem_id, tuple(group)) for problem_id, group in groups.items()}


def by_arm(experiments: Iterable[Experiment]) -> Mapping[str, Sequence[Experiment]]:
    """All experiments by arm, in the order in which the arms appear."""
    groups: dict[str, list[Experiment]] = {}
    for experiment in experiments:
        groups.setdefault(experiment.arm, []).append(experiment)
    return groups
