"""What a dataset is: a name, who reads its file, and where that file is at home."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from pytest_koderz.core.problem import Problem
from pytest_koderz.files.download import Notify, Source, downloaded
from pytest_koderz.files.usage_error import UsageError

Home = Callable[[str, Notify | None], Path]
"""Finds the file of the dataset of that name; raises UsageError where there is none. None: nothing is downloaded."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """Everything there is to know of a dataset; `DATASETS` in the catalogue lists them."""

    name: str
    reader: Callable[[Path], tuple[Problem, ...]]
    """Raises UsageError, with the row's place, for what it cannot read."""
    home: Home | None
    """None: a format, whose file is named by whoever uses it."""
    published: date | None = None
    """When its problems came out, also where it is a later set of tests for them. None: whoever names a file knows."""
    suffixes: tuple[str, ...] = ()
    """Of files in this format: each is a suite by itself, and a suite may name one as its dataset, packed or not."""


@dataclass(frozen=True, slots=True)
class ToolCache:
    """A home: where the publisher's tool keeps the file, or whence it is downloaded."""

    tool: str
    """The publisher's tool, in whose cache folder the file lies."""
    pattern: str
    """Of the file's name there; of several the newest version counts."""
    variable: str | None = None
    """The tool's own environment variable for the file's path, which comes first."""
    source: Source | None = None
    """Where the version comes from that the tool takes by default. None: it cannot be fetched from here."""
    recipe: str = "put it at one of these places, or name it under `path:` in the suite"

    def __call__(self, name: str, notify: Notify | None) -> Path:
        """The file that the environment names, else the newest in the tool's cache, else the one that is downloaded."""
        named = os.environ.get(self.variable) if self.variable else None
        if self.variable and named:
            return _existing(self.variable, Path(named).expanduser())
        found = [place for place in _cache(self.tool).glob(self.pattern) if place.is_file()]
        if found:
            return max(found, key=_version)
        if self.source is None:
            raise UsageError(f"dataset: {name} is not {self._looked_at()}: {self.recipe}")
        try:
            return downloaded(self.source, notify)
        except UsageError as error:
            raise UsageError(f"dataset: {name} is not {self._looked_at()}, and {error}: {self.recipe}") from None

    def _looked_at(self) -> str:
        place = f"at {_cache(self.tool) / self.pattern}"
        return f"{place} nor at the path in {self.variable}" if self.variable else place


def _existing(variable: str, place: Path) -> Path:
    if not place.is_file():
        raise UsageError(f"dataset: {variable} names {place}, and no such file is there")
    return place


def _cache(tool: str) -> Path:
    from platformdirs import user_cache_dir

    return Path(user_cache_dir(tool))


def _version(place: Path) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", place.name)]
