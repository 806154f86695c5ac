"""The one codec: values of the core as JSON and back, strictly and within bounds.

What a decoder here lets through can be written and read again and is equal then. What it refuses raises Malformed,
which says where in the value it stands.
"""

from __future__ import annotations

import json
import math
import re
import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, Field, fields, is_dataclass
from datetime import date
from decimal import Decimal
from enum import Enum
from functools import cache
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from pytest_koderz.core.experiment import Experiment
from pytest_koderz.core.iteration import Iteration
from pytest_koderz.core.money import Spending, Usage
from pytest_koderz.files.visible_text import quoted
from pytest_koderz.files.yaml_lines import KeyPath, dotted

T = TypeVar("T")
Reader = Callable[[object], Any]
Writer = Callable[[Any], Any]

MOST_BYTES = 1 << 26
"""Of one line or report."""
MOST_WHOLE = 1 << 63
"""Whole numbers are smaller than this, either way."""
MOST_EXACT = 1 << 53
"""Up to here each whole number is a float of its own."""
DECIMAL = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?")
MOST_CHARACTERS = 64
"""Of a decimal number."""
MAGNITUDES = range(-40, 19)
"""Powers of ten that the first digit of a decimal number may stand for."""


class Malformed(ValueError):
    """What was read is no record; says where in it, and why."""

    def __init__(self, words: str, path: KeyPath = ()) -> None:
        super().__init__(f"{quoted(dotted(path))}: {words}" if path else words)
        self.words = words
        self.path = path


def parsed(text: str | bytes) -> Any:
    """The JSON value of *text*. Raises Malformed."""
    if len(text) > MOST_BYTES:
        raise Malformed(f"more than {MOST_BYTES >> 20} MiB")
    try:
        return json.loads(text, object_pairs_hook=_once)
    except RecursionError:
        raise Malformed("nested too deeply") from None
    except Malformed:
        raise
    except ValueError as fault:
        raise Malformed(f"is no JSON ({fault})") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise Malformed("a key is given twice")
    return found


def dumped(value: object) -> str:
    """Plain data as one line of JSON."""
    return json.dumps(value, separators=(",", ":"), allow_nan=False)


def to_json(experiment: Experiment) -> str:
    """One line of JSON that holds the whole record; dollars are strings, so that no digit is lost."""
    return dumped(plain(experiment))


def from_json(text: str) -> Experiment:
    """The experiment that `to_json` wrote. Raises Malformed for any other text."""
    return value_of(Experiment, parsed(text))


def plain(value: object) -> Any:
    """A dataclass of the core as dicts, lists and scalars. Raises Malformed for what could not be read again."""
    told = _plain(value)
    value_of(type(value), told)
    return told


def _plain(value: object) -> Any:
    return _writer_of(cast(Any, type(value)))(value)


@cache
def _writer_of(kind: Any) -> Writer:
    """What takes values of exactly that class apart; worked out once, since each line of a journal asks for many."""
    if is_dataclass(kind):
        return _record_writer(cast(type, kind))
    if issubclass(kind, Enum):
        return lambda value: value.value
    if issubclass(kind, Decimal):
        return str
    if issubclass(kind, date):
        return cast(Writer, kind.isoformat)
    if issubclass(kind, Mapping):
        return lambda value: {key: _plain(each) for key, each in value.items()}
    return _list_writer if issubclass(kind, (list, tuple)) else _as_it_is


def _record_writer(kind: type) -> Writer:
    """Of a dataclass; a field with metadata is left out while it has its default."""
    told = [(item.name, item.default if item.metadata else _ALWAYS) for item in fields(kind)]

    def write(value: Any) -> dict[str, Any]:
        found = {}
        for name, default in told:
            each = getattr(value, name)
            if default is _ALWAYS or each != default:
                found[name] = each if type(each) in _JSON else _plain(each)
        return found

    return write


