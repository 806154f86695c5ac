"""What every room that reads a user's file or option raises."""

from __future__ import annotations


class UsageError(Exception):
    """The user's mistake, in one line: where it stands and what would be right. pytest exits with 4."""
