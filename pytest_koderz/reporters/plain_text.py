"""Text that is too long to be shown whole."""

from __future__ import annotations


def cut(text: str, most: int) -> str:
    """At most so many characters of *text*, and then how many more there were."""
    return text if len(text) <= most else f"{text[:most]}... ({len(text) - most:,} more characters)"
