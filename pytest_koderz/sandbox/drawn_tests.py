"""Tests whose values hypothesis draws, made to depend on neither luck nor a clock."""

from __future__ import annotations

import sys
from collections.abc import Iterable

import pytest


def steady(items: Iterable[pytest.Item]) -> None:
    """They draw the same values each time, and none fails because this machine, or what looks on, is slow."""
    if "hypothesis" not in sys.modules:
        return
    from hypothesis import HealthCheck, settings

    for item in items:
        test = getattr(item, "obj", None)
        kept = getattr(getattr(test, "__func__", test), "__dict__", {})
        if own := kept.get("_hypothesis_internal_use_settings"):
            checks = {*own.suppress_health_check, HealthCheck.too_slow}
            kept["_hypothesis_internal_use_settings"] = settings(own, deadline=None, suppress_health_check=checks)
            kept["_hypothesis_internal_use_seed"] = 0
