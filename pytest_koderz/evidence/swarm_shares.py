"""What each of several models that write for one arm had part in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from pytest_koderz.core.arm import Role
from pytest_koderz.core.experiment import Experiment
from pytest_koderz.core.iteration import Iteration
from pytest_koderz.core.money import total


@dataclass(frozen=True, slots=True)
class Member:
    """One of the models, by its name in koderz.yaml."""

    name: str
    candidates: int
    first: int
    """Experiments in which one of its candidates of the first iteration passed."""
    solved: int
    """Experiments that ended with its candidate and are solved."""
    dollars: Decimal | None
    """US dollars of its calls. None: its price is not known."""
    cancelled: int = 0
    """Of its calls, those that were cut short when another candidate was accepted."""
    missed: int = 0
    """Experiments in whose first iteration none of its candidates passed, and one was cut short that might have."""


@dataclass(frozen=True, slots=True)
class SwarmShares:
    """Of the settled experiments of one arm."""

    members: tuple[Member, ...]
    first: int
    """Experiments in which any candidate of the first iteration passed."""

    @property
    def best(self) -> Member:
        """The one that came furthest in the first iteration; of equals the first."""
        return max(self.members, key=lambda member: member.first)

    @property
    def least_gain(self) -> int:
        """The same where whatever was cut short of the first iteration would have passed."""
        return self.first - max(member.first + member.missed for member in self.members)

    @property
    def gain(self) -> int:
        """Experiments that the first iteration solves and the best member's candidates in it do not.

        Who the best one is shows in the same figures, so that the gain is rather too small; what was cut short counts
        as not passed, so that it is rather too large. See `least_gain`.
        """
        return self.first - self.best.first


def swarm_shares_of(settled: Sequence[Experiment]) -> SwarmShares | None:
    """None where one model alone wrote."""
    tried = [iteration for experiment in settled for iteration in experiment.iterations if iteration.writers]
    names = list(dict.fromkeys(name for each in tried for name in (*each.writers, *each.cancelled)))
    if not names:
        return None
    firsts = [experiment.iterations[0] for experiment in settled if experiment.iterations]
    members = (_member(name, settled, tried, firsts) for name in sorted(names))
    return SwarmShares(tuple(members), sum(bool(_passed_by(each)) for each in firsts))


def _member(
    name: str, settled: Sequence[Experiment], tried: Iterable[Iteration], firsts: Sequence[Iteration]
) -> Member:
    rows = [row for one in settled for row in one.ledger.spendings if (row.role, row.model) == (Role.LOCAL, name)]
    return Member(
        name,
        sum(iteration.writers.count(name) for iteration in tried),
        sum(name in _passed_by(each) for each in firsts),
        sum(one.solved and one.iterations[-1].writer == name for one in settled),
        total(row.cost for row in rows),
        sum(row.cancelled for row in rows),
        sum(name in each.cancelled and name not in _passed_by(each) for each in firsts),
    )


def _passed_by(iteration: Iteration) -> frozenset[str]:
    """Who wrote a candidate that passed."""
    return frozenset(writer for _, verdict, writer in iteration.tried if writer and verdict.passed)
