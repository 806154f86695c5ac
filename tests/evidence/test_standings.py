"""Which arm is worth running."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from pytest_koderz.core.experiment import Experiment, Status
from pytest_koderz.evidence import Alternative, alternatives, standings
from tests.evidence.experiments import ran


def test_dominated_arms_are_those_another_beats_in_both() -> None:
    """Dear and worse is dominated; cheap and worse, or dear and better, is not."""
    arms = {"cheap": (1, "0.001"), "good": (3, "0.003"), "bad": (2, "0.004"), "unknown": (3, None)}
    experiments = [
        ran(number, arm, 1 if number < solved else None, price=price)
        for arm, (solved, price) in arms.items()
        for number in range(4)
    ]
    places = {place.arm: place for place in standings(experiments)}
    assert [arm for arm, place in places.items() if not place.dominated_by] == ["cheap", "good", "unknown"]
    assert places["bad"].dominated_by == ("good",)
    assert places["unknown"].dollars is None


def test_equal_arms_do_not_dominate_each_other() -> None:
    """As many for as much."""
    assert [place.dominated_by for place in standings([ran(1, "one"), ran(1, "two")])] == [(), ()]


def test_standings_are_over_problems_that_all_arms_settled() -> None:
    """An interrupted arm is not the cheaper for what it did not do."""
    experiments = [ran(1, "one"), ran(2, "one"), ran(1, "two"), ran(2, "two", None, status=Status.RUNNING)]
    assert [(place.arm, place.problems, place.dollars) for place in standings(experiments)] == [
        ("one", 1, Decimal("0.001")),
        ("two", 1, Decimal("0.001")),
    ]
    assert standings([]) == ()
    assert standings([ran(1, solved_at=None, status=Status.INVALID)]) == ()


def test_gpus_of_ones_own_count_where_they_have_a_rate() -> None:
    """Free tokens dominate, until an hour of GPU is paid for."""
    experiments = [ran(1, "local", price="0", gpu=3600.0), ran(1, "frontier", price="0.003")]
    assert [place.dominated_by for place in standings(experiments)] == [(), ("local",)]
    places = standings(experiments, Decimal("0.60"))
    assert [(place.dollars, place.dominated_by) for place in places] == [
        (Decimal("0.60"), ("frontier",)),
        (Decimal("0.003"), ()),
    ]


def _instead(experiments: Sequence[Experiment]) -> list[Alternative]:
    return list(alternatives(standings(experiments), experiments, 0.05))


def test_one_try_that_solves_as_many_for_less_is_the_one_to_ask() -> None:
    """The cheapest of the arms that nothing dominates; certain where problems are many and dollars differ enough."""
    arms = {"koderz": ("0", "0.011"), "frontier-only": ("0.003", None), "small-frontier": ("0.001", None)}
    experiments = [
        ran(number, arm, price=price, spec=spec) for arm, (price, spec) in arms.items() for number in range(100)
    ]
    found = {one.instead_of.arm: one for one in _instead(experiments)}
    assert {arm: one.arm.arm for arm, one in found.items()} == {
        "koderz": "small-frontier",
        "frontier-only": "small-frontier",
    }
    assert found["koderz"].alone
    assert found["koderz"].sure


def test_few_problems_leave_the_choice_uncertain() -> None:
    """Ten problems cannot tell a match at a margin of five points."""
    experiments = [ran(n, arm, price=price) for arm, price in {"a": "0.002", "b": "0.001"}.items() for n in range(10)]
    (one,) = _instead(experiments)
    assert (one.instead_of.arm, one.arm.arm, one.sure) == ("a", "b", False)


def test_arm_with_more_than_one_try_is_not_just_asking() -> None:
    """It may do without supervision all the same, which says something of an arm that has some."""
    local, dear = ran(1, "local-only", 2), ran(1, "frontier-retries", 2, price="0.1")
    (one,) = _instead([ran(1, "koderz", 2, spec="0.1"), local])
    assert (one.arm.arm, one.alone, one.unsupervised) == ("local-only", False, True)
    (other,) = _instead([dear, local])
    assert (other.arm.arm, other.alone, other.unsupervised) == ("local-only", False, False)


def test_an_oracle_stop_is_no_bargain_in_place_of_an_arm_without() -> None:
    """Who has no tests that grade cannot run it: what comes closest without them is named first."""
    blind = [replace(ran(n, "koderz-blind", 2, price="0.003"), accept_on="visible") for n in range(3)]
    oracle = [ran(n, "local-only", 2) for n in range(3)]
    (one,) = _instead([*blind, *oracle])
    assert (one.instead_of.arm, one.arm.arm, one.oracle_stop) == ("koderz-blind", "local-only", True)
    asked = [ran(n, "frontier-only", price="0.002") for n in range(3)]
    (other,) = _instead([*blind, *oracle, *asked])
    assert (other.instead_of.arm, other.arm.arm, other.oracle_stop) == ("koderz-blind", "frontier-only", False)
    (alike,) = _instead([*[ran(n, "koderz", 3) for n in range(3)], *oracle])
    assert (alike.arm.arm, alike.oracle_stop) == ("local-only", False)


def test_nothing_is_recommended_that_solved_nothing() -> None:
    """Cheaper failures are no bargain."""
    assert _instead([ran(1, "a", None, price="0.002"), ran(1, "b", None)]) == []
