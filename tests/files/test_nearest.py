"""Did you mean?"""

from __future__ import annotations

import pytest

from pytest_koderz.files.nearest import most_like, nearest

KNOWN = ("mbpp", "humaneval")


@pytest.mark.parametrize(
    ("name", "otherwise", "words"),
    [
        ("humanevil", None, " (did you mean 'humaneval'?)"),
        ("humanevil", "see the guide", " (did you mean 'humaneval'?)"),
        ("x", None, " (there is: humaneval, mbpp)"),
        ("x", "see the guide", " (see the guide)"),
        ("x", "", ""),
    ],
)
def test_the_end_of_a_message(name: str, otherwise: str | None, words: str) -> None:
    """The nearest name, else what there is or what the caller says instead."""
    assert nearest(name, KNOWN, otherwise) == words


def test_nothing_is_known() -> None:
    """Nothing is said of names where there are none."""
    assert nearest("x", ()) == ""
    assert most_like("x", ()) is None
