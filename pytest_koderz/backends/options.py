"""The options of a model that only its back end knows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pytest_koderz.core.arm import ModelSettings
from pytest_koderz.files.nearest import nearest
from pytest_koderz.files.usage_error import UsageError


@dataclass(frozen=True, slots=True)
class Option:
    """What may stand for an option. None: any value of that kind."""

    kind: type
    least: float | None = None
    most: float | None = None


def checked(settings: ModelSettings, known: Mapping[str, Option]) -> dict[str, Any]:
    """The options of *settings*, each known, of its kind and in its range. Raises UsageError for any other."""
    return {name: _checked(settings, known, name, value) for name, value in settings.options.items()}


def _checked(settings: ModelSettings, known: Mapping[str, Option], name: str, value: object) -> object:
    where = f"models.{settings.name}.options.{name}"
    if name not in known:
        hint = nearest(name, known) or " (it has none)"
        raise UsageError(f"{where}: the back end {settings.backend!r} has no such option{hint}")
    kind = known[name].kind
    if kind is float and type(value) is int:
        value = float(value)
    # A bool is an int to isinstance, and `retries: true` is a mistake.
    if type(value) is not kind:
        raise UsageError(f"{where}: expected {_WORDS[kind]}, found {value!r}")
    _check_range(where, known[name], value)
    return value


_WORDS = {int: "a whole number", float: "a number", str: "a text", bool: "true or false"}


def _check_range(where: str, option: Option, value: Any) -> None:
    """Written so that nan, which compares with nothing, is in no range."""
    if option.least is not None and not value >= option.least:
        raise UsageError(f"{where}: {value} is less than {option.least:g}")
    if option.most is not None and not value <= option.most:
        raise UsageError(f"{where}: {value} is more than {option.most:g}")
