"""What must be the same for two records to be of one experiment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from hashlib import sha256

from pytest_koderz.core.arm import Arm, ModelSettings
from pytest_koderz.core.problem import Problem
from pytest_koderz.core.prompts import PROMPT_VERSION

_TRANSPORT = ("price", "timeout", "hosts")
"""Of a model: how it is reached and billed, which makes no difference to what it answers."""


def conditions_of(problem: Problem, arm: Arm) -> dict[str, str]:
    """By the name of each condition its version or digest."""
    return {"problem": _digest(repr(problem)), **conditions_of_arm(arm)}


def conditions_of_arm(arm: Arm) -> dict[str, str]:
    """Those that do not depend on the problem."""
    roles = {str(role): model for role, model in arm.models.items()}
    limits = {item.name: getattr(arm, item.name) for item in fields(arm) if item.name not in roles}
    return {
        "prompt version": PROMPT_VERSION,
        "arm": _digest(repr(limits)),
        **{f"{role} model": _digest(_identity(model)) for role, model in roles.items()},
    }


def digest_of(conditions: Mapping[str, str]) -> str:
    """16 hex digits: the same for the same conditions."""
    return _digest(*(f"{name}={value}" for name, value in sorted(conditions.items())))


def _identity(model: ModelSettings) -> str:
    shown = {item.name: getattr(model, item.name) for item in fields(model) if item.name not in _TRANSPORT}
    return repr(shown | {"options": sorted(model.options.items())})


def _digest(*parts: str) -> str:
    return sha256("\0".join(parts).encode(errors="surrogatepass")).hexdigest()[:16]
