"""How much a JSON text would take up once it is read: where it holds little but brackets, fifty times its bytes."""

from __future__ import annotations

import re
from functools import lru_cache

Text = str | bytes | bytearray


def has_more_values(text: Text, most: int) -> bool:
    """Whether more than *most* values may stand in it, told by the brackets and commas outside of its strings."""
    return _are_more(text, "[{,", most)


def has_more_keys(text: Text, most: int) -> bool:
    """Whether more than *most* keys may stand in it: where they differ, each takes the time of ten other values."""
    return _are_more(text, ":", most + 1)


def _are_more(text: Text, signs: str, most: int) -> bool:
    """Whether at least so many *signs* stand outside of its strings."""
    if isinstance(text, str):
        return sum(map(text.count, signs)) >= most and _at_least(signs, most).match(text) is not None
    found = sum(text.count(sign.encode()) for sign in signs)
    return found >= most and _at_least_in_bytes(signs, most).match(text) is not None


@lru_cache(maxsize=16)
def _at_least(signs: str, most: int) -> re.Pattern[str]:
    return re.compile(_counting(signs, most), re.DOTALL)


@lru_cache(maxsize=16)
def _at_least_in_bytes(signs: str, most: int) -> re.Pattern[bytes]:
    return re.compile(_counting(signs, most).encode(), re.DOTALL)


def _counting(signs: str, most: int) -> str:
    """Possessive throughout, with an end of a string that may be missing: each character is looked at once."""
    string = r'"(?:[^"\\]++|\\.)*+"?'
    sign = f"[{re.escape(signs)}]"
    return rf'(?:(?:[^"{sign[1:]}++|{string})*+{sign}){{{most}}}+'
