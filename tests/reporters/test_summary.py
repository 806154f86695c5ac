"""The summary tells the truth in every situation; each stands in tests/golden, so that a change shows in a diff."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from pytest_koderz.core.experiment import Experiment, Spec, Status
from pytest_koderz.core.iteration import Candidate, Iteration, Outcome, Verdict
from pytest_koderz.core.money import Ledger, Price, Spending, Usage
from pytest_koderz.evidence.savings import estimate_control
from pytest_koderz.reporters.results import results_of
from pytest_koderz.reporters.summary import Frame, summary_lines
from pytest_koderz.reporters.text import dollars, failure_lines, headline

GOLDEN = Path(__file__).parents[1] / "golden"
PRICE = Price(Decimal(4), Decimal(20), Decimal(5), Decimal("0.2"), date(2026, 11, 22), "a test")
FRAME = Frame("bench_1a2b3c4d", ("koderz", "frontier-only"), "frontier-only", 0.05, None)
NAMES = [f"HumanEval/{number}" for number in range(40)]


def _experiment(problem: str, arm: str, status: Status, tries: int, cost: str | None = "0.001") -> Experiment:
    """An experiment of *tries* iterations whose spec, if the arm has one, cost *cost*; each try of the control too."""
    amount = None if cost is None else Decimal(cost)
    usage = Usage(100, 50)
    paid_local = arm == "frontier-only"
    iterations = tuple(
        _iteration(number, status is Status.SOLVED and number == tries, amount if paid_local else Decimal(0), usage)
        for number in range(1, tries + 1)
    )
    ledger = Ledger()
    if tries:
        local = total_of(amount, tries) if paid_local else Decimal(0)
        ledger += Spending(
            "local",
            "model",
            tries,
            Usage(100 * tries, 50 * tries),
            local,
            2.0 * tries,
            None if paid_local else 1.5 * tries,
        )
    spec = None
    if not paid_local:
        spec = Spec("words", "frontier-1", usage, amount, 3.0)
        ledger += Spending("spec", "frontier", 1, usage, amount, 3.0)
    reason = (
        "the server is down" if status is Status.INVALID else "the limit is reached" if status is Status.SKIPPED else ""
    )
    return Experiment(
        f"exp_{abs(hash((problem, arm))) % 16**8:08x}",
        problem,
        arm,
        seed=1,
        spec=spec,
        iterations=iterations,
        ledger=ledger,
        status=status,
        seconds=2.0 * tries,
        reason=reason,
        prompt_version="1",
    )


def total_of(amount: Decimal | None, tries: int) -> Decimal | None:
    return None if amount is None else amount * tries


def _iteration(number: int, passed: bool, cost: Decimal | None, usage: Usage) -> Iteration:
    verdict = Verdict(Outcome.PASSED, 7, 7) if passed else Verdict(Outcome.WRONG, 3, 7)
    return Iteration(number, (Candidate(f"answer {number}"),), (verdict,), usage=usage, cost=cost, seconds=2.0)


def _pair(
    problem: str, arm_solved: bool, control_solved: bool, arm_cost: str = "0.001", control_cost: str = "0.003"
) -> list[Experiment]:
    def status(solved: bool) -> Status:
        return Status.SOLVED if solved else Status.UNSOLVED

    return [
        _experiment(problem, "koderz", status(arm_solved), 2 if arm_solved else 5, arm_cost),
        _experiment(problem, "frontier-only", status(control_solved), 1, control_cost),
    ]


def _of(pairs: list[list[Experiment]]) -> list[Experiment]:
    return [one for pair in pairs for one in pair]


def _alone(status: Status, cost: str | None = "0.001") -> list[Experiment]:
    return [_experiment(name, "koderz", status, 3 if status.settled else 0, cost) for name in NAMES[:5]]


ESTIMATED = replace(FRAME, arms=("koderz",), estimate=estimate_control("claude-opus-5-5", PRICE, Usage(200, 150)))
SITUATIONS: dict[str, Callable[[], tuple[Frame, list[Experiment]]]] = {
    "measured": lambda: (
        FRAME,
        _of([_pair(name, number % 5 != 0, number % 8 != 0) for number, name in enumerate(NAMES)]),
    ),
    "negative_savings": lambda: (FRAME, _of([_pair(name, True, True, "0.011", "0.003") for name in NAMES[:12]])),
    "worse": lambda: (FRAME, _of([_pair(name, number % 2 == 0, True) for number, name in enumerate(NAMES[:30])])),
    "zero_solved": lambda: (FRAME, _of([_pair(name, False, False) for name in NAMES[:6]])),
    "all_invalid": lambda: (FRAME, _alone(Status.INVALID)),
    "one_problem": lambda: (FRAME, _pair(NAMES[0], True, True)),
    "no_control": lambda: (ESTIMATED, _alone(Status.SOLVED)),
    "unknown_price": lambda: (
        FRAME,
        [
            *_alone(Status.SOLVED, None),
            *[_experiment(name, "frontier-only", Status.SOLVED, 1, None) for name in NAMES[:5]],
        ],
    ),
    "interrupted": lambda: (
        FRAME,
        [
            *_of([_pair(name, True, True) for name in NAMES[:3]]),
            _experiment(NAMES[3], "koderz", Status.SOLVED, 1),
            _experiment(NAMES[4], "koderz", Status.SKIPPED, 0),
        ],
    ),
    "simulated": lambda: (replace(FRAME, simulated=True), _of([_pair(name, True, False) for name in NAMES[:3]])),
}


@pytest.mark.parametrize("name", SITUATIONS)
def test_a_summary_is_what_its_golden_file_says(name: str) -> None:
    """UPDATE_GOLDEN=1 writes the files anew."""
    path = GOLDEN / f"summary_{name}.txt"
    lines = summary_lines(*SITUATIONS[name]())
    text = "\n".join(lines) + "\n"
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(text)
    assert text == path.read_text()
    assert max(map(len, lines)) <= 80


def test_nothing_was_run() -> None:
    """Then there is nothing to say."""
    assert summary_lines(FRAME, []) == []


def test_every_figure_can_be_recomputed_from_the_rows() -> None:
    """The results' totals are sums of their rows."""
    frame, experiments = SITUATIONS["measured"]()
    results = results_of(frame, {}, experiments)
    for name, arm in results["arms"].items():
        rows = [row for row in results["experiments"] if row["arm"] == name]
        assert arm["solved"] == sum(row["outcome"] == "solved" for row in rows)
        assert arm["cost_usd"] == pytest.approx(sum(row["cost_usd"] for row in rows))
        assert arm["iterations"] == sum(row["iterations"] for row in rows)


@pytest.mark.parametrize(
    ("amount", "words"),
    [("0.0342", "$0.0342"), ("-0.0021", "-$0.0021"), ("1234.5", "$1,234.5000"), ("0", "$0.0000")],
)
def test_dollars_in_words(amount: str, words: str) -> None:
    """A minus sign stands before the dollar."""
    assert dollars(Decimal(amount)) == words


def test_an_unknown_sum_is_unknown_and_an_exact_one_has_all_digits() -> None:
    """Never 0 for unknown; no power of ten for machines."""
    assert dollars(None) == dollars(None, exact=True) == "unknown"
    assert dollars(Decimal("0.0000012"), exact=True) == "0.0000012"
    assert dollars(Decimal(100), exact=True) == "100"


def test_a_failure_names_what_happened() -> None:
    """In one line for the short summary, in full for the section."""
    unsolved = _experiment(NAMES[0], "koderz", Status.UNSOLVED, 2)
    assert headline(unsolved) == "unsolved after 2 iterations, the last wrong, 3 of 7 assertions passed"
    assert "   1  answer 2" in failure_lines(unsolved)
    invalid = _experiment(NAMES[0], "koderz", Status.INVALID, 0)
    assert headline(invalid) == "invalid: the server is down"
