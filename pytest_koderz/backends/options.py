"""The options of a model that only its back end knows."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from pytest_koderz.core.arm import ModelSettings
from pytest_koderz.core.errors import UsageError


def checked(settings: ModelSettings, known: Mapping[str, type]) -> dict[str, Any]:
    """The options of *settings*, each known and of its type; UsageError names the nearest valid one otherwise."""
    return {name: _checked(settings, known, name, value) for name, value in settings.options.items()}


def _checked(settings: ModelSettings, known: Mapping[str, type], name: str, value: object) -> object:
    where = f"models.{settings.name}.options.{name}"
    if name not in known:
        near = get_close_matches(name, known, 1)
        hint = f"did you mean {near[0]!r}?" if near else f"it knows {', '.join(sorted(known)) or 'none'}"
        raise UsageError(f"{where}: the back end {settings.backend!r} has no such option ({hint})")
    kind = known[name]
    if kind is float and type(value) is int:
        return float(value)
    # A bool is an int to isinstance, and `retries: true` is a mistake.
    if type(value) is not kind:
        raise UsageError(f"{where}: expected {_WORDS[kind]}, found {value!r}")
    return value


_WORDS = {int: "a whole number", float: "a number", str: "a text", bool: "true or false"}


def at_least(settings: ModelSettings, name: str, value: float, least: float) -> None:
    """Raise UsageError where an option is lower than it can be."""
    if value < least:
        raise UsageError(f"models.{settings.name}.options.{name}: {value} is less than {least}")
