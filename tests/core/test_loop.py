"""The loop: spec, iterations, checkpoints, and every way in which an experiment can end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from threading import Barrier

import pytest

from pytest_koderz.core.arm import Arm, CheckpointPolicy, Role, SpecPolicy
from pytest_koderz.core.errors import ModelUnavailable, OutOfBudget, SandboxFault
from pytest_koderz.core.experiment import Advice, Experiment, Spec, Status, experiment_id, seed_of
from pytest_koderz.core.iteration import Candidate, FeedbackPolicy, Iteration, Outcome, StopReason, Verdict
from pytest_koderz.core.loop import solve
from pytest_koderz.core.money import Usage, cost_of
from pytest_koderz.core.ports import Prompt, Reply
from pytest_koderz.core.problem import Problem, TestSet
from pytest_koderz.core.prompts import ADVICE_HEADING, ASKING, ATTEMPTS_HEADING, GUIDANCE_HEADING, SPEC_HEADING
from pytest_koderz.testing import FrozenClock, NoMemory, RecordingListener, ScriptedModel, ScriptedSandbox

from .worlds import ADD, FRONTIER, KODERZ, LOCAL, LOCAL_ONLY, PRICE, RIGHT, START, WRONG, run, wrong


def test_all_four_phases_happen_in_order() -> None:
    """Spec, two iterations, a checkpoint, and the iteration that passes."""
    tell = RecordingListener()
    experiment = run(local=ScriptedModel([wrong(1), wrong(2), RIGHT]), tell=tell)
    assert experiment.status is Status.SOLVED
    assert [name for name in tell.names if name not in ("before_call", "called")] == [
        "spec_written",
        "iterated",
        "iterated",
        "checkpointed",
        "iterated",
    ]


def test_an_experiment_ends_unsolved_when_its_iterations_are_spent() -> None:
    """And no checkpoint is paid for that nobody could use any more."""
    experiment = run(local=ScriptedModel(lambda prompt: wrong(prompt.seed)))
    assert experiment.status is Status.UNSOLVED
    assert len(experiment.iterations) == 6
    assert [guidance.after_iteration for guidance in experiment.checkpoints] == [2, 4]


def test_one_try_is_an_arm_with_one_iteration() -> None:
    """Zero-shot runs through the same loop: one call, one verdict."""
    model = ScriptedModel([RIGHT])
    experiment = run(Arm("frontier-only", local=FRONTIER, max_iterations=1), local=model)
    assert (experiment.status, len(model.prompts), experiment.spec) == (Status.SOLVED, 1, None)


def test_the_ledger_holds_every_call_by_role() -> None:
    """(40 input and 10 output tokens) x $4 and $20 per million is $0.00036 a call; the local model is free."""
    bill = Usage(40, 10)
    frontier = ScriptedModel(lambda _: Reply("words", bill, "frontier-1"))
    local = ScriptedModel([wrong(1), wrong(2), RIGHT])
    ledger = run(local=local, frontier=frontier).ledger
    assert ledger.cost == Decimal("0.00072")
    assert ledger.of_role(Role.SPEC).cost == ledger.of_role(Role.CHECKPOINT).cost == Decimal("0.00036")
    assert ledger.of_role(Role.LOCAL).calls == 3


def test_what_is_seen_in_a_failure_is_in_the_next_prompt() -> None:
    """Spec, the failed attempt with its feedback, and the latest guidance all reach the local model."""
    local = ScriptedModel([wrong(1), wrong(2), RIGHT])
    run(local=local, sandbox=ScriptedSandbox(judge=_judged))
    first, second, third = (prompt.user for prompt in local.prompts)
    assert SPEC_HEADING in first
    assert ATTEMPTS_HEADING not in first
    assert "return x - y - 1" in second
    assert "1 of 2 assertions passed" in second
    assert GUIDANCE_HEADING not in second
    assert GUIDANCE_HEADING in third
    assert "words for checkpoint" in third


def test_a_repeated_candidate_is_not_run_again_and_the_model_is_told() -> None:
    """The judge sees it once; the next prompt is hotter and says so."""
    sandbox = ScriptedSandbox("x + y")
    local = ScriptedModel([WRONG, WRONG + "\n", RIGHT])
    experiment = run(local=local, sandbox=sandbox)
    assert len(sandbox.judged) == 2
    assert [iteration.repeated for iteration in experiment.iterations] == [False, True, False]
    assert local.prompts[2].heat > local.prompts[1].heat
    assert "repeated an earlier one" in local.prompts[2].user


@pytest.mark.parametrize("reply", ["", "   \n", "I am sorry, I can not do this."])
def test_a_reply_without_code_is_an_outcome_and_the_model_is_told(reply: str) -> None:
    """Nothing is run; the iteration counts."""
    sandbox = ScriptedSandbox("x + y")
    local = ScriptedModel([reply, RIGHT])
    experiment = run(local=local, sandbox=sandbox)
    assert experiment.iterations[0].verdict.outcome is Outcome.NO_CODE
    assert len(sandbox.judged) == 1
    assert "held no Python code" in local.prompts[1].user


def test_a_reply_cut_at_the_limit_is_named() -> None:
    """The model is told to be shorter."""
    cut = Reply("```python\ndef add(x, y):\n    return (x -", Usage(), "local-1", StopReason.MAX_TOKENS)
    local = ScriptedModel([cut, RIGHT])
    experiment = run(local=local)
    assert experiment.iterations[0].stop_reason is StopReason.MAX_TOKENS
    assert "be shorter" in local.prompts[1].user


def test_several_candidates_of_one_iteration_are_asked_for_at_the_same_time() -> None:
    """All of them wait for each other here, so that one after the other would never end. Each has a seed of its own;
    the best one is what the iteration is judged by.
    """
    together = Barrier(5, timeout=60)

    def answer(prompt: Prompt) -> str:
        return RIGHT if together.wait() == 3 else wrong(prompt.seed)

    local = ScriptedModel(answer)
    experiment = run(local=local, candidates=5)
    assert experiment.solved
    assert [len(iteration.candidates) for iteration in experiment.iterations] == [5]
    assert experiment.iterations[0].verdict.passed
    assert experiment.ledger.of_role("local").calls == 5
    assert len({prompt.seed for prompt in local.prompts}) == 5


def test_models_take_turns_and_each_is_known_by_its_name() -> None:
    """Two models and three candidates: who wrote one stands beside it, and what it cost with that model."""
    large = replace(FRONTIER, name="large")
    model = ScriptedModel(lambda prompt: wrong(prompt.seed))
    experiment = run(LOCAL_ONLY, local=model, swarm=(large,), candidates=3, max_iterations=4)
    assert [sorted(iteration.writers) for iteration in experiment.iterations[:2]] == [
        ["large", "local", "local"],
        ["large", "large", "local"],
    ]
    rows = {row.model: row for row in experiment.ledger.spendings}
    assert {name: row.calls for name, row in rows.items()} == {"local": 6, "large": 6}
    assert rows["local"].cost == Decimal(0)
    assert rows["large"].cost == cost_of(rows["large"].usage, PRICE)


class Refusing(RecordingListener):
    """Lets so many calls pass."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self.left = most

    def before_call(self, experiment: Experiment, role: Role, prompt: Prompt) -> None:
        self.left -= 1
        if self.left < 0:
            raise OutOfBudget("enough")
        super().before_call(experiment, role, prompt)


