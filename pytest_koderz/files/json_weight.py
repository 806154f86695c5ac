"""How much a JSON text would take up once it is read: where it holds little but brackets, fifty times its bytes."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import AnyStr


def has_more_values(text: AnyStr, most: int) -> bool:
    """Whether more than *most* values may stand in it, told by the brackets and commas outside of its strings."""
    return _are_more(text, "[{,", most)


def has_more_keys(text: AnyStr, most: int) -> bool:
    """Whether more than *most* keys may stand in it: where they differ, each takes the time of ten other values."""
    return _are_more(text, ":", most + 1)


def _are_more(text: AnyStr, signs: str, most: int) -> bool:
    """Whether at least so many *signs* stand outside of its strings."""
    each = tuple(signs) if isinstance(text, str) else tuple(sign.encode() for sign in signs)
    return sum(map(text.count, each)) >= most and _at_least(type(text), signs, most).match(text) is not None


@lru_cache(maxsize=16)
def _at_least(kind: type[AnyStr], signs: str, most: int) -> re.Pattern[AnyStr]:
    """Possessive throughout, with an end of a string that may be missing: each character is looked at once."""
    string = r'"(?:[^"\\]++|\\.)*+"?'
    sign = f"[{re.escape(signs)}]"
    pattern = rf'(?:(?:[^"{sign[1:]}++|{string})*+{sign}){{{most}}}+'
    return re.compile(pattern if kind is str else pattern.encode(), re.DOTALL)  # type: ignore[arg-type]
