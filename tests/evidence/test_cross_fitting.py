"""The best way is chosen on other problems than it is scored on."""

from __future__ import annotations

import numpy as np
import pytest

from pytest_koderz.evidence.cross_fitting import Outlay, best_by_worth, choice_at

ONE = Outlay((1.0, 0.0, 0.0, 1.0), (1.0, 1.0, 1.0, 1.0))
MORE = Outlay((1.0, 1.0, 0.0, 1.0), (2.0, 3.0, 2.0, 2.0))
NEVER = Outlay((1.0, 0.0, 0.0, 1.0), (3.0, 3.0, 3.0, 3.0))


def test_the_best_way_hangs_on_what_a_solved_problem_is_worth() -> None:
    """One more for 5 dollars more: from 5 dollars on."""
    assert list(best_by_worth([ONE, NEVER, MORE])) == [(0.0, 0), (5.0, 2)]


def test_a_problem_is_scored_with_what_is_best_on_others() -> None:
    """The half without the second problem sees no advantage of the dearer way, so that its lucky solve does not count;
    the half that has it chooses the dearer way, which the others pay for.
    """
    found = choice_at(6.0, [ONE, MORE], against=0)
    assert (found.best, sorted(found.halves)) == (1, [0, 1])
    assert found.gain == pytest.approx(-2 / 4)


def test_the_gain_covers_the_truth() -> None:
    """Of ten ways that are equally good the best one gains nothing: the luckiest is no winner."""
    random, covered, naive, runs = np.random.default_rng(1), 0, [], 200
    for _ in range(runs):
        ways = [Outlay(tuple(random.binomial(1, 0.5, 100).astype(float)), (0.1,) * 100) for _ in range(10)]
        found = choice_at(1.0, ways, against=0)
        assert found.interval is not None
        covered += found.interval.low <= 0 <= found.interval.high
        naive.append(sum(ways[found.best].net(1.0)) / 100 - sum(ways[0].net(1.0)) / 100)
    assert covered / runs >= 0.9
    assert float(np.mean(naive)) > 0.05
