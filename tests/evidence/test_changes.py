"""What changed between two runs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_koderz.evidence.changes import Candidacy, changes_of
from pytest_koderz.evidence.compare import Claim

from .experiments import ran


def _side(label: str, *solved: int, of: int = 4, version: str = "1") -> Candidacy:
    tries = [ran(number, solved_at=1 if number in solved else None) for number in range(of)]
    return Candidacy(label, tuple(replace(one, prompt_version=version) for one in tries))


def test_problems_are_gained_and_lost_by_name() -> None:
    """On the problems that both settled, with what they took."""
    (change,) = changes_of([(_side("a:koderz", 0, 1), _side("b:koderz", 1, 2, 3, of=5))], 0.05)
    assert (change.gained, change.lost) == (("Problem/2", "Problem/3"), ("Problem/0",))
    assert (change.comparison.arm, change.comparison.control) == ("b:koderz", "a:koderz")
    assert (change.comparison.problems, change.comparison.left_out) == (4, 1)
    assert (change.seconds, change.seconds_before) == (8.0, 8.0)
    assert change.prompts == ()


def test_a_problem_solved_less_often_is_lost() -> None:
    """Where there are several epochs."""
    before = Candidacy("a", tuple(ran(0, epoch=epoch) for epoch in (1, 2)))
    after = Candidacy("b", tuple(ran(0, solved_at=None if epoch == 2 else 1, epoch=epoch) for epoch in (1, 2)))
    (change,) = changes_of([(before, after)], 0.05)
    assert change.lost == ("Problem/0",)
    assert [(one.problem_id, one.epoch) for one in change.lost_in] == [("Problem/0", 2)]


def test_other_prompts_are_a_change_like_any_other() -> None:
    """No problem is left out for them, and they are named."""
    (change,) = changes_of([(_side("a", 0), _side("b", 0, version="2"))], 0.05)
    assert change.comparison.problems == 4
    assert change.prompts == ("1", "2")


@pytest.mark.parametrize(("others", "claim"), [(0, Claim.WORSE), (3, Claim.INCONCLUSIVE)])
def test_further_pairs_share_one_level(others: int, claim: Claim) -> None:
    """Whoever looks at many arms finds one that changed by chance."""
    worse = (_side("a", *range(20), of=20), _side("b", *range(7, 20), of=20))
    same = (_side("a", *range(20), of=20), _side("b", *range(20), of=20))
    found = changes_of([same, worse, *[same] * others], 0.05)
    assert found[1].comparison.claim is claim
