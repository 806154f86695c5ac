"""The datasets by name."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

from pytest_koderz.core.problem import Problem
from pytest_koderz.files.download import Notify, Source, downloaded, sha256_of
from pytest_koderz.files.nearest import nearest
from pytest_koderz.files.usage_error import UsageError

from .bigcodebench import read_bigcodebench_hard
from .evalplus import read_humanevalplus, read_mbppplus
from .humaneval import published_humaneval, read_jsonl
from .mbpp import read_mbpp
from .places import HOMES, place_of


def load(
    name: str,
    path: Path | None = None,
    *,
    url: str | None = None,
    sha256: str | None = None,
    notify: Notify | None = None,
) -> tuple[Problem, ...]:
    """The problems of a dataset, read once per process.

    *path*, or the file that is downloaded from *url*, overrules where the dataset is looked for; `jsonl`, a user's
    file in HumanEval's format, needs one of them. With *sha256* the file must have it. Nothing is downloaded without
    *notify*, which is told. An unknown name, a missing file or a malformed row raises UsageError.
    """
    if name not in READERS:
        raise UsageError(f"dataset: no dataset named {name!r}{nearest(name, READERS)}")
    place = _place(name, path, Source(url, sha256) if url else None, notify).resolve()
    if sha256 is not None and place.is_file() and (found := sha256_of(place)) != sha256:
        raise UsageError(f"{place}: has the sha256 {found}, not {sha256}")
    return _load(name, place)


@cache
def _load(name: str, place: Path) -> tuple[Problem, ...]:
    problems = READERS[name](place)
    if not problems:
        raise UsageError(f"{place}: holds no problem")
    return problems


def _place(name: str, path: Path | None, source: Source | None, notify: Notify | None) -> Path:
    if path is not None:
        return Path(path)
    if source is not None:
        return downloaded(source, notify)
    if name in HOMES:
        return place_of(name, notify)
    if name == "jsonl":
        raise UsageError("dataset: jsonl needs the path of a file in HumanEval's format")
    return published_humaneval()


READERS: dict[str, Callable[[Path], tuple[Problem, ...]]] = {
    "humaneval": lambda path: read_jsonl(path, "humaneval"),
    "humanevalplus": read_humanevalplus,
    "mbpp": read_mbpp,
    "mbppplus": read_mbppplus,
    "bigcodebench-hard": read_bigcodebench_hard,
    "jsonl": read_jsonl,
}