def test_calls_that_were_made_beside_a_refused_one_are_in_the_ledger() -> None:
    """The budget ends in the middle of an iteration: what was asked before is paid for, and known."""
    experiment = run(LOCAL_ONLY, local=ScriptedModel([RIGHT] * 2), candidates=3, tell=Refusing(2))
    assert experiment.status is Status.SKIPPED
    assert experiment.ledger.calls == 2


def test_calls_that_were_made_beside_one_that_failed_are_in_the_ledger() -> None:
    """The experiment is invalid, also where another candidate is right: else only what is solved would count."""
    seen: list[Prompt] = []

    def answer(prompt: Prompt) -> str:
        seen.append(prompt)
        if len(seen) == 2:
            raise ModelUnavailable("the server is down")
        return RIGHT

    experiment = run(LOCAL_ONLY, local=ScriptedModel(answer), candidates=3)
    assert experiment.status is Status.INVALID
    assert experiment.ledger.calls == 2


def test_calls_that_were_made_beside_one_that_cannot_be_judged_are_in_the_ledger() -> None:
    """The judge fails on the first answer, while the others are under way."""

    def judge(problem: Problem, candidate: Candidate, tests: str) -> Verdict:
        raise SandboxFault("no fork")

    sandbox = ScriptedSandbox(judge=judge)
    experiment = run(LOCAL_ONLY, local=ScriptedModel([RIGHT] * 3), candidates=3, sandbox=sandbox)
    assert experiment.status is Status.INVALID
    assert experiment.ledger.calls == 3


