"""The audit: what the frontier must not give away, and what it may say."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_koderz.core.audit import COMPLETE_SOLUTION, hidden_values_in, leaks_in
from pytest_koderz.core.problem import Problem
from pytest_koderz.testing import ScriptedSandbox

CLOSE = Problem(
    id="own/close",
    prompt='def close(numbers, limit):\n    """Whether two are closer than limit.\n'
    '    >>> close([1.0, 2.8, 3.0], 0.3)\n    True\n    """\n',
    entry_point="close",
    tests="""
def check(candidate):
    assert candidate([1.0, 2.8, 3.0], 0.3) == True
    assert candidate([1.1, 2.2, 3.1, 4.1, 5.1], 0.5) == False
    assert candidate([], 0.5) == False
    assert candidate("some words", 7) == "other words"
    assert candidate(7, 12) == 123456
    assert candidate([1], 0.5) is False
    assert candidate({"left": [11, 12]}, 0.5) is False
    assert candidate(((15, 3), (2, 7)), 0.5) is False
""",
)


@pytest.mark.parametrize(
    "text",
    [
        "For [1.1, 2.2, 3.1, 4.1, 5.1] the answer is False.",
        "It fails for\n[1.1,2.2,\n 3.1,4.1,5.1]",
        "Return 123456.",
        'Given `some words` it returns "other words".',
        "Try close(7, 12).",
        "`candidate(7,12)` is wrong.",
        "For (1.1, 2.2, 3.1, 4.1, 5.1) the answer is False.",
        "It should take {'left': [11, 12]}.",
        "Of ((15, 3), (2, 7)) the first.",
    ],
)
def test_a_value_of_the_tests_is_found(text: str) -> None:
    """However it is spaced or quoted, as an argument, an expected value, or a call."""
    assert hidden_values_in(text, CLOSE)


@pytest.mark.parametrize(
    "text",
    [
        "Compare each pair; [1.0, 2.8, 3.0] with 0.3 gives True.",
        "Handle [] and [1]: close([], 0.5) is False.",
        "Return True or False.",
        "There are 1234567 ways, or 123456.5.",
        "Sort first, then look at neighbours at most 12 apart.",
        "",
    ],
)
def test_what_the_task_shows_or_anyone_would_say_is_not(text: str) -> None:
    """Its own examples, edge cases, short values, and longer numbers that hold a value."""
    hidden = replace(CLOSE, tests=CLOSE.tests.replace("candidate([], 0.5)", "candidate([])"))
    text = text.replace("close([], 0.5)", "close([])")
    assert hidden_values_in(text, hidden) == []


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("'abcdefghijklmnopqrstuvwxyz'", "Look it up in 'abcdefghijklmnopqrstuvwxyz'."),
        ("'continue'", "Use `continue` there."),
        ("1000000", "Stop at 1000000, or at 1_000_000."),
        ("10000.0", "Divide by 10000.0."),
        ("[1, 2, 3, 4, 5, 6]", "Say you are given [1, 2, 3, 4, 5, 6]."),
        ("(0, 1, 2, 3, 4)", "Say you are given [0, 1, 2, 3, 4]."),
    ],
)
def test_what_anyone_would_write_down_is_not(value: str, text: str) -> None:
    """An alphabet, a keyword, a round number, a count; but a call with it would be the test's own."""
    hidden = replace(CLOSE, tests=f"def check(candidate):\n    assert candidate({value}, 8) == 3\n")
    assert hidden_values_in(text, hidden) == []
    assert hidden_values_in(f"close({value}, 8)", hidden)


def test_a_table_of_inputs_is_read() -> None:
    """As the plus tests have one."""
    plus = "INPUTS = [\n    [[9.25, 8.75], 'abcdefgh'],\n]\n\ndef check(candidate):\n    pass\n"
    assert hidden_values_in("try [9.25, 8.75]", replace(CLOSE, plus=plus)) == ["[9.25,8.75]"]


def test_tests_that_are_not_python_hide_nothing() -> None:
    """There is nothing to compare with."""
    assert hidden_values_in("anything at all", replace(CLOSE, tests="def check(:")) == []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("```python\ndef close(numbers, limit):\n    return solved\n```", (COMPLETE_SOLUTION,)),
        ("```python\ndef close(numbers, limit):\n    return wrong\n```", ()),
        ("Write solved code in def close.", ()),
        ("```python\ndef nearest(numbers, limit):\n    return solved\n```", (COMPLETE_SOLUTION,)),
        ("```python\nclose = lambda numbers, limit: 'return solved'\n```", (COMPLETE_SOLUTION,)),
        ("The body is:\n```python\n    return solved\n```", (COMPLETE_SOLUTION,)),
        ("```python\ndef nearest(numbers):\n    return wrong\n```", ()),
        ("Sort, then compare neighbours.", ()),
    ],
)
def test_code_is_a_complete_solution_where_the_judge_passes_it(text: str, told: tuple[str, ...]) -> None:
    """A sketch that fails is a hint like any other."""
    assert leaks_in(text, CLOSE, ScriptedSandbox("return solved")) == told


def test_no_more_than_a_few_values_are_named_and_long_ones_cut() -> None:
    """One line of a summary must hold them."""
    values = [f"'{letter * 100}'" for letter in "abcdef"]
    tests = "def check(candidate):\n" + "\n".join(f"    assert candidate({value}) == 1" for value in values)
    leaks = leaks_in(" ".join(values), replace(CLOSE, tests=tests), ScriptedSandbox())
    assert len(leaks) == 3
    assert all(len(leak) < 90 and leak.endswith("...") for leak in leaks)
