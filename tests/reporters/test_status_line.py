"""How far a benchmark is, in one line."""

from __future__ import annotations

from decimal import Decimal

import pytest

from pytest_koderz.core.iteration import Outcome, Verdict
from pytest_koderz.records.follower import RunState, UnderWay
from pytest_koderz.reporters.fixed_width import fitting
from pytest_koderz.reporters.status_line import Waiting, lasting, longest_silent, running_lines, status_line

LEFT = "about 6 h 32 min left"
FOUR = tuple(UnderWay(f"exp_{number}", f"HumanEval/{number}", "koderz", 700.0) for number in range(4))


@pytest.mark.parametrize(
    ("course", "line"),
    [
        (
            RunState(820, 37, FOUR, Decimal("0.41"), 0.0, 24),
            "37/820 done, 4 running, $0.41, 12 min, about 6 h 32 min left",
        ),
        (RunState(820, 2, FOUR, Decimal("0.0123"), 690.0, 2), "2/820 done, 4 running, $0.0123, 30 s"),
        (RunState(None, 2, (), None, None, 2), "2 done, 0 running, cost unknown"),
        (RunState(3, 3, FOUR, Decimal(0), 0.0, 3), "3/7 done, 4 running, $0.00, 12 min"),
    ],
)
def test_the_status_is_a_line(course: RunState, line: str) -> None:
    """What is not known is not told: how many there are, how long the rest takes when hardly anything has ended."""
    assert status_line(course, 720.0) == line


@pytest.mark.parametrize(
    ("now", "waiting", "names"),
    [
        (729.0, {}, []),
        (730.0, {}, ["HumanEval/0"]),
        (730.0, {"exp_2": Waiting("qwen", 690.0)}, ["HumanEval/2"]),
        (730.0, {"exp_0": Waiting("qwen", 729.0)}, ["HumanEval/1"]),
    ],
)
def test_what_is_silent_for_long_is_picked_out(now: float, waiting: dict[str, Waiting], names: list[str]) -> None:
    """The one that is so for the longest time."""
    course = RunState(820, 0, FOUR, Decimal(0), 700.0, 0)
    assert [one.problem for one in longest_silent(course, now, waiting)] == names


def test_each_experiment_under_way_is_a_line() -> None:
    """With what it waits for, where that is known, or how long nothing was heard of it."""
    wrong = Verdict(Outcome.WRONG, 2, 7)
    running = (
        UnderWay("exp_1", "HumanEval/1", "koderz", 719.0),
        UnderWay("exp_2", "HumanEval/2", "koderz", 600.0, 3, 10, wrong),
        UnderWay("exp_3", "HumanEval/3", "koderz", 600.0, 10, 10, Verdict(Outcome.CRASHED)),
    )
    course = RunState(9, 0, running, None, 0.0, 0)
    assert list(running_lines(course, 720.0, {"exp_2": Waiting("qwen", 680.0)})) == [
        "HumanEval/1[koderz] iteration 1",
        "HumanEval/2[koderz] waiting 40 s, iteration 4 of 10, last wrong (2/7), for qwen",
        "HumanEval/3[koderz] silent for 2 min, after iteration 10 of 10, last crashed",
    ]


@pytest.mark.parametrize(
    ("seconds", "words"), [(-1, "0 s"), (99, "99 s"), (100, "2 min"), (5900, "98 min"), (7500, "2 h 5 min")]
)
def test_time_is_told_in_round_words(seconds: float, words: str) -> None:
    """A second does not matter after minutes."""
    assert lasting(seconds) == words


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_a_call_of_ten_minutes_is_told_all_the_time(columns: int) -> None:
    """By a clock of its own: the status ticks on each screen, and the experiment's line does."""
    under_way = (UnderWay("exp_1", "HumanEval/1", "koderz", 0.0),)
    course, open_calls = RunState(9, 0, under_way, Decimal(0), 0.0, 0), {"exp_1": Waiting("qwen2.5-coder:32b", 0.0)}
    for now in range(0, 601, 20):
        lines = [status_line(course, float(now)), *running_lines(course, float(now), open_calls)]
        status, running = (fitting(line, columns - 1) for line in lines)
        assert max(len(status), len(running)) < columns
        assert status == f"0/9 done, 1 running, $0.00, {lasting(now)}"
        assert running.startswith(f"HumanEval/1[koderz] waiting {lasting(now)}")
