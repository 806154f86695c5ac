"""Whether a call fits its tool's schema, and if not, what claude-cortex says of it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from .tool_schemas import SCHEMAS

if TYPE_CHECKING:
    from jsonschema import Draft7Validator, ValidationError

Issue = dict[str, Any]

_NAMES = {str: "string", bool: "boolean", int: "number", float: "number", list: "array", dict: "object"}


class InvalidArguments(ValueError):
    """A call does not fit its schema; the text is the reply."""


def checked(tool: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """*arguments* with the schema's defaults. Unknown ones are passed over, as claude-cortex does."""
    properties = SCHEMAS[tool]["properties"]
    issues = [issue for name in properties for issue in _issues(tool, name, arguments)]
    if issues:
        listed = json.dumps(issues, indent=2, ensure_ascii=False)
        raise InvalidArguments(f"MCP error -32602: Input validation error: Invalid arguments for tool {tool}: {listed}")
    defaults = {name: schema["default"] for name, schema in properties.items() if "default" in schema}
    return {**defaults, **arguments}


def _issues(tool: str, name: str, arguments: Mapping[str, Any]) -> Iterator[Issue]:
    validator = _validator_of(tool, name)
    if name in arguments:
        errors = list(validator.iter_errors(arguments[name]))
        # A value of a wrong type is not listed in an enumeration either.
        wrong_type = [error for error in errors if error.validator == "type"]
        yield from (_WORDED[str(error.validator)](error, [name, *error.path]) for error in wrong_type or errors)
    elif name in SCHEMAS[tool].get("required", ()):
        yield _wrong_type(validator.schema, "undefined", [name], "Required")


@cache
def _validator_of(tool: str, name: str) -> Draft7Validator:
    from jsonschema import Draft7Validator

    return Draft7Validator(SCHEMAS[tool]["properties"][name])


def _of_wrong_type(error: ValidationError, path: list[str | int]) -> Issue:
    return _wrong_type(error.schema, _NAMES.get(type(error.instance), "null"), path)


def _wrong_type(schema: Any, received: str, path: list[str | int], message: str = "") -> Issue:
    expected = _choices(schema["enum"]) if "enum" in schema else schema["type"]
    kinds = {"expected": expected, "received": received}
    code = {"code": "invalid_type"}
    # The order is that of the original, which has a function of its own for enumerations.
    first = {**kinds, **code} if "enum" in schema else {**code, **kinds}
    return {**first, "path": path, "message": message or f"Expected {expected}, received {received}"}


def _not_listed(error: ValidationError, path: list[str | int]) -> Issue:
    options: Any = error.validator_value
    value = error.instance
    message = f"Invalid enum value. Expected {_choices(options)}, received '{value}'"
    return {"received": value, "code": "invalid_enum_value", "options": options, "path": path, "message": message}


def _out_of_range(error: ValidationError, path: list[str | int]) -> Issue:
    limit, bound = str(error.validator), error.validator_value
    code, word = {"minimum": ("too_small", "greater"), "maximum": ("too_big", "less")}[limit]
    message = f"Number must be {word} than or equal to {bound}"
    facts = {"type": "number", "inclusive": True, "exact": False}
    return {"code": code, limit: bound, **facts, "message": message, "path": path}


def _choices(values: list[str]) -> str:
    return " | ".join(f"'{value}'" for value in values)


_WORDED = {"type": _of_wrong_type, "enum": _not_listed, "minimum": _out_of_range, "maximum": _out_of_range}
