"""Text in the columns of a terminal."""

from __future__ import annotations

from textwrap import wrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_koderz.reporters.fixed_width import Table, fitting, width_of, wrapped

HEAD = ("arm", "solved", "cost")
ROWS = (("koderz", "3/4", "$0.0121"), ("frontier-only-with-a-spec", "4/4", "$12,345.0121"))


def lines_of(rows: tuple[tuple[str, ...], ...], room: int | None) -> list[str]:
    return list(Table("<0 >7 >10", (HEAD, *rows), room).all_lines(rows))


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("abc", 3),
        ("\u6f22\u5b57", 4),  # two Han letters
        ("e\u0301", 1),  # a combining accent
        ("\u263a\ufe0f", 1),  # a variation selector
        ("a\u200db", 2),  # a joiner
        ("\uff21", 2),  # a full-width Latin letter
    ],
)
def test_letters_take_two_columns_or_none(text: str, columns: int) -> None:
    """As terminals show them."""
    assert width_of(text) == columns


@pytest.mark.parametrize(
    ("line", "columns", "kept"),
    [
        ("abcdef", 6, "abcdef"),
        ("abcdef", 5, "ab..."),
        ("\u6f22\u5b57\u6f22", 5, "\u6f22..."),
        ("e\u0301abcd", 4, "e\u0301..."),
        ("abcdef", 2, ".."),
    ],
)
def test_a_line_is_cut_to_its_columns(line: str, columns: int, kept: str) -> None:
    """Some letters take two, and a mark stays on its letter."""
    assert fitting(line, columns) == kept


@given(st.text(st.sampled_from("ab  -\n"), max_size=60), st.integers(12, 40))
def test_plain_text_is_folded_as_textwrap_does(text: str, columns: int) -> None:
    """The measure is all that differs."""
    for hyphens in (False, True):
        told = wrap(text, columns, subsequent_indent="    ", break_on_hyphens=hyphens)
        assert wrapped(text, columns, later="    ", hyphens=hyphens) == told


@given(st.text(st.sampled_from("a \u6f22\u0301"), max_size=60), st.integers(12, 40))
def test_no_part_is_wider_than_its_columns_and_no_letter_is_lost(text: str, columns: int) -> None:
    """Of wide letters, marks and long words."""
    parts = wrapped(text, columns, later="  ")
    assert all(width_of(part) <= columns for part in parts)
    assert "".join("".join(parts).split()) == "".join(text.split())


@pytest.mark.parametrize("kept", ["(-110.8 %):", "17.5 s", "[-22, +71],", "0.003 % of"])
def test_a_line_does_not_end_within_a_figure(kept: str) -> None:
    """A number stays with its unit, an interval whole, at any width that holds it."""
    for columns in range(len(kept) + 2, 40):
        parts = wrapped(f"savings of the arm {kept} and more", columns)
        assert any(kept.removesuffix(" of") in part for part in parts)


def test_a_table_that_fits_has_the_columns_of_its_picture() -> None:
    """The words' column is as wide as its widest."""
    assert lines_of(ROWS, 60) == [
        "arm                        solved         cost",
        "koderz                        3/4      $0.0121",
        "frontier-only-with-a-spec     4/4 $12,345.0121",
    ]


def test_words_are_cut_where_there_is_less_room() -> None:
    """Figures are not."""
    assert lines_of(ROWS, 38) == [
        "arm                solved         cost",
        "koderz                3/4      $0.0121",
        "frontier-only-...     4/4 $12,345.0121",
    ]


def test_a_row_is_folded_where_half_of_a_word_would_not_be_left() -> None:
    """Each figure with its name, and whole."""
    assert lines_of(ROWS, 24) == [
        "koderz",
        "  solved: 3/4;",
        "  cost: $0.0121",
        "frontier-only-with-a-spe",
        "    c",
        "  solved: 4/4;",
        "  cost: $12,345.0121",
    ]


def test_rows_are_folded_where_two_words_would_be_cut_to_the_same() -> None:
    """Which is which would not be known."""
    rows = tuple((f"a-long-name-that-ends-in-{number}", "1/1", "$0.0001") for number in range(2))
    assert lines_of(rows, 40)[:2] == ["a-long-name-that-ends-in-0", "  solved: 1/1; cost: $0.0001"]
    assert lines_of(rows, None)[1] == "a-long-name-that-ends-in-0     1/1    $0.0001"


@pytest.mark.parametrize("room", [34, 60])
def test_wide_letters_stand_beneath_each_other(room: int) -> None:
    """As columns of the terminal, cut or not."""
    rows = (("\u6f22\u5b57" * 5, "1/1", "$0.0001"), ("e\u0301", "1/1", "$0.0001"))
    assert len({width_of(line) for line in lines_of(rows, room)}) == 1
