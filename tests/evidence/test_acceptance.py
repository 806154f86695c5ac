"""Loops that end without an oracle, and what that gets wrong."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from pytest_koderz.core.arm import Arm
from pytest_koderz.core.experiment import Status
from pytest_koderz.core.iteration import Candidate, Outcome, Verdict
from pytest_koderz.core.problem import Problem, TestSet
from pytest_koderz.evidence.acceptance import AcceptanceErrors, acceptance_errors_of
from pytest_koderz.sandbox import open_sandbox
from pytest_koderz.testing import ScriptedModel, ScriptedSandbox
from tests.core.worlds import ADD, FRONTIER, LOCAL_ONLY, RIGHT, run, wrong


def _sees(shown: str, right: str) -> ScriptedSandbox:
    """A judge whose examples pass what holds *shown*, and whose grading tests pass what holds *right*."""

    def judge(_: Problem, candidate: Candidate, tests: TestSet) -> Verdict:
        passed = (shown if tests == "visible" else right) in candidate.source
        return Verdict(Outcome.PASSED if passed else Outcome.WRONG, int(passed), 1)

    return ScriptedSandbox(judge=judge)


BLIND = replace(LOCAL_ONLY, accept_on="visible")


@pytest.mark.parametrize(
    ("right", "solved", "false_accepts"), [("x + y", True, 0), ("nothing of the kind", False, 1)], ids=["right", "not"]
)
def test_examples_may_end_the_loop_and_the_grading_tests_only_grade(
    right: str, solved: bool, false_accepts: int
) -> None:
    """Once, at the end: the model hears nothing of them, and what they refuse is a false accept."""
    local = ScriptedModel([wrong(1), RIGHT, RIGHT])
    experiment = run(BLIND, local=local, sandbox=_sees("x + y", right))
    assert (len(experiment.iterations), experiment.accepted, experiment.solved) == (2, True, solved)
    errors = acceptance_errors_of([experiment])
    assert errors == AcceptanceErrors(1, 1, false_accepts, 0)
    assert errors.price(Decimal(30)) == 30 * false_accepts


def test_what_the_examples_refuse_is_no_answer() -> None:
    """However right it is: nobody would have taken it. It is counted as a false reject."""
    experiment = run(BLIND, local=ScriptedModel([RIGHT] * 3), sandbox=_sees("never", "x + y"))
    assert (len(experiment.iterations), experiment.status) == (3, Status.UNSOLVED)
    assert acceptance_errors_of([experiment]) == AcceptanceErrors(1, 0, 0, 1)


@pytest.mark.parametrize(
    ("arm", "problem"),
    [(replace(LOCAL_ONLY, accept_on="none"), ADD), (BLIND, replace(ADD, visible=None))],
    ids=["none", "no examples"],
)
@pytest.mark.parametrize("reply", [RIGHT, wrong(1)], ids=["right", "wrong"])
def test_without_tests_the_first_code_is_taken(arm: Arm, problem: Problem, reply: str) -> None:
    """A reply without code is asked for again."""
    experiment = run(arm, local=ScriptedModel(["no code", reply, RIGHT]), problem=problem)
    assert [str(iteration.verdict.outcome) for iteration in experiment.iterations] == ["no code", "untested"]
    assert experiment.solved is (reply == RIGHT)


def test_examples_decide_when_to_hand_over() -> None:
    """And what the fallback writes is graded, whatever the examples say of it."""
    arm = replace(BLIND, max_iterations=2, fallback=FRONTIER)
    experiment = run(
        arm,
        local=ScriptedModel([wrong(1), wrong(2)]),
        frontier=ScriptedModel([RIGHT]),
        sandbox=_sees("never", "x + y"),
    )
    assert (len(experiment.iterations), experiment.solved) == (3, True)


def test_an_oracle_has_no_errors_of_acceptance() -> None:
    """Its loop ends with what the grading tests pass, or not at all."""
    assert acceptance_errors_of([run(LOCAL_ONLY, local=ScriptedModel([RIGHT]))]) is None


HELD = replace(ADD, tests="def check(candidate):\n    assert candidate(1, 2) == 3\n    assert candidate(5, 8) == 13\n")
BY_ROTE = "```python\ndef add(x, y):\n    return 3\n```"
"""All that the examples show, and nothing else."""


@pytest.mark.parametrize(("planted", "rejected"), [(0, 0), (3, 0), (2, 3)])
def test_the_judge_finds_exactly_the_false_accepts_that_were_planted(planted: int, rejected: int) -> None:
    """By its own tests: candidates that pass the examples and fail the hidden tests; and right ones that the examples,
    which ask for something else, refuse.
    """
    odd = replace(HELD, visible="def check(candidate):\n    assert candidate(1, 2) == 4\n")
    asked = [(HELD, BY_ROTE)] * planted + [(HELD, RIGHT)] * 4 + [(odd, RIGHT)] * rejected + [(HELD, wrong(7))] * 2
    with open_sandbox(timeout=2.0) as judge:
        ended = [run(BLIND, local=ScriptedModel([reply] * 3), sandbox=judge, problem=each) for each, reply in asked]
    found = acceptance_errors_of(ended)
    assert found == AcceptanceErrors(len(asked), planted + 4, planted, rejected)
    assert sum(experiment.solved for experiment in ended) == 4
