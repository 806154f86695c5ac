"""Small experiments for the tests of this room."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from functools import reduce

from pytest_koderz.core.experiment import Experiment, Guidance, Spec, Status
from pytest_koderz.core.iteration import Candidate, Iteration, Outcome, StopReason, Verdict
from pytest_koderz.core.money import Ledger, Spending, Usage

CALL = Usage(input=100, output=10)


def ran(
    problem: int,
    arm: str = "koderz",
    solved_at: int | None = 1,
    *,
    tried: int = 1,
    epoch: int = 1,
    price: str | None = "0.001",
    spec: str | None = None,
    checkpoints: Sequence[tuple[int, str | None]] = (),
    status: Status | None = None,
    gpu: float | None = None,
) -> Experiment:
    """An experiment of *tried* iterations (up to *solved_at*) at *price* dollars each.

    *spec* is the price of a spec ("?" is unknown); *checkpoints* are pairs of the iteration before and the price.
    """
    count = solved_at or tried
    iterations = tuple(_iteration(number, number == solved_at, _dollars(price)) for number in range(1, count + 1))
    rows = [
        Spending("local", "small", 1, CALL, iteration.cost, 1.0, None if gpu is None else gpu / count)
        for iteration in iterations
    ]
    if spec is not None:
        rows.append(Spending("spec", "frontier", 1, CALL, _dollars(spec), 1.0))
    rows += [Spending("checkpoint", "frontier", 1, CALL, _dollars(cost), 1.0) for _, cost in checkpoints]
    return Experiment(
        id=f"exp_{arm}_{problem}_{epoch}",
        problem_id=f"Problem/{problem}",
        arm=arm,
        epoch=epoch,
        seed=epoch,
        spec=None if spec is None else Spec("Do it.", "frontier", CALL, _dollars(spec)),
        iterations=iterations,
        checkpoints=tuple(
            Guidance(number, after, "Try again.", "frontier", usage=CALL, cost=_dollars(cost))
            for number, (after, cost) in enumerate(checkpoints, start=1)
        ),
        ledger=reduce(Ledger.__add__, rows, Ledger()),
        status=status or (Status.SOLVED if solved_at else Status.UNSOLVED),
        seconds=2.0,
    )


def fell_back(problem: int, arm: str = "cascade", *, passed: bool = True, price: str = "0.1") -> Experiment:
    """Two local tries in vain, then one by the fallback model."""
    tried = ran(problem, arm, None, tried=2)
    last = replace(_iteration(3, passed, Decimal(price)), fallback=True)
    return replace(
        tried.with_iteration(last),
        ledger=tried.ledger + Spending("fallback", "frontier", 1, CALL, Decimal(price), 1.0),
        status=Status.SOLVED if passed else Status.UNSOLVED,
    )


def _iteration(number: int, passed: bool, cost: Decimal | None) -> Iteration:
    return Iteration(
        number,
        (Candidate(f"attempt = {number}"),),
        (Verdict(Outcome.PASSED if passed else Outcome.WRONG),),
        stop_reason=StopReason.END if passed else StopReason.MAX_TOKENS,
        cost=cost,
        usage=CALL,
    )


def _dollars(price: str | None) -> Decimal | None:
    return None if price in (None, "?") else Decimal(str(price))
