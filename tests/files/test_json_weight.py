"""What a JSON text would take up."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_koderz.files.json_weight import has_more_keys, has_more_values

_JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.integers() | st.text(alphabet='[]{},"\\\\\n:a'),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(alphabet='[{:,"\\\\', max_size=4), inner, max_size=4)
    ),
)


def _count(value: Any) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + sum(map(_count, inner))


@given(_JSON)
def test_no_value_is_overlooked_and_no_text_is_counted(value: Any) -> None:
    """There may be less of them: an empty list counts as if it held one."""
    text = json.dumps(value)
    empty = text.count("[]") + text.count("{}")
    assert not has_more_values(text, _count(value) + empty)
    assert not has_more_values(text.encode(), _count(value) + empty)
    if _count(value) > 1:
        assert has_more_values(text, _count(value) - 1)
        assert has_more_values(text.encode(), _count(value) - 1)


def _keys(value: Any) -> int:
    inner = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
    return len(inner) * isinstance(value, dict) + sum(map(_keys, inner))


@given(_JSON)
def test_each_key_is_counted_and_no_text(value: Any) -> None:
    """Whatever stands in texts and keys."""
    text, keys = json.dumps(value), _keys(value)
    assert not has_more_keys(text, keys)
    assert not has_more_keys(text.encode(), keys)
    if keys:
        assert has_more_keys(text, keys - 1)
        assert has_more_keys(text.encode(), keys - 1)


@pytest.mark.parametrize("text", ['"' + '\\",' * 200_000, "[" * 200_000 + '"', '",' * 200_000, "\\" * 200_000 + '"['])
def test_each_character_is_looked_at_once(text: str) -> None:
    """Where it were not, this would take hours."""
    assert has_more_values(text, 10**6) is False
    assert has_more_keys(text.replace(",", ":"), 10**5) is False
