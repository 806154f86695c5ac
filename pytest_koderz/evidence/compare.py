"""One arm against the control, on the problems that both settled."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from functools import cache

from pytest_koderz.core.arm import Arm
from pytest_koderz.core.experiment import Experiment

from .acceptance import had_oracle
from .adequacy import Adequacy, adequacy_of
from .break_even import BreakEven, break_even_of
from .families import holm
from .intervals import Interval
from .latency import Latency, latency_of
from .looks import Look, level_at
from .missing import LEFT_OUT, LOST
from .pairing import Pairing
from .pilots import Needed, needed_of
from .savings import SHARE_FROM, Savings, measured
from .strata import Stratum, strata_of
from .tables import CONFIDENCE, Strength, Table, strength_of, without_floor

LEVEL = (1 - CONFIDENCE) / 2
"""Of a one-sided test."""


class Claim(StrEnum):
    """What may be said of an arm against the control."""

    MATCHES = "matches"
    BETTER = "better"
    WORSE = "worse"
    INCONCLUSIVE = "inconclusive"


class Doubt(StrEnum):
    """Why a claim is not made that the problems settled by both would bear on their own."""

    NONE = ""
    FLOOR = "floor"
    """The control solves so little that hardly anything could be worse by the margin, or the arm solves nothing."""
    MISSING = "missing"
    """It does not hold if all problems that were lost went against it."""
    LOOKS = "looks"
    """It does not hold at the level of this look."""
    FAMILY = "family"
    """It does not hold among so many arms."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """An arm against the control. The difference and savings are arm minus control and control minus arm."""

    arm: str
    control: str
    margin: float
    """How much lower a share of solved still counts as a match; set before the run."""
    problems: int
    """Settled by both; nothing else is compared."""
    left_out: int
    """Problems that at least one of the two did not settle."""
    lost: int
    """Problems with a try that began and was not settled: invalid or cut short. How hard they are may be why."""
    skipped: int
    """Problems with a try that a guard, such as the budget, did not let begin or go on."""
    solved: float
    """Problems that the arm solved; with several epochs the mean of each problem's epochs is added up."""
    control_solved: float
    only_arm: int
    """Problems that the arm solved and the control did not, or more often than the control."""
    only_control: int
    difference: float | None
    """Of the shares of solved. None: no problem was settled by both."""
    difference_interval: Interval | None
    p_value: float
    """Exact McNemar test that the arms are equal; with several epochs the sign test over problems."""
    margin_p_value: float
    """Exact one-sided test that the arm is lower by the margin or more; a match needs 0.025 or less."""
    floor: float | None
    """The lower limit of what the control solves, where it is so low that there can be no match. None: it is not."""
    strength: Strength
    """Of each claim, from the problems settled by both."""
    worst: Strength
    """The same if all that was lost had gone against the claim."""
    oracle_stop: bool
    """The tests that grade said which of the arm's replies was taken, which they do for no user."""
    savings: Savings
    savings_with_gpu: Savings | None
    """With the dollars of one's own GPUs. None: no rate is given."""
    break_even: BreakEven | None
    """None: no problem was settled by both, or a price is unknown."""
    latency: Latency | None
    strata: tuple[Stratum, ...] = ()
    """Where it gains and where it loses."""
    adequacy: Adequacy | None = None
    """Of the tests that it rests on. None: not known."""
    claim: Claim = Claim.INCONCLUSIVE
    doubt: Doubt = Doubt.NONE
    """Why it is INCONCLUSIVE, where the problems settled by both would say more."""
    level: float = LEVEL
    """One-sided, of the test that decided; 0.025 but for several looks or arms."""
    turns_at: int | None = None
    """The fewest of the problems left out that would undo the claim, or do undo it where that is the doubt, had they
    gone against it. None: not even all."""
    needed: Needed | None = None
    """Problems for a conclusion. None: there is one, it is too early to tell, or none is in reach."""

    @property
    def would_be(self) -> Claim:
        """The claim of the settled problems alone, as if there were one look and one arm."""
        return claim_at(self.strength, LEVEL)


def compare(
    arm: Sequence[Experiment],
    control: Sequence[Experiment],
    margin: float = 0.05,
    local_rate: Decimal | None = None,
    definitions: Sequence[Arm] = (),
) -> Comparison:
    """Hold *arm* against *control*, problem by problem, as the only arm, looked at once.

    The claim, in this order, each by two tests (`tables.strength_of`) at a level of 2.5 % on its side:

    - worse: the arm solves less.
    - better: the arm solves more.
    - matches: the arm does not solve less by *margin* or more, and the control solves enough for that to mean
      something: half of the lower limit of its share is the margin at least. Without this an arm that can do nothing
      matches a control that can do nothing: assay sensitivity, ICH E10 (2000), section 1.5.
    - inconclusive: anything else. A difference that is not significant is no match.

    A claim must hold too if all problems that were lost had gone against it. Experiments of different prompt versions
    are not compared. *local_rate* is in US dollars per GPU-hour; *definitions* of the arms tell how dear one more
    problem could be.
    """
    pairing = Pairing.of(arm, control)
    (judged,) = judge([_measured(pairing, margin, local_rate, definitions)])
    return _with_outlook(judged, pairing)


