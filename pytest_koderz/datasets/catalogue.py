"""The datasets by name."""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches
from functools import cache
from pathlib import Path

from pytest_koderz.core.errors import UsageError
from pytest_koderz.core.problem import Problem

from .bigcodebench import read_bigcodebench_hard
from .evalplus import read_humanevalplus, read_mbppplus
from .humaneval import read_humaneval, read_jsonl
from .mbpp import read_mbpp


def load(name: str, path: Path | None = None) -> tuple[Problem, ...]:
    """The problems of a dataset, read once per process.

    *path* overrules where the dataset is looked for; `jsonl`, a user's file in HumanEval's format, needs one.
    An unknown name, a missing file or a malformed row raises UsageError.
    """
    return _load(name, None if path is None else Path(path).resolve())


@cache
def _load(name: str, path: Path | None) -> tuple[Problem, ...]:
    if name not in READERS:
        near = get_close_matches(name, READERS, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(READERS)}"
        raise UsageError(f"dataset: no dataset named {name!r} ({hint})")
    problems = READERS[name](path)
    if not problems:
        raise UsageError(f"{path or name}: holds no problem")
    return problems


def _read_own(path: Path | None) -> tuple[Problem, ...]:
    if path is None:
        raise UsageError("dataset: jsonl needs the path of a file in HumanEval's format")
    return read_jsonl(path)


READERS: dict[str, Callable[[Path | None], tuple[Problem, ...]]] = {
    "humaneval": read_humaneval,
    "humanevalplus": read_humanevalplus,
    "mbpp": read_mbpp,
    "mbppplus": read_mbppplus,
    "bigcodebench-hard": read_bigcodebench_hard,
    "jsonl": _read_own,
}
