"""Gain by difficulty and by category, where nobody's luck has chosen the stratum."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import product

import pytest

from pytest_koderz.core.experiment import Experiment
from pytest_koderz.core.problem import Traits
from pytest_koderz.evidence.arms import figures_of
from pytest_koderz.evidence.compare import compare
from pytest_koderz.evidence.findings import Frame
from pytest_koderz.evidence.intervals import paired_difference, wilson
from pytest_koderz.evidence.strata import Basis, Stratum
from pytest_koderz.reporters.summary import summary_lines
from tests.evidence.experiments import ran

CONTROL = "frontier-only"
FRAME = Frame("bench_1a2b3c4d", ("koderz", CONTROL), CONTROL, 0.05, None)


UNSORTED = Traits()


def _tries(problem: int, arm: str, outcomes: Sequence[int], traits: Traits = UNSORTED) -> list[Experiment]:
    return [
        replace(ran(problem, arm, 1 if solved else None, epoch=epoch), traits=traits)
        for epoch, solved in enumerate(outcomes, start=1)
    ]


def _strata(arm: list[Experiment], control: list[Experiment]) -> dict[tuple[Basis, str], Stratum]:
    return {(one.basis, one.name): one for one in compare(arm, control).strata}


def test_an_epoch_of_the_control_is_sorted_by_its_other_epochs() -> None:
    """Two coins against each other: of problems that the control failed in all its other epochs it solves one half of
    this one's, as the arm does. Sorted by all of its epochs, or with each problem counted once, it would be less.
    """
    pairs = list(product((0, 1), repeat=2))
    worlds = [(mine, other) for mine in pairs for other in pairs for _ in range(3)]
    arm = [one for number, (mine, _) in enumerate(worlds) for one in _tries(number, "koderz", mine)]
    control = [one for number, (_, other) in enumerate(worlds) for one in _tries(number, CONTROL, other)]
    found = _strata(arm, control)
    assert {name for _, name in found} == {"none", "all"}
    for stratum in found.values():
        # 12 problems with no solve (or two) and 24 with one of each: 12 * 2 + 24 epochs, of which 24 were solved.
        assert (stratum.problems, stratum.solved, stratum.control_solved) == (36, 0.5, 0.5)
        assert stratum.interval.low == pytest.approx(-stratum.interval.high)


def test_epochs_that_agree_have_the_interval_of_single_tries() -> None:
    """A problem that the control always solves is one of the easy ones, with the weight of all its epochs."""
    arm = [one for number in range(40) for one in _tries(number, "koderz", [number % 4 > 0] * 3)]
    control = [one for number in range(40) for one in _tries(number, CONTROL, [number < 20] * 3)]
    found = _strata(arm, control)
    assert (found[Basis.CONTROL, "none"].solved, found[Basis.CONTROL, "all"].solved) == (0.75, 0.75)
    for name, won, lost in (("none", 15, 0), ("all", 0, 5)):
        expected = paired_difference(won, lost, 20)
        limits = found[Basis.CONTROL, name].interval
        assert (limits.low, limits.high) == pytest.approx((expected.low, expected.high), abs=1e-6)


def test_one_epoch_is_sorted_by_the_length_of_the_solution() -> None:
    """By its own outcomes the arm would gain on all that the control failed, whatever the two are worth."""
    traits = [Traits(solution_length=100 - number) for number in range(31)]
    arm = [one for number in range(31) for one in _tries(number, "koderz", [number % 2], traits[number])]
    control = [one for number in range(31) for one in _tries(number, CONTROL, [number < 20], traits[number])]
    found = _strata(arm, control)
    assert [name for _, name in found] == ["short", "medium", "long"]
    assert [one.problems for one in found.values()] == [10, 11, 10]
    assert found[Basis.LENGTH, "long"].control_solved == 1.0
    assert found[Basis.LENGTH, "short"].control_solved == 0.0
    expected = paired_difference(0, 5, 10)
    limits = found[Basis.LENGTH, "long"].interval
    assert (limits.low, limits.high) == (expected.low, expected.high)


@pytest.mark.parametrize(("problems", "length"), [(29, 7), (40, 0)])
def test_too_few_problems_or_an_unknown_solution_are_not_sorted(problems: int, length: int) -> None:
    """Of ten problems each there would be no thirds, and an unknown length is none."""
    traits = [Traits(solution_length=length if number == 3 else 9) for number in range(problems)]
    arm, control = (
        [one for number in range(problems) for one in _tries(number, name, [1], traits[number])]
        for name in ("koderz", CONTROL)
    )
    assert not _strata(arm, control)


def test_a_problem_counts_in_each_of_its_categories() -> None:
    """The larger category first; those with fewer than ten problems are not told of."""
    names = [("re",) if number < 10 else ("csv", "re") if number < 21 else ("os",) for number in range(30)]
    arm, control = (
        [one for number in range(30) for one in _tries(number, name, [1], Traits(categories=names[number]))]
        for name in ("koderz", CONTROL)
    )
    found = _strata(arm, control)
    assert [(name, one.problems) for (_, name), one in found.items()] == [("re", 21), ("csv", 11)]


def test_the_strata_are_shown_where_more_is_asked_for() -> None:
    """One line for each, under what they are sorted by; none of it in the summary of one screen."""
    traits = Traits(solution_length=50, categories=("strings",))
    experiments = [
        one
        for number in range(30)
        for name, solved in (("koderz", 1), (CONTROL, number % 3 > 0))
        for one in _tries(number, name, [solved], traits)
    ]
    lines = summary_lines(FRAME, experiments, columns=100, whole=True)
    assert "  by the length of the published solution (no claim rests on it)" in lines
    assert "    strings, 30 problems: 100 % instead of 67 %, +33 points [+18, +51]" in lines
    assert not any("strings" in line or "published" in line for line in summary_lines(FRAME, experiments))


def test_the_curve_has_a_band() -> None:
    """Wilson's interval of each number of iterations by itself."""
    experiments = [ran(number, solved_at=number % 4 or None, tried=3) for number in range(40)]
    curve = figures_of("koderz", experiments).curve
    for point, solved in zip(curve, (10, 20, 30), strict=True):
        assert point.solved == solved
        assert point.interval == wilson(solved, 40)
    frame = replace(FRAME, arms=("koderz",))
    told = " ".join(line.strip() for line in summary_lines(frame, experiments, whole=True))
    assert "solved within iterations: 1 (25 % [14, 40]), 2 (50 % [35, 65]), 3 (75 % [60, 86])" in told
    assert "within iterations" not in " ".join(summary_lines(frame, experiments))
