"""What must never be stored: the values of the environment that are secrets by their names."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

_SECRET_NAME = re.compile(r"KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIAL", re.IGNORECASE)
_SHORTEST = 8
"""Shorter values are words that a text may well contain for other reasons."""


@dataclass(frozen=True, slots=True)
class Redaction:
    """Takes secrets out of what is stored, where an error message or a model's reply has brought them in."""

    secrets: tuple[str, ...] = ()
    """As they are written within JSON."""

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Redaction:
        found = {value for name, value in environment.items() if _SECRET_NAME.search(name) and len(value) >= _SHORTEST}
        return cls(tuple(json.dumps(value, ensure_ascii=False)[1:-1] for value in sorted(found, key=len, reverse=True)))

    def of_json(self, text: str) -> str:
        for secret in self.secrets:
            text = text.replace(secret, "[redacted]")
        return text
