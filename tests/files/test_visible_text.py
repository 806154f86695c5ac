"""What is shown acts on nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_koderz.files.usage_error import UsageError
from pytest_koderz.files.visible_text import LONGEST, quoted, visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain\n\ttext, x[::2] and a::b", "plain\n\ttext, x[::2] and a::b"),
        ("caf\u00e9 \u65e5\u672c \U0001f469\u200d\U0001f4bb", "caf\u00e9 \u65e5\u672c \U0001f469\u200d\U0001f4bb"),
        ("\x1b[2J\x1b]0;a\x07", "\\x1b[2J\\x1b]0;a\\x07"),
        ("a\rb\x08\x7f\x9b2J", "a\\x0db\\x08\\x7f\\x9b2J"),
        ("\u202eevil\u2066\u200f", "\\u202eevil\\u2066\\u200f"),
        ("a\u2028b\U000e0041\ufeff", "a\\u2028b\\U000e0041\\ufeff"),
        ("\ud800", "\\ud800"),
        ("::error file=a::b", ":\\x3aerror file=a::b"),
        ("a\n   ::stop-commands::t\n::add-mask::x", "a\n   :\\x3astop-commands::t\n:\\x3aadd-mask::x"),
        ("a ##vso[task.b] ##teamcity[c] ##[group]d", "a #\\x23vso[task.b] #\\x23teamcity[c] #\\x23[group]d"),
        ("##VSO[task.b]", "#\\x23VSO[task.b]"),
        ("## A heading\n### Another: ::error", "## A heading\n### Another: ::error"),
    ],
)
def test_what_would_act_is_an_escape(text: str, shown: str) -> None:
    """All else stays as it is."""
    assert visible(text) == shown


@given(st.text() | st.text("\x1b\x9b\u202e:#[vso \n\r", max_size=30))
def test_nothing_is_left_that_acts(text: str) -> None:
    """And what is shown is shown the same again."""
    shown = visible(text)
    assert not any((ord(letter) < 32 and letter not in "\n\t") or 127 <= ord(letter) < 160 for letter in shown)
    assert not any(letter in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069" for letter in shown)
    assert "##vso[" not in shown
    assert visible(shown) == shown


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("  one\n two\x85three\u2028four\r\x1cfive\t", "one two three four five"),
        ("\x1b]0;t\x07", "\\x1b]0;t\\x07"),
        ("a" * LONGEST, "a" * LONGEST),
        ("a" * LONGEST + "b", "a" * LONGEST + "\u2026"),
        ("\x1b" * LONGEST, "\\x1b" * (LONGEST // 4) + "\u2026"),
        ("\n".join("ab" * LONGEST), " ".join("ab" * (LONGEST // 4)) + " \u2026"),
        ("", ""),
    ],
)
def test_what_another_says_is_one_short_line_of_ours(text: str, told: str) -> None:
    """However many lines and signs it has."""
    assert quoted(text) == told


@given(st.text() | st.text("\x1b\x85\u2028 a:#\n\r", max_size=600), st.integers(1, 400))
def test_it_is_never_longer_and_always_visible(text: str, most: int) -> None:
    """A mark shows where it was cut."""
    told = quoted(text, most)
    assert len(told) <= most + 1
    assert len(told.splitlines()) <= 1
    assert visible(told) == told


def test_a_mistake_repeats_a_file_s_words_so() -> None:
    """Names of journals, suites and settings stand in errors."""
    assert str(UsageError("no arm named '\x1b[2J'")) == "no arm named '\\x1b[2J'"
