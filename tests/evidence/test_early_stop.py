"""A benchmark that ends with its claim."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from functools import cache

import numpy as np
import pytest

from pytest_koderz.core.experiment import Experiment, Status
from pytest_koderz.core.money import Ledger, Spending, Usage
from pytest_koderz.evidence.compare import LEVEL, Claim, claim_at
from pytest_koderz.evidence.early_stop import decided, stops_of
from pytest_koderz.evidence.findings import Frame
from pytest_koderz.evidence.looks import Look, level_at
from pytest_koderz.evidence.spared import Spared, spared_of
from pytest_koderz.evidence.tables import Pairs, Strength, strength_of

from .experiments import ran

FRAME = Frame("bench_1", ("koderz", "frontier-only"), "frontier-only", 0.05, None, planned=60)


def _experiments(solved: int, problems: int, control: int | None = None) -> list[Experiment]:
    """The arm solves the first *solved* of them, the control the first *control*, else all."""
    control = problems if control is None else control
    mine = [ran(number, solved_at=1 if number < solved else None) for number in range(problems)]
    return mine + [ran(number, "frontier-only", 1 if number < control else None) for number in range(problems)]


def _ids(problems: int) -> set[str]:
    return {f"Problem/{number}" for number in range(problems)}


def test_when_it_is_looked_is_laid_down_by_the_plan_alone() -> None:
    """Nineteen times at most, never at the end, where there is nothing left to stop."""
    assert stops_of(164)[:4] == (17, 25, 33, 41)
    assert stops_of(164)[-1] == 156
    assert stops_of(4) == (1, 2, 3)
    assert stops_of(1) == ()


def test_a_claim_is_made_at_the_level_of_its_look() -> None:
    """Eleven lost and none won is p = 0.0005 on one side: enough at half of the problems (0.0015), not at a quarter."""
    late = decided(FRAME, _experiments(19, 30), _ids(30))
    early = decided(FRAME, _experiments(4, 15), _ids(15))
    assert late == (Look(30, 60), Claim.WORSE)
    assert early == (Look(15, 60), Claim.INCONCLUSIVE)


def test_problems_that_are_not_of_the_beginning_do_not_count() -> None:
    """However quickly they ended: those that end first are no sample."""
    whole = _experiments(10, 60, 20)
    assert decided(FRAME, whole, _ids(20)) == (Look(20, 60), Claim.INCONCLUSIVE)


def test_no_more_problems_than_at_the_last_look_are_no_look() -> None:
    """As where all that came since is invalid."""
    looked = replace(FRAME, looks=(Look(30, 60),))
    lost = [replace(one, status=Status.INVALID) for one in _experiments(0, 31) if one.problem_id == "Problem/30"]
    others = [one for one in _experiments(0, 31) if one.problem_id != "Problem/30"]
    assert decided(looked, [*others, *lost], _ids(31)) is None
    assert decided(FRAME, _experiments(5, 5)[:5], _ids(5)) is None


def test_what_was_lost_may_not_decide() -> None:
    """Eleven against none would be a claim, were it not for eleven that went invalid and may be the reverse."""
    whole = _experiments(19, 41)
    lost = [replace(one, status=Status.INVALID) if int(one.problem_id[8:]) >= 30 else one for one in whole]
    assert decided(FRAME, lost, _ids(41)) == (Look(30, 60), Claim.INCONCLUSIVE)


def test_what_is_spared_is_estimated_at_the_mean_so_far() -> None:
    """Ten problems of two arms at $0.02 and $0.10 each leave fifty, at $0.12 each."""
    prices = {"koderz": Decimal("0.02"), "frontier-only": Decimal("0.10")}
    paid = [
        replace(one, ledger=Ledger() + Spending("local", "m", 1, Usage(), prices[one.arm], 1.0))
        for one in _experiments(0, 10)
    ]
    assert spared_of(Look(10, 60), 60, paid) == Spared(Look(10, 60), 50, Decimal("6.00"))
    unknown = [replace(paid[0], ledger=Ledger() + Spending("local", "m", 1, Usage(), None, 1.0)), *paid[1:]]
    assert spared_of(Look(10, 60), 60, unknown) == Spared(Look(10, 60), 50, None)
    assert spared_of(None, 60, paid) is None
    assert spared_of(Look(10, 10), 10, paid) is None


@cache
def _strength(won: int, lost: int, size: int) -> Strength:
    table = Pairs(won, lost, size)
    return strength_of(table, table.equality_p, 0.05)


@cache
def _levels(planned: int) -> dict[int, float]:
    sizes = (*stops_of(planned), planned)
    looks = tuple(Look(size, planned) for size in sizes)
    return {size: level_at(looks[: place + 1], LEVEL) for place, size in enumerate(sizes)}


def claims_of(planned: int, difference: float, discordant: float, number: int, seed: int) -> list[tuple[Claim, int]]:
    """Of each benchmark that stops when it is decided: its claim, and after how many problems."""
    generator, found = np.random.default_rng(seed), []
    shares = [(discordant + difference) / 2, (discordant - difference) / 2, 1 - discordant]
    for _ in range(number):
        outcomes = generator.choice(3, size=planned, p=shares)
        won, lost = (outcomes == 0).cumsum(), (outcomes == 1).cumsum()
        for size, level in _levels(planned).items():
            claim = claim_at(_strength(int(won[size - 1]), int(lost[size - 1]), size), level)
            if claim is not Claim.INCONCLUSIVE:
                break
        found.append((claim, size))
    return found


@pytest.mark.slow
@pytest.mark.parametrize("discordant", [0.06, 0.1, 0.2, 0.4])
@pytest.mark.parametrize("planned", [60, 164])
def test_stopping_makes_no_more_false_claims(planned: int, discordant: float) -> None:
    """At most 2.5 % MATCHES where the arm is worse by the margin, and 2.5 % BETTER and WORSE where they are equal; of
    4,000 benchmarks as many as two standard errors above that.
    """
    worse = [claim for claim, _ in claims_of(planned, -0.05, discordant, 4000, 1)]
    equal = [claim for claim, _ in claims_of(planned, 0.0, discordant, 4000, 2)]
    print(  # noqa: T201 - the figures are what it is run for
        f"n {planned}, discordant {discordant:.0%}: false MATCHES {worse.count(Claim.MATCHES) / 4000:.2%}, "
        f"BETTER {equal.count(Claim.BETTER) / 4000:.2%}, WORSE {equal.count(Claim.WORSE) / 4000:.2%}"
    )
    assert max(worse.count(Claim.MATCHES), equal.count(Claim.BETTER), equal.count(Claim.WORSE)) <= 0.025 * 4000 + 20
