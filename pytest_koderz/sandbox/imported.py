"""Values on the wire whose types have to be imported: decimals, fractions, dates and times.

Their modules are loaded where there is one to be sent: a zygote holds as little as can be.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from importlib import import_module
from typing import Any


def node_of(value: object) -> list[Any] | None:
    """None: it is nothing of the kind, or has a time zone, which is an object of any type.

    Of an instance of a subclass the plain content is taken, by the base's own methods.
    """
    for base in type(value).__mro__:
        name = f"{base.__module__}.{base.__name__}"
        if name in _FORMS:
            tag, parts, _ = _FORMS[name]
            return None if _field(base, "tzinfo", value) else [tag, *parts(base, value)]
    return None


def value_of(tag: str, *parts: Any) -> object:
    """The value of a node. Raises TypeError, ValueError or ArithmeticError where `node_of` made no such node."""
    module, _, name = _NAMES[tag].partition(".")
    _, _, read = _FORMS[_NAMES[tag]]
    return getattr(import_module(module), name)(*map(read, parts))


def _field(base: type, name: str, value: object) -> Any:
    """None where *base* has none of that name."""
    return getattr(base, name).__get__(value) if hasattr(base, name) else None


def _fields(*names: str) -> Callable[[type, object], Iterable[object]]:
    return lambda base, value: (_field(base, name, value) for name in names)


def _as_it_is(part: object) -> object:
    return part


_DAY = "year", "month", "day"
_TIME = "hour", "minute", "second", "microsecond"
# The tag of its nodes, what makes their parts of a value, and what makes its constructor's argument of a part.
_FORMS: dict[str, tuple[str, Callable[[Any, object], Iterable[object]], Callable[[Any], object]]] = {
    "decimal.Decimal": ("M", lambda base, value: [base.__str__(value)], _as_it_is),
    "fractions.Fraction": ("F", lambda base, value: map(hex, base.as_integer_ratio(value)), partial(int, base=16)),
    "datetime.date": ("y", _fields(*_DAY), _as_it_is),
    "datetime.timedelta": ("v", _fields("days", "seconds", "microseconds"), _as_it_is),
    "datetime.time": ("h", _fields(*_TIME), _as_it_is),
    "datetime.datetime": ("m", _fields(*_DAY, *_TIME), _as_it_is),
}
_NAMES = {tag: name for name, (tag, _, _) in _FORMS.items()}
TAGS = frozenset(_NAMES)
