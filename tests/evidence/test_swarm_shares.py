"""What each model of a swarm had part in."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from pytest_koderz.core.experiment import Experiment, Status
from pytest_koderz.core.iteration import Candidate, Iteration, Outcome, Verdict
from pytest_koderz.core.money import Ledger, Spending, Usage
from pytest_koderz.evidence.swarm_shares import swarm_shares_of

PASSED, WRONG = Verdict(Outcome.PASSED), Verdict(Outcome.WRONG)


def iteration(number: int, **verdicts: Verdict) -> Iteration:
    candidates = tuple(Candidate(name) for name in verdicts)
    return Iteration(number, candidates, tuple(verdicts.values()), writers=tuple(verdicts))


def experiment(name: str, *iterations: Iteration) -> Experiment:
    status = Status.SOLVED if iterations[-1].passed else Status.UNSOLVED
    rows = [Spending("local", each, 1, Usage(), cost, 1.0) for each, cost in (("a", Decimal(1)), ("b", Decimal(2)))]
    return Experiment(name, name, "duo", iterations=iterations, status=status, ledger=Ledger(tuple(rows)))


def test_each_model_is_given_what_it_solved_and_cost() -> None:
    """By hand: in the first iteration a solves one problem, b two, both together three; one more later, by a."""
    shares = swarm_shares_of(
        [
            experiment("1", iteration(1, a=PASSED, b=WRONG)),
            experiment("2", iteration(1, a=WRONG, b=PASSED)),
            experiment("3", iteration(1, b=PASSED, a=WRONG)),
            experiment("4", iteration(1, a=WRONG, b=WRONG), iteration(2, a=PASSED, b=WRONG)),
            experiment("5", iteration(1, a=WRONG, b=WRONG), iteration(2, a=WRONG, b=WRONG)),
        ]
    )
    assert shares is not None
    found = [(one.name, one.candidates, one.first, one.solved, one.dollars) for one in shares.members]
    assert found == [("a", 7, 1, 2, Decimal(5)), ("b", 7, 2, 2, Decimal(10))]
    assert (shares.first, shares.best.name, shares.gain) == (3, "b", 1)


def test_one_model_alone_is_no_swarm() -> None:
    """Also with several candidates."""
    alone = Iteration(1, (Candidate("a"), Candidate("b")), (WRONG, PASSED))
    assert swarm_shares_of([experiment("1", alone)]) is None


def test_what_was_cut_short_might_have_passed() -> None:
    """By hand: a solves two problems in the first iteration, in one of which b, which solves one, was cancelled."""
    cut = replace(iteration(1, a=PASSED), cancelled=("b",))
    shares = swarm_shares_of(
        [
            experiment("1", cut),
            experiment("2", iteration(1, a=PASSED, b=WRONG)),
            experiment("3", iteration(1, a=WRONG, b=PASSED)),
            experiment("4", replace(iteration(1, b=PASSED), cancelled=("a",))),
        ]
    )
    assert shares is not None
    assert [(one.name, one.first, one.missed) for one in shares.members] == [("a", 2, 1), ("b", 2, 1)]
    assert (shares.first, shares.gain, shares.least_gain) == (4, 2, 1)
