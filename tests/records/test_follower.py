"""A benchmark is followed while its journals are written."""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import pytest

from pytest_koderz.core.arm import Role
from pytest_koderz.core.experiment import Experiment, Status
from pytest_koderz.core.iteration import Candidate, Iteration, Outcome, StopReason, Verdict
from pytest_koderz.core.money import Spending, Usage
from pytest_koderz.core.ports import Reply
from pytest_koderz.records.events import About, Asked, Began, Called, Ended, Event, Happening, Head, Iterated, line_of
from pytest_koderz.records.follower import Follower

Write = Callable[..., None]


@contextmanager
def _journal(path: Path) -> Iterator[Write]:
    """A journal that is being written, each event a second after the one before."""
    with path.open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        seconds = iter(range(10, 60))

        def write(what: Happening, problem: str = "", *, torn: bool = False) -> None:
            about = About(f"exp_{problem:0>8}", f"HumanEval/{problem}", "koderz") if problem else None
            line = line_of(Event(f"2026-11-27T10:00:{next(seconds)}+00:00", what, about))
            file.write(line[:-9] if torn else line)
            file.flush()

        yield write


def _called(cost: str | None) -> Called:
    dollars = None if cost is None else Decimal(cost)
    spending = Spending("local", "m", 1, Usage(1, 1), dollars, 1.0)
    return Called(Role.LOCAL, Asked("d"), Reply("x", Usage(1, 1), "m", StopReason.END, 1.0), spending)


def _ended(problem: str) -> Ended:
    return Ended(Experiment(f"exp_{problem:0>8}", f"HumanEval/{problem}", "koderz", status=Status.SOLVED))


BEGAN = Began("2026-11-27T10:00:00+00:00", {})
WRONG = Iterated(Iteration(1, (Candidate("a"),), (Verdict(Outcome.WRONG),)))


def test_what_was_added_is_read(tmp_path: Path) -> None:
    """Done, running with the last verdict, dollars, and when the session began; half a line waits for its end."""
    follower = Follower(tmp_path)
    assert follower.course().began is None
    with _journal(tmp_path / "main.jsonl") as write:
        write(Head("bench_1a2b3c4d", items=3))
        for what in (BEGAN, _called("0.25"), WRONG):
            write(what, "1")
        course = follower.course()
        (one,) = course.running
        assert (course.planned, course.done, course.cost) == (3, 0, Decimal("0.25"))
        assert (one.problem, one.iterations, one.verdict) == ("HumanEval/1", 1, Verdict(Outcome.WRONG))
        assert one.since - (course.began or 0) == 3
        write(_ended("1"), "1")
        write(BEGAN, "2", torn=True)
        course = follower.course()
        assert (course.done, course.running, course.done_since) == (1, (), 1)
    assert follower.course().began is None


def test_what_a_former_session_left_is_not_under_way(tmp_path: Path) -> None:
    """What it settled is done, though not by this one; what runs again is done no more."""
    with _journal(tmp_path / "gw1.jsonl") as write:
        write(Head("bench_1a2b3c4d", items=4))
        write(BEGAN, "3")
    with _journal(tmp_path / "main.jsonl") as write:
        write(Head("bench_1a2b3c4d", items=4))
        write(BEGAN, "1")
        write(_ended("1"), "1")
        write(BEGAN, "2")
        write(Head("bench_1a2b3c4d", items=4))
        course = Follower(tmp_path).course()
        assert (course.done, course.running, course.done_since) == (1, (), 0)
        write(BEGAN, "1")
        assert Follower(tmp_path).course().done == 0


@pytest.mark.parametrize(("costs", "whole"), [(["0.1", "0.2"], Decimal("0.3")), (["0.1", None], None)])
def test_an_unknown_price_makes_the_sum_unknown(costs: list[str | None], whole: Decimal | None, tmp_path: Path) -> None:
    """As everywhere."""
    follower = Follower(tmp_path)
    with _journal(tmp_path / "main.jsonl") as write:
        write(Head("bench_1a2b3c4d"))
        for cost in costs:
            write(_called(cost), "1")
            course = follower.course()
    assert course.cost == whole
