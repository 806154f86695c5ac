"""Selections such as `0-9,42`."""

from __future__ import annotations

import pytest

from pytest_koderz.core.problem import Problem
from pytest_koderz.datasets import select
from pytest_koderz.datasets.selection import select_known
from pytest_koderz.files.usage_error import UsageError

NUMBERED = [Problem(f"HumanEval/{number}", "", "f", "") for number in range(20)]
NAMED = [Problem(f"own/{name}", "", "f", "") for name in ("rotate", "acronym")]


@pytest.mark.parametrize(
    ("wanted", "numbers"),
    [
        ("3", [3]),
        ("0-2,5", [0, 1, 2, 5]),
        (" 5 , 0 - 1 ", [0, 1, 5]),
        ("18-19", [18, 19]),
        ("1,1,0-1", [0, 1]),
        ("HumanEval/1", [1]),
        ("007", [7]),
        ("HumanEval/1?", list(range(10, 20))),
    ],
)
def test_numbers_ranges_and_ids(wanted: str, numbers: list[int]) -> None:
    """The problems come in their own order, each once."""
    assert [problem.id for problem in select(NUMBERED, wanted)] == [f"HumanEval/{number}" for number in numbers]


def test_names() -> None:
    """Ids without numbers are picked whole or by what follows the slash."""
    for wanted in ("own/rotate", "rotate"):
        assert select(NAMED, wanted) == (NAMED[0],)
    assert select(NAMED, "own/*") == tuple(NAMED)


@pytest.mark.parametrize(
    ("problems", "wanted", "words"),
    [
        (NUMBERED, "", "a part is empty; a selection such as `0-19` would be right"),
        (NUMBERED, "1,,2", "a part is empty"),
        (NUMBERED, "9-3", "'9-3': the range ends before it starts; 3-9 would be right"),
        (NUMBERED, "20-30", "'20-30': no such problem; a selection such as `0-19`"),
        (NUMBERED, "18-400", "'18-400': the last problem is 19; 18-19 would be right"),
        (NUMBERED, "0-20", "'0-20': the last problem is 19; 0-19 would be right"),
        (NUMBERED, "-3", "'-3': no such problem"),
        (NUMBERED, "HumanEvl/3", "did you mean 'HumanEval/3'?"),
        (NAMED, "rotat", "did you mean 'own/rotate'?"),
        (NAMED, "1", "'1': no such problem; an id such as `own/rotate` would be right"),
        (NUMBERED, "x/*", "'x/*': matches no problem"),
    ],
)
def test_a_bad_selection_says_what_would_be_right(problems: list[Problem], wanted: str, words: str) -> None:
    """A part that names nothing is the user's mistake."""
    with pytest.raises(UsageError) as caught:
        select(problems, wanted)
    assert words in str(caught.value)


def test_a_selection_with_gaps_only_needs_its_end() -> None:
    """Published sets leave numbers out."""
    problems = [Problem(f"Mbpp/{number}", "", "f", "") for number in (2, 3, 7, 809)]
    assert select(problems, "0-10") == tuple(problems[:3])


def test_what_is_known_of_a_selection() -> None:
    """A profile's selection may name what this run does not read: other ids, and numbers after the last one."""
    assert select_known(NUMBERED, "18-400,own/rotate") == tuple(NUMBERED[18:])
    assert select_known(NAMED, "0-9, own/rotate") == (NAMED[0],)
    assert select_known(NAMED, "0-9") == ()
