"""The datasets by name."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

from pytest_koderz.core.problem import Problem
from pytest_koderz.files.download import Notify, Source, downloaded, sha256_of
from pytest_koderz.files.nearest import nearest
from pytest_koderz.files.usage_error import UsageError

from .bigcodebench import BIGCODEBENCH_HARD
from .dataset import Dataset
from .evalplus import HUMANEVALPLUS, MBPPPLUS
from .humaneval import HUMANEVAL, HUMANEVALPACK
from .mbpp import MBPP
from .multipl_e import MULTIPL_E
from .own_file import JSONL

_ALL = (HUMANEVAL, HUMANEVALPLUS, HUMANEVALPACK, MULTIPL_E, MBPP, MBPPPLUS, BIGCODEBENCH_HARD, JSONL)
DATASETS = {dataset.name: dataset for dataset in _ALL}


def load(
    name: str,
    path: Path | None = None,
    *,
    url: str | None = None,
    sha256: str | None = None,
    notify: Notify | None = None,
) -> tuple[Problem, ...]:
    """The problems of a dataset, read once per process.

    *path*, or the file that is downloaded from *url*, overrules where the dataset is looked for; a format such as
    `jsonl`, a user's file in HumanEval's, needs one of them. With *sha256* the file must have it. Nothing is downloaded
    without *notify*, which is told. An unknown name, a missing file or a malformed row raises UsageError.
    """
    if name not in DATASETS:
        raise UsageError(f"dataset: no dataset named {name!r}{nearest(name, DATASETS)}")
    dataset = DATASETS[name]
    place = _place(dataset, path, Source(url, sha256) if url else None, notify).resolve()
    if sha256 is not None and place.is_file() and (found := sha256_of(place)) != sha256:
        raise UsageError(f"{place}: has the sha256 {found}, not {sha256}")
    return _load(dataset, place)


def format_of(name: str) -> Dataset | None:
    """The format of a file of that name; None: it is no dataset's."""
    return next((dataset for dataset in DATASETS.values() if name.endswith(dataset.suffixes)), None)


@cache
def _load(dataset: Dataset, place: Path) -> tuple[Problem, ...]:
    problems = dataset.reader(place)
    if not problems:
        raise UsageError(f"{place}: holds no problem")
    return (
        problems
        if dataset.published is None
        else tuple(replace(each, published=dataset.published) for each in problems)
    )


def _place(dataset: Dataset, path: Path | None, source: Source | None, notify: Notify | None) -> Path:
    if path is not None:
        return Path(path)
    if source is not None:
        return downloaded(source, notify)
    if dataset.home is None:
        raise UsageError(f"dataset: {dataset.name} needs the path of a file in that format")
    return dataset.home(dataset.name, notify)