@pytest.mark.parametrize(
    "fault", [ModelUnavailable("the server is down"), SandboxFault("no fork"), ZeroDivisionError()]
)
def test_a_fault_of_the_infrastructure_is_invalid_and_keeps_the_bill(fault: Exception) -> None:
    """Neither unsolved, nor is what was spent forgotten."""
    experiment = run(local=ScriptedModel([wrong(1), fault]))
    assert experiment.status is Status.INVALID
    assert experiment.ledger.calls == 2
    assert len(experiment.iterations) == 1
    assert str(fault) in experiment.reason


def test_a_guard_that_refuses_skips_the_experiment() -> None:
    """The refused call is not made."""

    class Guard(RecordingListener):
        def before_call(self, experiment: Experiment, role: Role, prompt: Prompt) -> None:
            if experiment.iterations:
                raise OutOfBudget("the limit of $1.00 is reached")

    local = ScriptedModel([wrong(1), RIGHT])
    experiment = run(local=local, tell=Guard())
    assert (experiment.status, experiment.reason) == (Status.SKIPPED, "the limit of $1.00 is reached")
    assert len(local.prompts) == 1


def test_a_checkpoint_reads_what_the_memory_recalls() -> None:
    """The record says how many attempts came from the memory; without one the loop's own record is used."""
    recalled = run(
        LOCAL_ONLY, local=ScriptedModel(["```python\ndef add(x, y): return 'recalled'\n```", RIGHT])
    ).iterations

    class Remembering(NoMemory):
        def recall_iterations(self, experiment: Experiment, limit: int) -> Sequence[Iteration] | None:
            return recalled[:1]

    frontier = ScriptedModel(lambda _: "words")
    experiment = run(local=ScriptedModel([wrong(1), wrong(2), RIGHT]), frontier=frontier, memory=Remembering())
    assert experiment.checkpoints[0].recalled == 1
    assert "return 'recalled'" in frontier.prompts[1].user
    frontier = ScriptedModel(lambda _: "words")
    experiment = run(local=ScriptedModel([wrong(1), wrong(2), RIGHT]), frontier=frontier)
    assert experiment.checkpoints[0].recalled == 0
    assert "return x - y - 2" in frontier.prompts[1].user


def test_a_recalled_spec_is_not_written_again() -> None:
    """No call is made for it."""

    class Remembering(NoMemory):
        def recall_spec(self, experiment: Experiment, problem: Problem, arm: Arm) -> Spec | None:
            return Spec("an old spec", "frontier-1", recalled_from="exp_00000000")

    local = ScriptedModel([RIGHT])
    experiment = run(local=local, memory=Remembering())
    assert experiment.ledger.of_role(Role.SPEC).calls == 0
    assert "an old spec" in local.prompts[0].user


