"""Where the publishers' tools keep dataset files on a user's machine."""

from __future__ import annotations

import os
import re
from pathlib import Path

from pytest_koderz.core.errors import UsageError

VARIABLES = {"HumanEvalPlus": "HUMANEVAL_OVERRIDE_PATH", "MbppPlus": "MBPP_OVERRIDE_PATH"}
"""evalplus's own environment variables."""


def evalplus_file(name: str) -> Path:
    """`HumanEvalPlus` or `MbppPlus`: the file that the environment names, else the newest in evalplus's cache."""
    named = os.environ.get(VARIABLES[name])
    if named:
        return Path(named)
    folder = _cache("evalplus")
    found = [place for place in folder.glob(f"{name}-v*.jsonl*") if place.is_file()]
    if not found:
        raise _missing(name, f"{folder / name}-v*.jsonl or at the path in {VARIABLES[name]}")
    return max(found, key=_version)


def sanitized_mbpp_file() -> Path:
    """Sanitized MBPP, where evalplus keeps it."""
    place = _cache("evalplus") / "sanitized-mbpp.json"
    if not place.is_file():
        raise _missing("MBPP (sanitized)", str(place))
    return place


def _cache(tool: str) -> Path:
    from platformdirs import user_cache_dir

    return Path(user_cache_dir(tool))


def _version(place: Path) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", place.name)]


def _missing(name: str, place: str) -> UsageError:
    return UsageError(f"dataset: {name} is not on this machine; put its publisher's file at {place}, or give its path")
