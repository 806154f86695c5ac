"""What must never be stored: the values of the environment that are secrets by their names."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from .memories import Memory

_SECRET_NAME = re.compile(r"KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIAL", re.IGNORECASE)
_SHORTEST = 8
"""Shorter values are words that a text may well contain for other reasons."""


@dataclass(frozen=True, slots=True)
class Redaction:
    """Takes secrets out of memories, where an error message or a model's reply has brought them in."""

    secrets: tuple[str, ...]

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Redaction:
        found = {
            value for name, value in environment.items() if _SECRET_NAME.search(name) and len(value) >= _SHORTEST
        }
        return cls(tuple(sorted(found, key=len, reverse=True)))

    def of_memory(self, memory: Memory) -> Memory:
        text = memory.as_json()
        if not any(secret in text for secret in map(_escaped, self.secrets)):
            return memory
        for secret in map(_escaped, self.secrets):
            text = text.replace(secret, "[redacted]")
        return replace(memory, **_plain(json.loads(text)))


def _escaped(secret: str) -> str:
    return json.dumps(secret, ensure_ascii=False)[1:-1]


def _plain(fields: Mapping[str, object]) -> dict[str, object]:
    """The fields that may hold free text; tags stay a tuple."""
    return {name: fields[name] for name in ("content", "metadata")}
