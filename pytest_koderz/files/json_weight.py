"""How much a JSON text would take up once it is read: where it holds little but brackets, fifty times its bytes."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import AnyStr


def has_more_values(text: AnyStr, most: int) -> bool:
    """Whether more than *most* values may stand in it, told by the brackets and commas outside of its strings."""
    signs = "[{," if isinstance(text, str) else (b"[", b"{", b",")
    return sum(map(text.count, signs)) >= most and _at_least(type(text), most).match(text) is not None


@lru_cache(maxsize=16)
def _at_least(kind: type[AnyStr], signs: int) -> re.Pattern[AnyStr]:
    """Possessive throughout, with an end of a string that may be missing: each character is looked at once."""
    string = r'"(?:[^"\\]++|\\.)*+"?'
    pattern = rf'(?:(?:[^"\[{{,]++|{string})*+[\[{{,]){{{signs}}}+'
    return re.compile(pattern if kind is str else pattern.encode(), re.DOTALL)  # type: ignore[arg-type]
