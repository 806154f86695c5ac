"""Whether a call fits its tool's schema, and if not, what is said of it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from .tools import SCHEMAS

Issue = dict[str, Any]

_TYPE_NAMES: Mapping[str, type | tuple[type, ...]] = {
    "string": str,
    "number": (int, float),
    "boolean": bool,
    "array": list,
    "object": dict,
}


class InvalidArguments(ValueError):
    """A call does not fit its schema; the text is the reply."""


def checked(tool: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """*arguments* with the schema's defaults. Unknown ones are passed over, as claude-cortex does."""
    properties = SCHEMAS[tool]["properties"]
    required = SCHEMAS[tool].get("required", ())
    issues = [
        issue
        for name, schema in properties.items()
        if name in arguments or name in required
        for issue in _issues(schema, arguments.get(name, _ABSENT), [name])
    ]
    if issues:
        listed = json.dumps(issues, indent=2, ensure_ascii=False)
        raise InvalidArguments(f"MCP error -32602: Input validation error: Invalid arguments for tool {tool}: {listed}")
    defaults = {name: schema["default"] for name, schema in properties.items() if "default" in schema}
    return {**defaults, **arguments}


_ABSENT = object()


def _issues(schema: Mapping[str, Any], value: object, path: list[str | int]) -> Iterator[Issue]:
    if not _is_a(schema["type"], value):
        yield _wrong_type(schema, value, path)
    elif "enum" in schema and value not in schema["enum"]:
        yield _not_listed(schema["enum"], value, path)
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _issues(schema["items"], item, [*path, number])
    elif isinstance(value, int | float):
        yield from _out_of_range(schema, value, path)


def _is_a(name: str, value: object) -> bool:
    # Python's booleans are numbers, JSON's are not.
    return isinstance(value, _TYPE_NAMES[name]) and (name == "boolean" or not isinstance(value, bool))


def _wrong_type(schema: Mapping[str, Any], value: object, path: list[str | int]) -> Issue:
    expected = _choices(schema["enum"]) if "enum" in schema else schema["type"]
    received = _name_of(value)
    message = "Required" if value is _ABSENT else f"Expected {expected}, received {received}"
    return {"code": "invalid_type", "expected": expected, "received": received, "path": path, "message": message}


def _not_listed(values: list[str], value: object, path: list[str | int]) -> Issue:
    message = f"Invalid enum value. Expected {_choices(values)}, received '{value}'"
    return {"received": value, "code": "invalid_enum_value", "options": values, "path": path, "message": message}


def _out_of_range(schema: Mapping[str, Any], value: float, path: list[str | int]) -> Iterator[Issue]:
    for limit, code, words in (("minimum", "too_small", "greater"), ("maximum", "too_big", "less")):
        bound = schema.get(limit, value)
        if value < bound if limit == "minimum" else value > bound:
            message = f"Number must be {words} than or equal to {bound}"
            yield {
                "code": code,
                limit: bound,
                "type": "number",
                "inclusive": True,
                "exact": False,
                "message": message,
                "path": path,
            }


def _choices(values: list[str]) -> str:
    return " | ".join(f"'{value}'" for value in values)


def _name_of(value: object) -> str:
    if value is _ABSENT:
        return "undefined"
    if value is None:
        return "null"
    return next(name for name in ("boolean", *_TYPE_NAMES) if isinstance(value, _TYPE_NAMES[name]))
