"""What a memory server's replies may say, which is anything."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_koderz.core.errors import MemoryUnavailable
from pytest_koderz.cortex.client.connection import LONGEST_WORDS, LastWords
from pytest_koderz.cortex.client.kept_memories import by_title
from pytest_koderz.cortex.client.memories import lasting, metadata_of
from pytest_koderz.cortex.client.replies import (
    ToolReply,
    exported,
    in_context,
    long_term_count,
    remembered,
    session_started,
)

ROW = {"id": 1, "title": "t", "content": "c", "tags": "[]", "metadata": '{"iteration": 1}'}
_ANYTHING: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=5,
)
_ROWS = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "title": st.just("t") | _ANYTHING,
            "content": st.just("c") | _ANYTHING,
            "metadata": st.sampled_from(["{}", "{", "[]", "[" * 5000, '{"a": 1}']) | _ANYTHING,
        },
    )
    | _ANYTHING,
    max_size=3,
)


def _export(rows: object) -> ToolReply:
    return ToolReply(f"Exported 1 memories:\n\n{json.dumps(rows)}")


def _context(rows: object, recent: object) -> ToolReply:
    return ToolReply(json.dumps({"relevantMemories": rows, "summary": {"recentMemories": recent}}))


def _used(rows: list[dict[str, Any]]) -> None:
    """As a delivery is verified, and a memory recalled."""
    for row in by_title(rows).values():
        assert isinstance(row["content"], str)
        lasting(metadata_of(row))


def test_a_memory_is_read() -> None:
    """In either reply."""
    assert exported(_export([ROW])) == in_context(_context([ROW], [])) == [ROW]


@settings(deadline=None)
@given(_ROWS | _ANYTHING, _ROWS | _ANYTHING)
def test_rows_of_any_shape_are_memories_or_none(rows: object, recent: object) -> None:
    """Such as another program's, in the same database."""
    with suppress(MemoryUnavailable):
        _used(exported(_export(rows)))
    with suppress(MemoryUnavailable):
        _used(in_context(_context(rows, recent)))


DEEP = "[" * 100_000


@pytest.mark.parametrize("text", ["{", DEEP, "9" * 5000, "null", "5", '{"a": 1}', "[NaN", "\ud800"])
def test_what_is_no_export_is_called_that(text: str) -> None:
    """Whatever comes behind the words that an export begins with."""
    with pytest.raises(MemoryUnavailable, match="cortex does not export"):
        exported(ToolReply(f"Exported 5 memories:\n{text}"))


@pytest.mark.parametrize(
    "text",
    [
        "{",
        '{"a":' * 100_000,
        '{"a": ' + "9" * 5000 + "}",
        '{"relevantMemories": 5}',
        '{"summary": []}',
        '{"summary": {"recentMemories": {}}}',
    ],
)
def test_what_is_no_context_is_called_that(text: str) -> None:
    """Whatever comes behind the bracket that one begins with."""
    with pytest.raises(MemoryUnavailable, match="cortex gives no context"):
        in_context(ToolReply(text))


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (lambda reply: remembered(reply).id, 'Remembered: "x"\n  ID: {}'),
        (session_started, "Session {} started."),
        (long_term_count, "  - Long-term: {}"),
    ],
)
def test_numbers_that_nobody_counts_to_are_none(read: Callable[[ToolReply], int | None], text: str) -> None:
    """Python itself refuses to read them."""
    assert read(ToolReply(text.format(7))) == 7
    assert read(ToolReply(text.format("9" * 5000))) is None


def test_of_all_that_a_server_complains_the_end_is_kept() -> None:
    """Whatever it writes, neither a disk nor the memory fills; what it has started may write on."""
    flood = "import os; os.write(2, b'x\\n' * 50_000); os.write(2, b'the reason\\n')"
    with LastWords() as words:
        subprocess.run([sys.executable, "-c", flood], stderr=words.sink, check=True)
        assert words.line() == "the reason"
        assert len(words._kept) <= LONGEST_WORDS


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("Traceback\nOSError: no\n", "OSError: no"),
        ("  | ExceptionGroup: x\n    | RuntimeError: no thread\n    +----------------\n", "RuntimeError: no thread"),
        ("\n", ""),
    ],
)
def test_the_last_words_of_a_server_have_a_word(written: str, told: str) -> None:
    """The frame around a group of errors has none."""
    with LastWords() as words:
        words.sink.write(written)
        words.sink.flush()
        assert words.line() == told
