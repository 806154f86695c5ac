"""Text that is too long to be shown whole."""

from __future__ import annotations

LONGEST_NAME = 200
"""Characters of the name of a problem or an arm: it may come from anybody's file."""


def cut(text: str, most: int) -> str:
    """At most so many characters of *text*, and then how many more there were."""
    return text if len(text) <= most else f"{text[:most]}... ({len(text) - most:,} more characters)"
