"""Up to when the training data of models reach, as their publishers say. What they do not say stands nowhere here."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

CUTOFFS: Mapping[str, date] = {
    "claude-fable-5-2": date(2026, 6, 1),
    "claude-fable-5-1": date(2026, 6, 1),
    "claude-opus-5-5": date(2026, 6, 1),
    "claude-sonnet-5-5": date(2026, 6, 1),
    "claude-haiku-5-5": date(2026, 6, 1),
    "claude-opus-5": date(2026, 5, 1),
    "claude-sonnet-5": date(2026, 1, 1),
    "claude-haiku-4-5": date(2025, 2, 1),
}
"""By what the back end calls them, the first day of the month of the "knowledge cutoff" in the tables of
https://platform.claude.com/docs/en/models/haiku-5-5/overview and of the pages beside it, read on 2026-11-27.
"""