def _list_writer(value: Any) -> list[Any]:
    return [each if type(each) in _JSON else _plain(each) for each in value]


def _as_it_is(value: Any) -> Any:
    return value


_ALWAYS = object()
_JSON = frozenset({str, int, float, bool, types.NoneType})
"""What stands in JSON as it is."""


def value_of(kind: type[T], told: object) -> T:
    """The value of that kind that `plain` took apart. Raises Malformed for anything else.

    Types are exact, and no key is unknown; one that is missing has its default, since an earlier version had none.
    """
    return cast(T, reader_of(cast(Any, kind))(told))


@cache
def reader_of(kind: Any) -> Reader:
    """What reads plain data as a value of *kind*: a class, a Literal, a union or a generic of these."""
    if kind in _SCALARS:
        return _SCALARS[kind]
    if is_dataclass(kind):
        return _record_reader(cast(type, kind))
    if isinstance(kind, type) and issubclass(kind, Enum):
        return _choice_reader({each.value: each for each in kind})
    return _generic_reader(kind)


def _generic_reader(kind: Any) -> Reader:
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Literal:
        return _choice_reader({each: each for each in inner})
    if origin in (Union, types.UnionType):
        return _union_reader(inner)
    if origin is tuple:
        return _list_reader(reader_of(inner[0]))
    if _is_mapping(origin):
        return _mapping_reader(reader_of(inner[1]))
    raise TypeError(f"records hold no {kind}")


def _is_mapping(origin: Any) -> bool:
    return isinstance(origin, type) and issubclass(origin, Mapping)


def _record_reader(kind: type) -> Reader:
    hints = get_type_hints(kind)
    known = {item.name: reader_of(hints[item.name]) for item in fields(kind)}
    needed = [item.name for item in fields(kind) if not _has_default(item)]

    def read(told: object) -> Any:
        _expect(dict, told)
        values = cast("dict[str, Any]", told)
        for name in needed:
            if name not in values:
                raise Malformed("is missing", (name,))
        taken = {}
        for name, value in values.items():
            try:
                taken[name] = known.get(name, _unknown)(value)
            except Malformed as fault:
                raise Malformed(fault.words, (name, *fault.path)) from None
        found = kind(**taken)
        if kind is Iteration:
            _check_pairs(found)
        for name in _AMOUNTS.get(kind, ()):
            if (getattr(found, name) or 0) < 0:
                raise Malformed(f"must be 0 or more, not {_shown(values[name])}", (name,))
        return found

    return read


_AMOUNTS: Mapping[type, tuple[str, ...]] = {
    Usage: ("input", "output", "cache_write", "cache_read"),
    Spending: ("calls", "cost", "seconds", "gpu_seconds", "cancelled"),
}
"""What was used up, of which there is never less than none: a lower figure would be money that nobody paid."""


def _has_default(item: Field[Any]) -> bool:
    return item.default is not MISSING or item.default_factory is not MISSING


def _check_pairs(iteration: Iteration) -> None:
    if not iteration.verdicts or len(iteration.verdicts) != len(iteration.candidates):
        raise Malformed("candidates and verdicts must be as many, and at least one")
    for name, beside in (("writers", iteration.writers), ("origins", iteration.origins)):
        if beside and len(beside) != len(iteration.candidates):
            raise Malformed(f"{name} must be as many as candidates, or none")


def _unknown(value: object) -> Any:  # noqa: ARG001 - whatever it holds
    raise Malformed("is no key of this version")


def _choice_reader(choices: Mapping[Any, Any]) -> Reader:
    def read(told: object) -> Any:
        if type(told) is not str or told not in choices:
            raise Malformed(f"must be one of {', '.join(choices)}, not {_shown(told)}")
        return choices[told]

    return read


