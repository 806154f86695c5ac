"""How close an answer must be, checked against numpy."""

from __future__ import annotations

import math
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_koderz.datasets.comparison import comparison_of


def agrees_of(problem_id: str, name: str, tolerance: float = 0) -> Callable[..., bool]:
    """The function that compares the answers of a problem."""
    source, _ = comparison_of(problem_id, name, tolerance)
    scope: dict[str, Any] = {"inf": math.inf, "nan": math.nan, "isnan": math.isnan, "deepcopy": deepcopy}
    exec(source, scope)  # noqa: S102 - it is what the tests of the problem hold
    found: Callable[..., bool] = scope["agrees"]
    return found


FLOATS = st.floats(allow_nan=False)
NEAR = st.sampled_from([0.0, 1e-9, 9.9e-7, 1e-6, 1.01e-6, 1e-4, -1e-6, 1e-7, 1e-8])


@settings(deadline=None)
@given(wanted=st.lists(FLOATS, min_size=1, max_size=4), part=NEAR, share=NEAR, tolerance=st.sampled_from([0, 1e-4]))
def test_lists_of_floats_are_as_close_as_allclose_asks_for(
    wanted: list[float], part: float, share: float, tolerance: float
) -> None:
    """An absolute part, the problem's own or 1e-6, and 1e-7 of what is expected: on the limit as well as beside it."""
    answer = [value + part + share * value for value in wanted]
    with np.errstate(invalid="ignore", over="ignore"):
        close = np.allclose(answer, wanted, rtol=1e-07, atol=tolerance or 1e-06)
    assert agrees_of("HumanEval/900", "f", tolerance)(answer, wanted) is (answer == wanted or bool(close))


@settings(deadline=None)
@given(wanted=st.complex_numbers(allow_nan=False, allow_infinity=False, max_magnitude=1e9), part=NEAR)
def test_complex_numbers_are_as_close_as_allclose_asks_for(wanted: complex, part: float) -> None:
    """Where a tolerance is given; without one they are equal or not."""
    answer = wanted + complex(part, -part)
    close = bool(np.allclose(answer, wanted, rtol=1e-07, atol=1e-4))
    assert agrees_of("Mbpp/124", "f", 1e-4)(answer, wanted) is close
    assert agrees_of("Mbpp/252", "f")(answer, wanted) is (answer == wanted)


@pytest.mark.parametrize(
    ("answer", "wanted", "right"),
    [
        (1.0 + 1e-6, 1.0, True),
        (1.0 + 1.2e-6, 1.0, False),
        (1e-6, 0.0, True),
        (1.1e-6, 0.0, False),
        (1, 1.0, True),
        (True, 1.0, True),
        ([], [], True),
        ([], [1.0], False),
        ([1.0, 2], [1.0, 2.0000001], True),
        ([1.0, 2.0000001], [1.0, 2], False),
        (10**8 + 1, 10**8, False),
        ({"a": 1.0000001}, {"a": 1.0}, False),
        ("1.0", 1.0, False),
        (None, 1.0, False),
        ([[1.0]], [1.0], False),
        (["1.0"], [1.0], False),
        ([10**400], [1.0], False),
        (-math.inf, math.inf, False),
        (math.nan, 1.0, False),
    ],
)
def test_the_limits_of_what_is_close(answer: object, wanted: object, right: bool) -> None:
    """Only floats may differ, and a list of them; the type must be the same then, also of a list and a tuple."""
    assert agrees_of("HumanEval/900", "f")(answer, wanted) is right


@pytest.mark.parametrize(
    ("name", "answer", "wanted", "right"),
    [
        ("Diff", [2, 1, 1], [1, 2], True),
        ("Diff", {1, 2}, (1, 2), True),
        ("Diff", [1], [1, 2], False),
        ("Diff", 3, [1], False),
        ("Diff", [[1]], [1], False),
        ("check_str", "a match", "another", True),
        ("check_str", None, None, True),
        ("check_str", False, None, True),
        ("check_str", True, None, False),
        ("check_str", None, "a match", False),
        ("check_str", 0, "a match", True),
    ],
)
def test_sets_and_matches_of_mbpp(name: str, answer: object, wanted: object, right: bool) -> None:
    """Any order counts for a set, and what cannot be one is wrong; a match is anything but None or False."""
    assert agrees_of("Mbpp/769", name)(answer, wanted) is right


def test_names_of_mbpp_mean_nothing_elsewhere() -> None:
    """A problem of HumanEval whose function has such a name is compared as any other."""
    assert agrees_of("HumanEval/900", "Diff")([2, 1], [1, 2]) is False


def test_a_surface_may_be_read_in_two_ways() -> None:
    """The second number as the slant height, as the reference does, or as the pyramid's own."""
    agrees = agrees_of("Mbpp/581", "surface_Area")
    assert agrees(33, 33, 3, 4)
    assert agrees(round(9 + 6 * math.sqrt(1.5**2 + 16)), 33, 3, 4)
    assert not agrees(34, 33, 3, 4)
