"""Several candidates go on side by side."""

from __future__ import annotations

import pytest

from pytest_koderz.core.beam import kept, line_to
from pytest_koderz.core.iteration import Candidate, Failure, Iteration, Origin, Outcome, Verdict
from pytest_koderz.core.ports import Prompt
from pytest_koderz.core.problem import Problem
from pytest_koderz.testing import ScriptedModel, ScriptedSandbox

from .worlds import LOCAL_ONLY, RIGHT, run, wrong


def failed(passed: int, why: str = "", outcome: Outcome = Outcome.WRONG) -> Verdict:
    return Verdict(outcome, passed, 4, (Failure(why, assertion=why),) if why else ())


def tried(*verdicts: Verdict) -> Iteration:
    candidates = (
        None if each.outcome is Outcome.NO_CODE else Candidate(f"{place}") for place, each in enumerate(verdicts)
    )
    return Iteration(1, tuple(candidates), verdicts)


@pytest.mark.parametrize(
    ("verdicts", "most", "places"),
    [
        ((failed(1, "a"), failed(3, "b"), failed(2, "c")), 2, [1, 2]),
        ((failed(3, "b"), failed(3, "b"), failed(1, "a")), 2, [0, 2]),
        ((failed(3, "b"), failed(3, "b"), failed(3, "b")), 2, [0, 1]),
        ((Verdict(Outcome.NO_CODE), failed(0, "a")), 1, [1]),
        ((Verdict(Outcome.NO_CODE), failed(0, "a")), 2, [1, 0]),
        ((failed(2, "a"), failed(2, "b", Outcome.CRASHED)), 1, [0]),
        ((failed(2, "a"),), 3, [0]),
    ],
)
def test_the_best_go_on_and_of_those_that_fail_alike_one(
    verdicts: tuple[Verdict, ...], most: int, places: list[int]
) -> None:
    """By the share of assertions that pass; another one that fails alike only where there is nothing else."""
    assert kept(tried(*verdicts), most) == places


def test_a_line_is_the_way_to_one_candidate() -> None:
    """From the first iteration on, each with what was told of that very candidate."""
    first = Iteration(
        1,
        (Candidate("a"), Candidate("b")),
        (failed(1), failed(2)),
        origins=(Origin(None, "told of a"), Origin(None, "told of b")),
    )
    second = Iteration(
        2,
        (Candidate("c"), Candidate("d")),
        (failed(3), failed(3)),
        origins=(Origin(1, "told of c"), Origin(0, "told of d", repeated=True)),
    )
    line = line_to((first, second), 1)
    assert [(each.number, each.candidate, each.feedback, each.repeated) for each in line] == [
        (1, Candidate("a"), "told of a", False),
        (2, Candidate("d"), "told of d", True),
    ]


def test_each_line_knows_its_own_attempts_alone() -> None:
    """Two of four go on; each of them is shown to two of the next four, and never beside the other."""

    def judge(problem: Problem, candidate: Candidate, tests: str) -> Verdict:
        return (
            Verdict(Outcome.PASSED)
            if "x + y" in candidate.source
            else failed(len(candidate.source) % 4, candidate.source)
        )

    def answer(prompt: Prompt) -> str:
        return wrong(prompt.seed)

    local = ScriptedModel(answer)
    experiment = run(
        LOCAL_ONLY, local=local, sandbox=ScriptedSandbox(judge=judge), candidates=4, beam=2, max_iterations=3
    )
    first, second, third = experiment.iterations
    assert [origin.parent for origin in first.origins] == [None] * 4
    lines = kept(first, 2)
    assert sorted(origin.parent for origin in second.origins if origin.parent is not None) == sorted(lines * 2)
    for prompt in local.prompts[4:8]:
        shown = [each for each in first.candidates if each is not None and each.source in prompt.user]
        assert len(shown) == 1
        assert shown[0] in [first.candidates[place] for place in lines]
    for prompt in local.prompts[8:]:
        shown = [each for each in second.candidates if each is not None and each.source in prompt.user]
        (at,) = [second.candidates.index(each) for each in shown]
        parent = second.origins[at].parent
        assert parent is not None
        before = first.candidates[parent]
        assert before is not None
        assert before.source in prompt.user
    assert len(third.candidates) == 4


def test_candidates_are_spread_over_temperatures() -> None:
    """Evenly, from the model's own on."""
    local = ScriptedModel(lambda prompt: RIGHT if prompt.heat == 0.4 else wrong(prompt.seed))
    experiment = run(LOCAL_ONLY, local=local, candidates=3, spread=0.4)
    assert sorted(prompt.heat for prompt in local.prompts) == [0.0, 0.2, 0.4]
    assert experiment.solved
