"""What holds of extraction for any reply at all."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_koderz.core.extract import candidate_of
from pytest_koderz.core.iteration import Candidate

from .test_extract import LOOP, RIGHT, SUM, WHOLE, works

PARTS = [
    *(
        "```",
        "```python\n",
        "~~~",
        "<solution>",
        "</solution>",
        "<think>",
        "</think>",
        "<code>",
        "[PYTHON]",
        "\n",
        "\r\n",
    ),
    *(
        "def total(numbers):",
        "    return sum(numbers)",
        "\n    ",
        "\t",
        "(",
        ")",
        '"""',
        "'",
        ">>> ",
        "... ",
        "import ",
        "from ",
    ),
    *(
        "class A:",
        "@",
        "\0",
        "\u00a0",
        "\ufeff",
        "&gt;",
        "\\_",
        "if __name__ == '__main__':",
        "print(total([1]))",
        "{",
        "}",
        "> ",
        "1. ",
    ),
    *(WHOLE, LOOP, "Sure!", "return", ":", "#", "\ud800", "\u201c", "lambda: 0", "x = 1", "assert False", ";", "\\"),
]
SLOW = settings(deadline=None)


@SLOW
@given(st.lists(st.sampled_from(PARTS), max_size=30).map("".join))
def test_any_mixture_of_parts_gives_a_candidate_or_none(reply: str) -> None:
    """Extraction never raises, and its candidate is never empty."""
    found = candidate_of(reply, SUM)
    assert found is None or (isinstance(found, Candidate) and found.source.strip())


@SLOW
@given(st.text(max_size=400))
def test_any_text_gives_a_candidate_or_none(reply: str) -> None:
    """Extraction never raises."""
    found = candidate_of(reply, SUM)
    assert found is None or found.source.strip()


@SLOW
@given(st.sampled_from(sorted(RIGHT.values())))
def test_a_candidate_is_its_own_extraction(reply: str) -> None:
    """Taking code out of a candidate's own source changes nothing more."""
    found = candidate_of(reply, SUM)
    assert found is not None
    again = candidate_of(found.source, SUM)
    assert again == found


@SLOW
@given(st.text(alphabet=st.characters(categories=["L", "N", "P", "Zs"], exclude_characters="`~<>[]{}"), max_size=200))
def test_prose_around_a_block_does_not_matter(prose: str) -> None:
    """Whatever is said before and after a fenced answer, the answer is found."""
    assert works(candidate_of(f"{prose}\n```python\n{WHOLE}```\n{prose}\n", SUM))


MILLION = 10**6
GARBAGE = {
    "brackets": "```python\n" + "[" * MILLION,
    "signs": "x = " + "-" * MILLION + "1",
    "fences": "```\n" * (MILLION // 4),
    "tags": "<solution>" * (MILLION // 10),
    "ends of thinking": "</think>" * (MILLION // 8),
    "marks of the end": "</s>" * (MILLION // 4),
    "marks in brackets": "x [EOS] " * (MILLION // 8),
    "quotes": '"""' * (MILLION // 3),
    "spaces": " " * MILLION,
    "null bytes": "\0" * MILLION,
    "lone surrogates": "\ud800" * MILLION,
    "digits": "```python\nx = " + "9" * MILLION,
    "decorators": "@a\n" * (MILLION // 3),
    "heads": "def total(\n" * (MILLION // 11),
    "short functions": "def f(x):\n  return\n" * (MILLION // 19),
    "statements": "x = x + 1\n" * (MILLION // 10),
    "ifs within ifs": "```\n" + "".join(f"{' ' * depth}if x:\n" for depth in range(1000)),
    "calls within calls": "```\n" + "f(" * 5000 + ")" * 5000,
    "sums": "```\nx = 1" + "+1" * 20000,
    "text in fences": "```\nfoo bar baz\n```\n" * 10000,
    "JSON": '{"a":' * (MILLION // 5),
    "entities": "&amp;" * (MILLION // 5),
    "copies of an answer": WHOLE * (MILLION // len(WHOLE)),
    "added lines": "```\n" + "+x\n" * (MILLION // 3),
    "numbered lines": "```\n" + "1 x\n" * (MILLION // 4),
    "closing tags in brackets": "[/PYTHON]" * (MILLION // 9),
}


@pytest.mark.slow
@pytest.mark.parametrize("reply", GARBAGE.values(), ids=GARBAGE.keys())
def test_a_megabyte_of_garbage(reply: str) -> None:
    """Repetition without end, as broken models write it, is read in a moment (seconds at the very most)."""
    found = candidate_of(reply, SUM)
    assert found is None or len(found.source) < MILLION


def test_an_answer_behind_a_megabyte_of_thinking() -> None:
    """Thoughts may be long: only what follows them is read."""
    thought = "So maybe def total(numbers): hm.\n" * 30_000
    assert works(candidate_of(f"<think>{thought}</think>\n```python\n{WHOLE}```", SUM))
