"""Where the file of a published dataset is: where its publisher's tool keeps it, or whence it is downloaded."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pytest_koderz.files.download import Notify, Source, downloaded
from pytest_koderz.files.usage_error import UsageError


@dataclass(frozen=True, slots=True)
class Home:
    """Where one dataset's file is looked for, in this order, and where it comes from."""

    tool: str
    """The publisher's tool, in whose cache folder the file lies."""
    pattern: str
    """Of the file's name there; of several the newest version counts."""
    variable: str | None = None
    """The tool's own environment variable for the file's path."""
    source: Source | None = None
    """Where the version comes from that the tool takes by default. None: it cannot be fetched from here."""
    recipe: str = "put it at one of these places, or name it under `path:` in the suite"


_RELEASES = "https://github.com/evalplus/{0}_release/releases/download"
_MBPP_COMMIT = "ec7c3d346277b737bc2decffcd1b533d4b7ec105"

HOMES: Mapping[str, Home] = {
    "humanevalplus": Home(
        "evalplus",
        "HumanEvalPlus-v*.jsonl*",
        "HUMANEVAL_OVERRIDE_PATH",
        Source(
            f"{_RELEASES.format('humanevalplus')}/v0.1.10/HumanEvalPlus.jsonl.gz",
            "272720b90ac375502c8ed23cd791c2a93dfb22a911641a494da74a426c09f101",
        ),
    ),
    "mbppplus": Home(
        "evalplus",
        "MbppPlus-v*.jsonl*",
        "MBPP_OVERRIDE_PATH",
        Source(
            f"{_RELEASES.format('mbppplus')}/v0.2.0/MbppPlus.jsonl.gz",
            "af43697e8791c4c149bdfd6b489d8b5412507551ac20e28a439f650b8225db63",
        ),
    ),
    "mbpp": Home(
        "evalplus",
        "sanitized-mbpp.json",
        source=Source(
            f"https://raw.githubusercontent.com/google-research/google-research/{_MBPP_COMMIT}/mbpp/sanitized-mbpp.json",
            "ca95deaa9a01ef0a6f439f88bcf0dd3db3563d22f22aad6cae04ebb9a8d8c8e9",
        ),
    ),
    "bigcodebench-hard": Home(
        "bigcodebench",
        "BigCodeBench-Hard-v*.jsonl*",
        "BIGCODEBENCH_OVERRIDE_PATH",
        recipe=(
            "its publisher offers Parquet files, of which the package bigcodebench makes the JSONL file in its cache "
            "(`from bigcodebench.data import get_bigcodebench; get_bigcodebench(subset='hard')`); "
            "make it so, or name such a file under `path:` in the suite"
        ),
    ),
}


def place_of(name: str, notify: Notify | None) -> Path:
    """The file that the environment names, else the newest in the tool's cache, else the one that is downloaded.

    Raises UsageError where there is none; without *notify* nothing is downloaded.
    """
    home = HOMES[name]
    named = os.environ.get(home.variable) if home.variable else None
    if home.variable and named:
        return _existing(home.variable, Path(named).expanduser())
    found = [place for place in _cache(home.tool).glob(home.pattern) if place.is_file()]
    if found:
        return max(found, key=_version)
    if home.source is None:
        raise UsageError(f"dataset: {name} is not {_looked_at(home)}: {home.recipe}")
    try:
        return downloaded(home.source, notify)
    except UsageError as error:
        raise UsageError(f"dataset: {name} is not {_looked_at(home)}, and {error}: {home.recipe}") from None


def _existing(variable: str, place: Path) -> Path:
    if not place.is_file():
        raise UsageError(f"dataset: {variable} names {place}, and no such file is there")
    return place


def _looked_at(home: Home) -> str:
    place = f"at {_cache(home.tool) / home.pattern}"
    return f"{place} nor at the path in {home.variable}" if home.variable else place


def _cache(tool: str) -> Path:
    from platformdirs import user_cache_dir

    return Path(user_cache_dir(tool))


def _version(place: Path) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", place.name)]
