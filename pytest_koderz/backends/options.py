"""The options of a model that only its back end knows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pytest_koderz.core.arm import ModelSettings
from pytest_koderz.files.nearest import most_like, nearest
from pytest_koderz.files.usage_error import UsageError


@dataclass(frozen=True, slots=True)
class Option:
    """What may stand for an option. None: any value of that kind."""

    kind: type | tuple[type, ...]
    """`dict`: a mapping of anything that JSON can say; each of its values has a dotted name of its own in records."""
    least: float | None = None
    most: float | None = None

    @property
    def kinds(self) -> tuple[type, ...]:
        return self.kind if isinstance(self.kind, tuple) else (self.kind,)


THINK = Option((bool, str))
KEEP_ALIVE = Option((str, int, float))
"""Ollama takes seconds as a number, where -1 means always, or with a unit."""
EXTRA_BODY = "extra_body"
"""The option for fields of a request that its back end does not know."""


def checked(settings: ModelSettings, known: Mapping[str, Option]) -> dict[str, Any]:
    """The options of *settings*, each known, of its kind and in its range. Raises UsageError for any other."""
    return {name: _checked(settings, known, name, value) for name, value in settings.options.items()}


def flat(options: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """*options* with mappings in them taken apart: `{a: {b: 1}}` as `{a.b: 1}`, lists as tuples."""
    found: dict[str, Any] = {}
    for name, value in options.items():
        if isinstance(value, Mapping) and value:
            found |= flat(value, f"{prefix}{name}.")
        else:
            found[f"{prefix}{name}"] = tuple(value) if isinstance(value, list) else value
    return found


def fields_of(options: Mapping[str, Any], known: Mapping[str, Option]) -> dict[str, Any]:
    """Those of *known* as the fields of a request, mappings whole again."""
    fields: dict[str, Any] = {}
    for name, value in flat(options).items():
        *path, last = name.split(".")
        if (path or [last])[0] in known:
            inner = fields
            for key in path:
                inner = inner.setdefault(key, {})
            inner[last] = value
    extra: dict[str, Any] = fields.pop(EXTRA_BODY, {})
    return fields | extra


def _checked(settings: ModelSettings, known: Mapping[str, Option], name: str, value: object) -> object:
    where = f"models.{settings.name}.options.{name}"
    base, inside, _ = name.partition(".")
    if base not in known:
        hint = nearest(name, known) or " (it has none)"
        if EXTRA_BODY in known and most_like(name, known) is None:
            hint = f"{hint}; any other field of the request may stand under `{EXTRA_BODY}:`"
        raise UsageError(f"{where}: the back end {settings.backend!r} has no such option{hint}")
    kinds = known[base].kinds
    if dict in kinds:
        _check_inside(where, value, whole=not inside)
        return value
    if float in kinds and type(value) is int and int not in kinds:
        value = float(value)
    # A bool is an int to isinstance, and `retries: true` is a mistake.
    if inside or type(value) not in kinds:
        raise UsageError(f"{where}: expected {' or '.join(_WORDS[kind] for kind in kinds)}, found {value!r}")
    _check_range(where, known[base], value)
    return value


def _check_inside(where: str, value: object, *, whole: bool) -> None:
    if whole and not isinstance(value, Mapping):
        raise UsageError(f"{where}: expected a mapping, found {value!r}")
    for name, each in flat(value if isinstance(value, Mapping) else {"": value}).items():
        is_list = isinstance(each, tuple) and all(type(item) is str for item in each)
        if not is_list and type(each) not in (str, int, float, bool):
            wanted = "a text, a number, true or false, or a list of texts"
            raise UsageError(f"{where}{'.' * bool(name)}{name}: expected {wanted}, found {each!r}")


_WORDS = {int: "a whole number", float: "a number", str: "a text", bool: "true or false"}


def _check_range(where: str, option: Option, value: Any) -> None:
    """Written so that nan, which compares with nothing, is in no range."""
    if option.least is not None and not value >= option.least:
        raise UsageError(f"{where}: {value} is less than {option.least:g}")
    if option.most is not None and not value <= option.most:
        raise UsageError(f"{where}: {value} is more than {option.most:g}")
