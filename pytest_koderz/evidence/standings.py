"""Each arm's place among the others by solved and dollars."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from pytest_koderz.core.experiment import Experiment
from pytest_koderz.core.money import total

from .acceptance import had_oracle
from .compare import Claim, compare
from .problems import Tries, by_arm, by_problem, settled_of


@dataclass(frozen=True, slots=True)
class Standing:
    """An arm's place among the others, over the problems that all of them settled."""

    arm: str
    problems: int
    solved: float
    dollars: Decimal | None
    """With one's own GPUs, where a rate is given."""
    dominated_by: tuple[str, ...]
    """Arms that solved as many or more for as little or less, and did better in one of the two."""


@dataclass(frozen=True, slots=True)
class Alternative:
    """The arm to run in place of one that it dominates: the cheapest of those that nothing dominates."""

    instead_of: Standing
    arm: Standing
    alone: bool
    """It is one try by one model: no spec, no checkpoint, no second iteration."""
    unsupervised: bool
    """It asks one role's model alone, and the other one more than that."""
    sure: bool
    """Beyond chance: it matches or is better by the margin, and the interval of what it saves lies above 0."""
    oracle_stop: bool
    """The tests that grade chose among its replies, and not among those of the arm in whose place it would be run."""


def standings(experiments: Sequence[Experiment], local_rate: Decimal | None = None) -> tuple[Standing, ...]:
    """Each arm's place by dollars and solved; the Pareto front is those with an empty `dominated_by`.

    Arms that settled nothing are left out. Of an arm with an unknown price nothing is said: it neither dominates nor
    is dominated. With a *local_rate*, in US dollars per GPU-hour, one's own GPUs are paid for too.
    """
    tried = {arm: problems for arm, group in by_arm(experiments).items() if (problems := by_problem(group))}
    shared = set.intersection(*(set(problems) for problems in tried.values())) if tried else set()
    places = {
        arm: _place([problems[key] for key in problems if key in shared], local_rate) for arm, problems in tried.items()
    }
    return tuple(
        Standing(arm, len(shared), *place, tuple(rival for rival in places if _dominates(places[rival], place)))
        for arm, place in places.items()
    )


def alternatives(
    places: Sequence[Standing], experiments: Sequence[Experiment], margin: float, local_rate: Decimal | None = None
) -> Iterator[Alternative]:
    """For each dominated arm of `standings` the one to run instead, if that solves anything: one with an oracle stop in
    place of one without only where no other dominates it.
    """
    named, own = {place.arm: place for place in places}, by_arm(experiments)
    for place in places:
        rivals = [named[arm] for arm in place.dominated_by if not named[arm].dominated_by and named[arm].solved]
        if rivals:
            other = own[place.arm]
            fair = [rival for rival in rivals if _has_oracle(other) or not _has_oracle(own[rival.arm])]
            best = min(fair or rivals, key=lambda rival: rival.dollars or Decimal(0))
            arm = own[best.arm]
            unsupervised = _is_unsupervised(arm) and not _is_unsupervised(other)
            sure = _is_sure(arm, other, margin, local_rate)
            yield Alternative(place, best, _is_alone(arm), unsupervised, sure, not fair)


def _place(tries: Sequence[Tries], local_rate: Decimal | None) -> tuple[float, Decimal | None]:
    return sum(each.share for each in tries), total(each.cost(local_rate) for each in tries)


def _dominates(rival: tuple[float, Decimal | None], place: tuple[float, Decimal | None]) -> bool:
    if rival[1] is None or place[1] is None:
        return False
    return rival[0] >= place[0] and rival[1] <= place[1] and rival != place


def _is_sure(rival: Sequence[Experiment], arm: Sequence[Experiment], margin: float, local_rate: Decimal | None) -> bool:
    comparison = compare(rival, arm, margin, local_rate)
    saved = (comparison.savings_with_gpu or comparison.savings).interval
    return comparison.claim in (Claim.MATCHES, Claim.BETTER) and saved is not None and saved.low > 0


def _has_oracle(arm: Sequence[Experiment]) -> bool:
    return any(map(had_oracle, settled_of(arm)))


def _is_alone(arm: Sequence[Experiment]) -> bool:
    return _is_unsupervised(arm) and all(len(experiment.iterations) <= 1 for experiment in settled_of(arm))


def _is_unsupervised(arm: Sequence[Experiment]) -> bool:
    settled = settled_of(arm)
    roles = {row.role for experiment in settled for row in experiment.ledger.spendings}
    return len(roles) <= 1 and not any(experiment.spec for experiment in settled)
