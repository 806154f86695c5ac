"""Values of the core without the secrets in their texts."""

from __future__ import annotations

from typing import TypeVar

from pytest_koderz.files.secret_values import Redaction

from .codec import plain, value_of

T = TypeVar("T")


def redacted(value: T, redaction: Redaction) -> T:
    """*value* as it may be kept or shown; itself where there is nothing to take out."""
    if not redaction:
        return value
    told = plain(value)
    clean = redaction.of_plain(told)
    return value if clean == told else value_of(type(value), clean)
