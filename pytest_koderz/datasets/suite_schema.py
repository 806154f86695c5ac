"""A suite as a JSON Schema for editors, made of the same tables of keys as its checks."""

from __future__ import annotations

import re
from typing import Any

from .catalogue import DATASETS
from .harvested import COMMIT_KEYS, PLACED_KEYS, REPOSITORY_KEYS, REQUIRED_PLACED
from .suite import HARVESTED_KEYS, OWN_KEYS, PROBLEM_KEYS, REQUIRED, SUITE_KEYS

_TEXT: dict[str, object] = {"type": "string", "pattern": r"\S"}
_SELECTED = {"type": ["string", "integer"]}
_SHAPES: dict[str, dict[str, object]] = {
    "url": {"type": "string", "pattern": r"^https?://[^@]+$"},
    "sha256": {"type": ["string", "integer"], "pattern": "^[0-9a-fA-F]{64}$"},
    "published": {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"},
    "id": {"type": "string", "pattern": r"^[^\s\[\]]+$"},
    "entry_point": {"type": "string", "pattern": r"^[^\W\d]\w*$"},
}
"""Of texts that are more than that."""
_OF_HISTORY = {"required": ["commits"], "properties": {"imports": False, "options": False, "hidden": False}}


def suite_schema() -> dict[str, Any]:
    """Either part of a data set, or problems of one's own."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "a suite of pytest --koderz",
        "type": "object",
        "if": {"required": ["dataset"]},
        "then": _closed(_keys(SUITE_KEYS) | _selecting(), ["dataset"]),
        "else": {
            "if": {"required": ["repository"]},
            "then": _closed(_harvested(), ["repository", "problems"]),
            "else": _closed(_keys(OWN_KEYS) | _own(), ["problems"]),
        },
    }


def _closed(properties: dict[str, Any], required: list[str]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def _keys(words: dict[str, str]) -> dict[str, Any]:
    return {name: {**_SHAPES.get(name, _TEXT), "description": told} for name, told in words.items()}


def _selecting() -> dict[str, Any]:
    suffixes = "|".join(re.escape(suffix) for each in DATASETS.values() for suffix in each.suffixes)
    names = {"anyOf": [{"enum": list(DATASETS)}, {"type": "string", "pattern": rf"({suffixes})(\.gz)?$"}]}
    some = {"type": ["string", "integer", "array", "null"], "items": _SELECTED, "minItems": 1}
    return {
        "dataset": {**names, "description": SUITE_KEYS["dataset"]},
        "problems": {**some, "description": SUITE_KEYS["problems"]},
    }


def _harvested() -> dict[str, Any]:
    texts: dict[str, object] = {"type": "array", "items": {"type": "string"}}
    shapes: dict[str, dict[str, object]] = {
        "published": _SHAPES["published"],
        "imports": texts,
        "options": texts,
        "hidden": texts,
        "tests": {**texts, "minItems": 1},
    }
    shapes["adequacy"] = {"type": "number", "minimum": 0, "maximum": 1}
    shapes["callers"] = {"type": "integer", "minimum": 0}

    def told(words: dict[str, str]) -> dict[str, Any]:
        return {name: {**shapes.get(name, _TEXT), "description": each} for name, each in words.items()}

    problem = _closed(told(PLACED_KEYS), list(REQUIRED_PLACED))
    commits = {"type": "object", "additionalProperties": _closed(told(COMMIT_KEYS), []), "minProperties": 1}
    shapes["commits"] = {**commits, "propertyNames": {"pattern": "^([0-9a-f]{40}|[0-9a-f]{64})$"}}
    repository = _closed(told(REPOSITORY_KEYS), ["path"]) | {"oneOf": [{"required": ["digest"]}, _OF_HISTORY]}
    return {
        **_keys({"published": HARVESTED_KEYS["published"]}),
        "repository": {**repository, "description": HARVESTED_KEYS["repository"]},
        "problems": {"type": "array", "items": problem, "minItems": 1, "description": HARVESTED_KEYS["problems"]},
    }


def _own() -> dict[str, Any]:
    problem = _closed(_keys(PROBLEM_KEYS), list(REQUIRED))
    return {"problems": {"type": "array", "items": problem, "minItems": 1, "description": OWN_KEYS["problems"]}}