@pytest.mark.parametrize(
    ("policy", "told", "hidden"),
    [
        (FeedbackPolicy.NONE, "", "wrong answer"),
        (FeedbackPolicy.OUTCOME, "wrong answer", "assert candidate"),
        (FeedbackPolicy.VISIBLE, "assert candidate(1, 2) == 3", "assert candidate(5, 5)"),
        (FeedbackPolicy.ASSERTION, "assert candidate(5, 5) == 10", "assert candidate(6, 6)"),
        (FeedbackPolicy.ALL, "assert candidate(6, 6) == 12", "nothing is hidden"),
    ],
)
def test_the_policy_decides_what_leaks(policy: FeedbackPolicy, told: str, hidden: str) -> None:
    """From nothing at all to all that the verdict holds."""
    local = ScriptedModel([wrong(1), RIGHT])
    run(LOCAL_ONLY, local=local, sandbox=ScriptedSandbox(judge=_judged), feedback=policy)
    assert told in local.prompts[1].user
    assert hidden not in local.prompts[1].user


def test_tries_without_memory_of_each_other_are_independent() -> None:
    """No attempts shown, no feedback: the prompts are the same but for the seed."""
    local = ScriptedModel([wrong(1), wrong(2), wrong(3)])
    run(LOCAL_ONLY, local=local, attempts_shown=0, feedback=FeedbackPolicy.NONE)
    assert len({prompt.user for prompt in local.prompts}) == 1
    assert len({prompt.seed for prompt in local.prompts}) == 3


def test_seeds_and_ids_belong_to_the_experiment() -> None:
    """The same in every process and order; different for every arm, problem, epoch."""
    assert seed_of("HumanEval/0", "koderz", 1) == seed_of("HumanEval/0", "koderz", 1)
    variants = {seed_of("HumanEval/0", arm, epoch) for arm in ("koderz", "local-only") for epoch in (1, 2)}
    assert len(variants) == 4
    assert experiment_id("bench_0", "HumanEval/0", "koderz", 1).startswith("exp_")


def test_the_checkpoint_interval_is_the_arms() -> None:
    """Every failed iteration, if it says so."""
    experiment = run(KODERZ, local=ScriptedModel(lambda prompt: wrong(prompt.seed)), checkpoint_interval=1)
    assert [guidance.after_iteration for guidance in experiment.checkpoints] == [1, 2, 3, 4, 5]


def _judged(problem: Problem, candidate: object, tests: str) -> Verdict:
    from pytest_koderz.core.iteration import Failure

    if "x + y" in str(candidate):
        return Verdict(Outcome.PASSED, 2, 2)
    shown = [(1, 3)] if tests == "visible" else [(5, 10), (6, 12)]
    failures = tuple(
        Failure("AssertionError", f"assert candidate({'1, 2' if each == 1 else f'{each}, {each}'}) == {value}")
        for each, value in shown
    )
    return Verdict(Outcome.WRONG, 1, 2, failures)


CASCADE = Arm("cascade", local=LOCAL, fallback=FRONTIER, max_iterations=2)


def test_the_fallback_answers_once_when_the_local_tries_are_spent() -> None:
    """From the problem alone: it is asked what a frontier model without any local one would be asked."""
    frontier = ScriptedModel([RIGHT])
    experiment = run(CASCADE, local=ScriptedModel([wrong(1), wrong(2)]), frontier=frontier)
    assert experiment.solved
    assert [iteration.fallback for iteration in experiment.iterations] == [False, False, True]
    assert ATTEMPTS_HEADING not in frontier.prompts[0].user
    assert [spending.role for spending in experiment.ledger.spendings] == [Role.LOCAL, Role.FALLBACK]


def test_the_fallback_is_not_asked_for_what_is_solved() -> None:
    """Nor paid."""
    frontier = ScriptedModel([])
    assert run(CASCADE, local=ScriptedModel([wrong(1), RIGHT]), frontier=frontier).solved
    assert frontier.prompts == []


def test_a_fallback_that_fails_leaves_it_unsolved() -> None:
    """There is no second one."""
    experiment = run(CASCADE, local=ScriptedModel([wrong(1), wrong(2)]), frontier=ScriptedModel([wrong(3)]))
    assert (experiment.status, len(experiment.iterations)) == (Status.UNSOLVED, 3)


