"""A benchmark that another process runs is watched."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from pytest_koderz.commands.watch import follow
from pytest_koderz.records.follower import Follower, RunState, UnderWay

AT_WORK = RunState(9, 1, (UnderWay("exp_1", "HumanEval/1", "koderz", 0.0),), Decimal("0.5"), 0.0, 1)
ENDED = RunState(9, 9, (), Decimal(1), None, 9)


class Told(Follower):
    """Courses that were written down."""

    def __init__(self, *courses: RunState) -> None:
        self._courses = iter(courses)

    def course(self) -> RunState:
        return next(self._courses)


def test_it_is_shown_until_nobody_is_at_work() -> None:
    """Again after each pause."""
    shown: list[Sequence[str]] = []
    pauses: list[float] = []
    assert follow(Told(AT_WORK, AT_WORK, ENDED), shown.append, 60.0, pauses.append, lambda: 30.0) == ENDED
    assert shown == [["1/9 done, 1 running, $0.50, 30 s", "  HumanEval/1[koderz] silent for 30 s, iteration 1"]] * 2
    assert pauses == [60.0, 60.0]


def test_ctrl_c_ends_it() -> None:
    """As the user wants."""

    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    assert follow(Told(AT_WORK), lambda _: None, 1.0, interrupt, lambda: 0.0) == AT_WORK
