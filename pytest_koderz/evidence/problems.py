"""Experiments, grouped and measured as all figures need them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Self

from pytest_koderz.core.arm import Role
from pytest_koderz.core.experiment import Experiment, Status
from pytest_koderz.core.money import Ledger, Usage, total
from pytest_koderz.core.problem import Traits

from .tables import Solves

SECONDS_PER_HOUR = 3600


def settled_of(experiments: Iterable[Experiment]) -> list[Experiment]:
    return [experiment for experiment in experiments if experiment.status.settled]


def count_of(experiments: Iterable[Experiment], status: Status) -> int:
    return sum(experiment.status is status for experiment in experiments)


def cost_of(experiment: Experiment, local_rate: Decimal | None = None) -> Decimal | None:
    """US dollars of *experiment* on its own feet: the ledger, and the price of a spec that another experiment paid for.

    Without the latter the arm that happened to run second would look cheaper for it. With a *local_rate*, in US
    dollars per GPU-hour, the GPU-seconds of `own_gpu_seconds` are paid for too.
    """
    tokens = [experiment.ledger.cost, *_recalled_cost(experiment)]
    if local_rate is None:
        return total(tokens)
    seconds = own_gpu_seconds(experiment)
    return total([*tokens, None if seconds is None else Decimal(str(seconds)) * local_rate / SECONDS_PER_HOUR])


def with_all_attempts(experiment: Experiment) -> Experiment:
    """The same, where what attempts at it that do not count were charged stands in its ledger too."""
    spec = experiment.spec
    if spec is not None and spec.recalled_from == experiment.id:
        spec = replace(spec, recalled_from=None)  # an attempt of its own paid for it
    return replace(experiment, spec=spec, ledger=experiment.charged, earlier=Ledger())


def own_gpu_seconds(experiment: Experiment) -> float | None:
    """GPU-seconds of the models whose tokens cost nothing, since those run on one's own machines.

    A spec that such a model wrote for another experiment counts. None where the local role's model, or that of such
    a spec, reported none.
    """
    spec = experiment.spec
    own = [row for row in experiment.ledger.spendings if row.cost == 0 and not row.used_nothing]
    seconds = [row.gpu_seconds for row in own if row.role == Role.LOCAL or row.gpu_seconds is not None]
    if spec is not None and spec.recalled_from is not None and spec.cost == 0:
        seconds.append(spec.gpu_seconds)
    known = [each for each in seconds if each is not None]
    return sum(known) if len(known) == len(seconds) else None


def cost_of_role(experiment: Experiment, role: str) -> Decimal | None:
    """The part of `cost_of` that belongs to *role*; 0 where it was not asked."""
    recalled = _recalled_cost(experiment) if role == "spec" else []
    return total([experiment.ledger.of_role(role).cost, *recalled])


def roles_of(experiment: Experiment) -> list[Role]:
    """Those that were played; that of a spec also where another experiment paid for it."""
    played = {row.role for row in experiment.ledger.spendings}
    return [role for role in Role if role in played or (role is Role.SPEC and experiment.spec is not None)]


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
    accepted = [iteration.number for iteration in experiment.iterations if iteration.accepted]
    return accepted[0] if accepted else len(experiment.iterations)


def solved_first(experiment: Experiment) -> bool:
    """True where the very first reply solved it, before any feedback or second candidate."""
    return experiment.solved and bool(experiment.iterations) and experiment.iterations[0].first_accepted


def fell_back(experiment: Experiment) -> bool:
    """True where the fallback model was asked."""
    return any(iteration.fallback for iteration in experiment.iterations)


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
    def traits(self) -> Traits:
        return self.experiments[0].traits

    @property
    def solves(self) -> Solves:
        return Solves(self.solved, self.settled)

    def cost(self, local_rate: Decimal | None = None) -> Decimal | None:
        """US dollars of one epoch, on average, as `cost_of` counts them."""
        whole = total(cost_of(experiment, local_rate) for experiment in self.experiments)
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