@pytest.mark.parametrize(
    ("passed", "reviewed"),
    [
        ([1, 1, 1, 1, 1, 1, 1, 1], [3, 5, 7]),
        ([1, 2, 3, 4, 5, 6, 7, 8], []),
        ([3, 2, 1, 4, 4, 4, 5, 1], [3, 6]),
        ([0, 0, 0, 5, 0, 0, 0, 0], [3, 6]),
    ],
)
def test_a_plateau_brings_a_checkpoint(passed: list[int], reviewed: list[int]) -> None:
    """After two iterations that came no further than those before, counted anew after each checkpoint."""
    counts = iter(passed)
    sandbox = ScriptedSandbox(judge=lambda *_: Verdict(Outcome.WRONG, next(counts), 10))
    local = ScriptedModel([wrong(number) for number in range(8)])
    plateau = replace(KODERZ, max_iterations=8, checkpoint_policy=CheckpointPolicy.PLATEAU)
    experiment = run(plateau, local=local, sandbox=sandbox)
    assert [guidance.after_iteration for guidance in experiment.checkpoints] == reviewed


@pytest.mark.parametrize("holds", [True, False])
def test_the_grading_tests_decide_and_both_verdicts_are_kept(holds: bool) -> None:
    """The loop ends when the base tests pass, and never hears of the others."""
    held = Verdict(Outcome.PASSED if holds else Outcome.WRONG, 1, 2)

    def judge(_: Problem, candidate: Candidate, tests: TestSet) -> Verdict:
        base = Verdict(Outcome.PASSED if "x + y" in candidate.source else Outcome.WRONG, 1, 1)
        return held if tests == "plus" else base

    local = ScriptedModel([wrong(1), RIGHT])
    problem = replace(ADD, plus="def check(candidate):\n    assert candidate(-1, 1) == 0\n")
    arm = replace(LOCAL_ONLY, grade_on="plus")
    experiment = run(arm, local=local, sandbox=ScriptedSandbox(judge=judge), problem=problem)
    assert experiment.iterations[-1].passed
    assert (experiment.graded, experiment.verdict, experiment.solved) == (held, held, holds)
    assert len(local.prompts) == 2


def test_a_problem_without_grading_tests_is_graded_by_its_base_tests() -> None:
    """As its publisher does."""
    experiment = run(replace(LOCAL_ONLY, grade_on="plus"), local=ScriptedModel([RIGHT]))
    assert (experiment.solved, experiment.graded) == (True, None)


class Advising(NoMemory):
    """A memory that knows of one guidance."""

    def recall_guidance(self, experiment: Experiment) -> Sequence[Advice]:
        return [Advice("mind the sign", "exp_00000000", "own/other")]


def test_advice_comes_after_the_first_failure_and_ends_with_the_first_guidance() -> None:
    """It is asked for once, shown until the frontier has looked, and its origin is kept."""
    local = ScriptedModel([wrong(1), wrong(2), RIGHT])
    tell = RecordingListener()
    experiment = run(KODERZ, local=local, memory=Advising(), recall_guidance=True, tell=tell)
    assert [ADVICE_HEADING in prompt.user for prompt in local.prompts] == [False, True, False]
    assert "mind the sign" in local.prompts[1].user
    assert experiment.advice == (Advice("mind the sign", "exp_00000000", "own/other", after_iteration=1),)
    assert tell.names.count("advised") == 1


def test_an_arm_that_does_not_ask_gets_no_advice() -> None:
    """As no shipped arm does, and never the control."""
    local = ScriptedModel([wrong(1), RIGHT])
    experiment = run(LOCAL_ONLY, local=local, memory=Advising())
    assert experiment.advice == ()
    assert ADVICE_HEADING not in local.prompts[1].user


def test_what_the_frontier_gives_away_is_flagged() -> None:
    """In spec and guidance alike; the local model is told all the same, since that is what was paid for."""
    hidden = replace(ADD, tests="def check(candidate):\n    assert candidate(12345, 54321) == 66666\n")
    frontier = ScriptedModel(["Note that add(12345, 54321) is 66666.", f"Write this:\n{RIGHT}"])
    experiment = run(local=ScriptedModel([wrong(1), wrong(2), RIGHT]), frontier=frontier, problem=hidden)
    assert experiment.spec is not None
    assert experiment.spec.leaks == ("a hidden value: add(12345,54321)", "a hidden value: 66666")
    assert experiment.checkpoints[0].leaks == ("a complete solution",)