def _measured(pairing: Pairing, margin: float, local_rate: Decimal | None, definitions: Sequence[Arm]) -> Comparison:
    """All but what is claimed of it."""
    table, (won, lost) = pairing.table, pairing.discordant
    money = _money_of(pairing, local_rate, definitions)
    return Comparison(
        arm=_name(pairing.arm),
        control=_name(pairing.control),
        margin=margin,
        problems=len(pairing.tries),
        left_out=pairing.left_out,
        lost=len(pairing.missing(margin).gaps),
        skipped=pairing.skipped,
        solved=sum(mine.share for mine in pairing.mine),
        control_solved=sum(other.share for other in pairing.others),
        only_arm=won,
        only_control=lost,
        difference=table.difference if table else None,
        difference_interval=table.interval if table else None,
        p_value=pairing.p_value,
        margin_p_value=table.margin_p(margin) if table else 1.0,
        floor=pairing.floor(margin),
        strength=pairing.strength(margin),
        worst=pairing.worst(margin),
        oracle_stop=any(map(had_oracle, pairing.arm)),
        savings=money.savings,
        savings_with_gpu=money.with_gpu,
        break_even=money.break_even,
        latency=latency_of(pairing.mine, pairing.others),
        strata=strata_of(pairing),
        adequacy=adequacy_of(pairing.mine),
    )


@dataclass(frozen=True, slots=True)
class _Money:
    savings: Savings
    with_gpu: Savings | None
    break_even: BreakEven | None


def _money_of(pairing: Pairing, local_rate: Decimal | None, definitions: Sequence[Arm]) -> _Money:
    sides = pairing.mine, pairing.others

    @cache
    def savings_at(rate: Decimal | None) -> Savings:
        return measured(*sides, rate, definitions)

    def sure_at(rate: Decimal | None) -> bool:
        return _is_sure(savings_at(rate))

    even = break_even_of(*sides, local_rate, sure_at=sure_at) if pairing.tries else None
    return _Money(savings_at(None), None if local_rate is None else savings_at(local_rate), even)


def _with_outlook(judged: Comparison, pairing: Pairing) -> Comparison:
    """With how many problems a conclusion would take, or how many of those left out would undo the one there is."""
    table, margin = pairing.table, judged.margin
    if judged.claim is Claim.INCONCLUSIVE and judged.doubt in (Doubt.NONE, Doubt.FLOOR) and table is not None:
        return replace(judged, needed=needed_of(table, judged.problems, margin, may_match=judged.floor is None))
    if judged.would_be is Claim.INCONCLUSIVE:
        return judged
    missing = pairing.missing(margin, LOST if judged.doubt is Doubt.MISSING else LEFT_OUT)
    return replace(judged, turns_at=missing.turns_at(judged.would_be, LEVEL))


def claim_at(strength: Strength, level: float) -> Claim:
    """The claim as `compare` defines it, but for the floor."""
    if strength.worse <= level:
        return Claim.WORSE
    if strength.better <= level:
        return Claim.BETTER
    return Claim.MATCHES if strength.matches <= level else Claim.INCONCLUSIVE


def claim_of(table: Table | None, p_value: float, margin: float) -> Claim:
    """That of one look at one arm, of which nothing is missing; *p_value* is of the exact test of equality."""
    return claim_at(strength_of(table, p_value, margin), LEVEL)


def judge(comparisons: Sequence[Comparison], looks: tuple[Look, ...] = ()) -> tuple[Comparison, ...]:
    """The claims of several arms against one control at the last of *looks* (none: there is but one).

    The first arm is judged at the full level, the others share one by Holm's procedure, claim by claim.
    """

    def level(alpha: float) -> float:
        return level_at(looks, alpha) if looks else alpha

    first, others = comparisons[:1], comparisons[1:]
    return (*_family(first, level), *_family(others, level))


def _family(comparisons: Sequence[Comparison], level: Callable[[float], float]) -> list[Comparison]:
    final = [_after_floor(one, one.worst) for one in comparisons]
    kinds = {claim: holm([_p_of(one, claim) for one in final], LEVEL, level) for claim in _ORDER}
    return [
        _judged(one, next((claim for claim in _ORDER if kinds[claim][place]), Claim.INCONCLUSIVE), level(LEVEL))
        for place, one in enumerate(comparisons)
    ]


_ORDER = (Claim.WORSE, Claim.BETTER, Claim.MATCHES)


def _p_of(strength: Strength, claim: Claim) -> float:
    return {Claim.WORSE: strength.worse, Claim.BETTER: strength.better, Claim.MATCHES: strength.matches}[claim]


def _after_floor(one: Comparison, strength: Strength) -> Strength:
    return strength if one.floor is None else without_floor(strength)


def _judged(one: Comparison, claim: Claim, level: float) -> Comparison:
    """With the first thing that stands in the way of a claim which the settled problems would bear."""
    steps = (
        (Doubt.FLOOR, claim_at(_after_floor(one, one.strength), LEVEL)),
        (Doubt.MISSING, claim_at(_after_floor(one, one.worst), LEVEL)),
        (Doubt.LOOKS, claim_at(_after_floor(one, one.worst), level)),
        (Doubt.FAMILY, claim),
    )
    before = one.would_be
    doubt = next((doubt for doubt, left in steps if left is not before), Doubt.NONE)
    return replace(one, claim=claim, doubt=doubt, level=level)


def _is_sure(savings: Savings) -> bool:
    """Whether what rests on the same dollars may have an interval."""
    return savings.experiments >= SHARE_FROM and not savings.why_none


def _name(experiments: Sequence[Experiment]) -> str:
    return experiments[0].arm if experiments else ""
