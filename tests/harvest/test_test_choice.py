"""Which tests a task has, of those that run its function."""

from __future__ import annotations

from itertools import permutations

from pytest_koderz.harvest.test_choice import in_order

RAN = {"a": {1}, "b": {1, 2}, "c": {1, 2}, "d": {3}, "e": {1, 3}, "slow": {1, 2, 3, 4}, "slower": {5}}
BREADTH = {"a": 9, "b": 2, "c": 2, "d": 7, "e": 8, "slow": 1, "slower": 1}
SLOW = {"slow": 0.3, "slower": 3.0}


def test_tests_that_tell_more_come_first_and_slow_ones_last() -> None:
    assert in_order(RAN, dict.fromkeys(RAN, 0.01) | SLOW, BREADTH) == ["b", "d", "c", "e", "a", "slow", "slower"]


def test_what_a_clock_tells_of_quick_tests_decides_nothing() -> None:
    quick = [test for test in RAN if test not in SLOW]
    orders = {
        tuple(in_order(RAN, dict(zip(quick, seconds, strict=True)) | SLOW, BREADTH))
        for seconds in permutations([0.0, 0.001, 0.02, 0.05, 0.08])
    }
    assert len(orders) == 1


def test_tests_that_are_alike_come_by_name_however_they_were_found() -> None:
    names = ["x", "b", "y", "a"]
    alike = {name: {1} for name in names}
    assert in_order(alike, dict.fromkeys(names, 0.0), dict.fromkeys(names, 1)) == sorted(names)