def test_all_arms_ask_for_the_same_spec() -> None:
    """The same prompt with the same seed, so that they can share it; another epoch has another."""
    prompts = []
    for changes in ({"arm": "koderz"}, {"arm": "no-checkpoints"}, {"epoch": 2}):
        frontier = ScriptedModel(lambda _: "words")
        start = replace(START, **changes)
        crew = {Role.SPEC: frontier, Role.LOCAL: ScriptedModel([RIGHT]), Role.CHECKPOINT: frontier}
        world = ScriptedSandbox("x + y"), NoMemory(), RecordingListener(), FrozenClock()
        solve(start, ADD, replace(KODERZ, name=start.arm), crew, *world)
        prompts.append(frontier.prompts[0])
    assert prompts[0] == prompts[1]
    assert prompts[0].seed != prompts[2].seed


@pytest.mark.parametrize("reply", [Reply("I cannot help.", Usage(), "f", StopReason.REFUSAL), Reply(" ", Usage(), "f")])
def test_a_refused_or_empty_spec_or_guidance_is_kept_and_not_shown(reply: Reply) -> None:
    """It was paid for and is recorded, with its reason; the local model works from the problem alone."""
    local = ScriptedModel([wrong(1), wrong(2), RIGHT])
    experiment = run(local=local, frontier=ScriptedModel([reply, reply]))
    assert experiment.spec is not None
    assert experiment.spec.stop_reason is experiment.checkpoints[0].stop_reason is reply.stop_reason
    assert not any(SPEC_HEADING in prompt.user or GUIDANCE_HEADING in prompt.user for prompt in local.prompts)


def test_a_lazy_spec_is_bought_after_a_failure_alone() -> None:
    """What is solved at once costs none; else it is in the second prompt, and the record says when it came."""
    frontier, lazy = ScriptedModel(lambda _: "in words"), replace(KODERZ, spec_policy=SpecPolicy.LAZY)
    assert run(lazy, local=ScriptedModel([RIGHT]), frontier=frontier).spec is None
    assert frontier.prompts == []
    local = ScriptedModel([WRONG, RIGHT])
    experiment = run(lazy, local=local, frontier=frontier)
    assert experiment.spec is not None
    assert experiment.spec.after_iteration == 1
    assert [SPEC_HEADING in prompt.user for prompt in local.prompts] == [False, True]


@pytest.mark.parametrize(("most", "reviewed"), [(None, [1, 3]), (1, [1])])
def test_a_model_that_may_asks_its_reviewer(most: int | None, reviewed: list[int]) -> None:
    """By a line of its reply; it is told so as long as it may, and the reviewer is told the question."""
    asking = f"{WRONG}\nASK REVIEWER: what of negative numbers?"
    local = ScriptedModel([asking, wrong(1), f"{wrong(2)}\n**Ask reviewer:** why?", RIGHT])
    arm = replace(KODERZ, spec=None, checkpoint_policy=CheckpointPolicy.ASKED, max_reviews=most)
    frontier = ScriptedModel(lambda _: "in words")
    experiment = run(arm, local=local, frontier=frontier)
    assert [guidance.after_iteration for guidance in experiment.checkpoints] == reviewed
    assert "# The programmer asks\nwhat of negative numbers?" in frontier.prompts[0].user
    assert [ASKING in prompt.user for prompt in local.prompts] == [True] + [most is None] * 3
    assert experiment.iterations[0].question == "what of negative numbers?"


def test_there_is_a_limit_of_reviews() -> None:
    """Whatever makes them due."""
    local = ScriptedModel([wrong(number) for number in range(6)])
    assert len(run(KODERZ, local=local, max_reviews=1).checkpoints) == 1