def _union_reader(kinds: Sequence[Any]) -> Reader:
    """The members have no JSON value in common, but for whole numbers among floats."""
    readers = [reader_of(kind) for kind in kinds]
    by_type: dict[type, list[Reader]] = {}
    for kind, reader in zip(kinds, readers, strict=True):
        for each in _told_as(kind):
            by_type.setdefault(each, []).append(reader)

    def read(told: object) -> Any:
        faults = []
        for each in by_type.get(type(told), readers):
            try:
                return each(told)
            except Malformed as fault:
                faults.append(fault)
        # The first is what may stand there beside null.
        raise faults[0]

    return read


def _told_as(kind: Any) -> tuple[type, ...]:
    """The classes that JSON has for values of *kind*."""
    if kind in (int, bool, types.NoneType):
        return (kind,)
    if kind is float:
        return float, int
    if is_dataclass(kind) or _is_mapping(get_origin(kind)):
        return (dict,)
    return (list,) if get_origin(kind) is tuple else (str,)


def _list_reader(read_one: Reader) -> Reader:
    def read(told: object) -> Any:
        _expect(list, told)
        taken: list[Any] = []
        try:
            for each in cast("list[Any]", told):
                taken.append(read_one(each))  # noqa: PERF401 - so that the place of a fault is known
        except Malformed as fault:
            raise Malformed(fault.words, (len(taken), *fault.path)) from None
        return tuple(taken)

    return read


def _mapping_reader(read_one: Reader) -> Reader:
    def read(told: object) -> Any:
        _expect(dict, told)
        taken = {}
        for name, each in cast("dict[str, Any]", told).items():
            try:
                taken[name] = read_one(each)
            except Malformed as fault:
                raise Malformed(fault.words, (name, *fault.path)) from None
        return taken

    return read


def _expect(kind: type, told: object) -> None:
    # Exact, since a bool is an int to isinstance.
    if type(told) is not kind:
        raise Malformed(f"must be {_WORDS[kind]}, not {_shown(told)}")


def _text(told: object) -> str:
    if type(told) is str:  # most of what is read
        return told
    _expect(str, told)
    return cast(str, told)


def _flag(told: object) -> bool:
    _expect(bool, told)
    return cast(bool, told)


def _nothing(told: object) -> None:
    _expect(types.NoneType, told)


def _whole(told: object) -> int:
    if type(told) is not int:
        _expect(int, told)
    if not -MOST_WHOLE < cast(int, told) < MOST_WHOLE:
        raise Malformed("is a number too large")
    return cast(int, told)


def _number(told: object) -> float:
    if type(told) is int and abs(told) <= MOST_EXACT:
        return float(told)
    _expect(float, told)
    if not math.isfinite(cast(float, told)):
        raise Malformed(f"must be a finite number, not {told}")
    return cast(float, told)


def _decimal(told: object) -> Decimal:
    text = _text(told)
    number = Decimal(text) if len(text) <= MOST_CHARACTERS and DECIMAL.fullmatch(text) else None
    if number is None or number.adjusted() not in MAGNITUDES:
        raise Malformed(f"must be a decimal number within 1E{MAGNITUDES[0]} and 1E{MAGNITUDES[-1]}, not {_shown(text)}")
    return number


def _day(told: object) -> date:
    text = _text(told)
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = None
    if day is None or day.isoformat() != text:
        raise Malformed(f"must be a day such as 2026-11-22, not {_shown(text)}")
    return day


_SCALARS: Mapping[Any, Reader] = {
    str: _text,
    int: _whole,
    float: _number,
    bool: _flag,
    types.NoneType: _nothing,
    Decimal: _decimal,
    date: _day,
}
_WORDS: Mapping[type, str] = {
    str: "a text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    types.NoneType: "null",
    list: "a list",
    dict: "an object",
}


def _shown(told: object) -> str:
    """No more than fits into a line: of what holds others only what it is, since its text may be of any length."""
    if isinstance(told, str):
        return repr(told if len(told) <= 40 else told[:37] + "...")
    return _WORDS[type(told)] if isinstance(told, list | dict) else repr(told)[:40]
