"""koderz.yaml as a JSON Schema for editors, made of the same table of keys as its checks."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from pytest_koderz.backends.backend import Backend
from pytest_koderz.backends.options import Option

from .schema import FileEntry

DIALECT = "https://json-schema.org/draft/2020-12/schema"

_TABLES = {
    "FileEntry": "The top level",
    "ProfileEntry": "A profile",
    "ArmEntry": "An arm",
    "ModelEntry": "A model",
    "PromptsEntry": "Prompts",
    "PriceEntry": "Prices",
    "SandboxEntry": "The judge's limits and the memory",
    "CortexEntry": "The judge's limits and the memory",
}
"""In which section of the guide's chapter `settings` the keys of an entry are explained."""


def settings_schema(guide: str, backends: Mapping[str, Backend]) -> dict[str, Any]:
    """*guide* is the chapter `settings`, whose words editors show beside a key; *backends* know their options."""
    from pydantic import TypeAdapter
    from pydantic.json_schema import GenerateJsonSchema

    class OfValues(GenerateJsonSchema):
        """Editors hold no text to its format, so that a pattern does."""

        def date_schema(self, schema: object) -> dict[str, Any]:  # noqa: ARG002 - as pydantic calls it
            return {"type": "string", "format": "date", "pattern": r"^\d{4}-\d{2}-\d{2}$"}

        def decimal_schema(self, schema: Any) -> dict[str, Any]:
            either = super().decimal_schema(schema)
            either["anyOf"][1]["pattern"] = r"^\d+(\.\d+)?$"
            return either

    made = TypeAdapter(FileEntry).json_schema(schema_generator=OfValues)
    definitions = made["$defs"]
    for name, entry in {**definitions, "FileEntry": made}.items():
        _describe(entry, dict(_explained(guide, _TABLES.get(name, ""))))
    definitions["ModelEntry"]["allOf"] = [_of_backend(each) for each in backends.values() if each.options is not None]
    return {"$schema": DIALECT, **made, "title": "koderz.yaml", "description": "Settings of pytest --koderz."}


def _explained(guide: str, heading: str) -> Iterator[tuple[str, str]]:
    """The keys of a section's table and what its last column says of each."""
    section = guide.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    for names, words in re.findall(r"^\| (`[^|]*) \|(?:.*\|)? ?(.*) \|$", section, re.MULTILINE):
        for name in re.findall(r"`([^`]+)`", names):
            yield name.rpartition(".")[2], words


def _describe(entry: dict[str, Any], words: Mapping[str, str]) -> None:
    """Without the titles that pydantic makes of names, and the docstrings, which speak of code."""
    entry.pop("description", None)
    entry.pop("title", None)
    for name, key in entry.get("properties", {}).items():
        key.pop("title", None)
        if words.get(name):
            key["description"] = words[name]


def _of_backend(backend: Backend) -> dict[str, Any]:
    """What may stand under `options:` of a model of it. A plugin's back end is not known here, and free."""
    known = backend.options or {}
    inner = {f"^{re.escape(name)}\\.": True for name, option in known.items() if dict in option.kinds}
    options = {
        "properties": {name: _of_option(option) for name, option in known.items()},
        "patternProperties": inner,
        "additionalProperties": False,
    }
    return {
        "if": {"properties": {"backend": {"const": backend.name}}, "required": ["backend"]},
        "then": {"properties": {"options": options}},
    }


_TYPES = {int: "integer", float: "number", str: "string", bool: "boolean", dict: "object"}


def _of_option(option: Option) -> dict[str, Any]:
    limits = {"minimum": option.least, "maximum": option.most}
    return {
        "type": [_TYPES[kind] for kind in option.kinds],
        **{name: limit for name, limit in limits.items() if limit is not None},
    }
