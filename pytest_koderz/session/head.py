"""What a benchmark says of itself, first in its journals."""

from __future__ import annotations

import platform
from hashlib import sha256
from importlib.metadata import version
from typing import Any

from pytest_koderz.core.templates import PROMPT_TEXTS, SHIPPED_VERSION
from pytest_koderz.files.usage_error import UsageError
from pytest_koderz.records.codec import Malformed, dumped, plain
from pytest_koderz.records.conditions import conditions_of
from pytest_koderz.records.events import Head
from pytest_koderz.settings import Settings


def head_of(settings: Settings, benchmark_id: str) -> dict[str, Any]:
    """What a journal and the results say of how they came about."""
    return {
        "id": benchmark_id,
        "profile": settings.profile,
        "arms": [arm.name for arm in settings.arms],
        "simulated": settings.simulated,
        "models": {model.name: f"{model.backend}:{model.model}" for model in settings.models},
        "servers": {model.name: dict(model.identity) for model in settings.models if model.identity},
        "problems": settings.problems,
        "sample": settings.sample,
        "epochs": settings.epochs,
        "control": settings.control,
        "margin": settings.margin,
        "grade_on": settings.arms[0].grade_on,
        "max_cost": None if settings.max_cost is None else str(settings.max_cost),
        "settings": _digest_of(settings),
        "prompt_version": SHIPPED_VERSION,
        "pytest_koderz": version("pytest-koderz"),
        "python": platform.python_version(),
    }


def told_of(head: Head) -> dict[str, Any]:
    """The same of a benchmark that was run before."""
    told = plain(head)
    return {name: value for name, value in told.items() if name not in (*_DEFINITIONS, *_OF_A_JOURNAL)}


def definitions_of(settings: Settings) -> dict[str, Any]:
    """What a journal says besides, for whoever asks later: arms, prompts and the rest as data, in which koderz.yaml may
    have changed by then. Raises UsageError for settings that could not be read again.
    """
    limits = settings.sandbox
    definitions = Head(
        definitions=settings.arms,
        prompts=PROMPT_TEXTS,
        control_model=settings.control_model,
        control_price=settings.control_price,
        local_rate=settings.local_rate,
        purchase_price=None if settings.purchase is None else settings.purchase.price,
        purchase_hours=None if settings.purchase is None else settings.purchase.hours,
        wrong_accept=settings.wrong_accept,
        max_cost=settings.max_cost,
        timeout=limits.timeout,
        memory_mb=limits.memory_mb,
        strict=limits.strict,
        overrides=settings.overrides,
    )
    try:
        told = plain(definitions)
    except Malformed as fault:
        raise UsageError(f"{settings.path}: {_in_settings(fault, settings)}") from None
    return {name: told[name] for name in _DEFINITIONS}


_OF_A_JOURNAL = ("items", "at", "planned", "part", "whole", "draws")
"""What nobody else is told: the last is a secret."""
_DEFINITIONS = (
    *("definitions", "prompts", "control_model", "control_price", "local_rate"),
    *("purchase_price", "purchase_hours", "wrong_accept"),
    *("timeout", "memory_mb", "strict", "overrides"),
)


def _in_settings(fault: Malformed, settings: Settings) -> Malformed:
    """The arms go by their names there."""
    if fault.path[:1] != ("definitions",):
        return fault
    return Malformed(fault.words, ("arms", settings.arms[int(fault.path[1])].name, *fault.path[2:]))


def _digest_of(settings: Settings) -> str:
    """The same for settings that lead to the same experiments, on any day and at any price."""
    limits = settings.sandbox
    arms = [[arm.name, sorted(conditions_of(None, arm).items())] for arm in settings.arms]
    told = [arms, [limits.timeout, limits.memory_mb, limits.strict], settings.epochs]
    return sha256(dumped(told).encode()).hexdigest()[:16]
