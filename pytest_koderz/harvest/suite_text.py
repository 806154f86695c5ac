"""A harvest as a suite file, to be read and edited by people."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterator, Mapping
from pathlib import Path

from pytest_koderz.core.place import FunctionPlace
from pytest_koderz.files.git_history import Commit

from .function_trials import Harvest, Task
from .history import History


def suite_text(harvest: Harvest, folder: Path) -> str:
    """The YAML of a file in *folder*."""
    return "\n".join(_lines(harvest, folder)) + "\n"


def history_text(history: History, folder: Path) -> str:
    """The same of a history."""
    return "\n".join(_lines_of_history(history, folder)) + "\n"


def _lines(harvest: Harvest, folder: Path) -> Iterator[str]:
    place = harvest.place
    yield from _head("functions of a repository, each to be written anew", Path(place.root), folder)
    yield f'  digest: "{place.digest}"'
    yield from _tree(place, "  ")
    yield "problems:"
    for task in harvest.tasks:
        yield from _task(task)
    yield from _left_out(dict(sorted(harvest.left_out.items())))
    yield from _untried(harvest)


def _lines_of_history(history: History, folder: Path) -> Iterator[str]:
    yield from _head("functions as they were before a commit, each to be mended", history.root, folder)
    yield "  commits:"
    for commit, harvest in history.commits:
        yield f'    "{commit.id}":  # {commit.subject}' if commit.subject.isprintable() else f'    "{commit.id}":'
        yield f"      published: {commit.day}"
        yield from _tree(harvest.place, "      ")
    yield "problems:"
    for commit, harvest in history.commits:
        for task in harvest.tasks:
            yield from _task(task, commit)
    yield from _left_out(history.left_out)
    yield from _untried(history)


def _head(words: str, root: Path, folder: Path) -> Iterator[str]:
    yield f"# Written by pytest --koderz-harvest: {words}. Take out what you"
    yield "# do not want, and say in a prompt what it does not: `pytest --koderz-guide own_code`."
    yield "repository:"
    yield f"  path: {_text(Path(os.path.relpath(root, folder)).as_posix())}"
    yield f'  python: "{platform.python_version()}"'


def _tree(place: FunctionPlace, margin: str) -> Iterator[str]:
    yield f"{margin}imports: {_list(place.imports)}"
    yield f"{margin}options: {_list(place.options)}"
    yield f"{margin}hidden: {_list(place.hidden)}"


def _left_out(left_out: Mapping[str, str]) -> Iterator[str]:
    if left_out:
        yield "# Left out:"
        yield from (f"#   {name}: {' '.join(why.split())}" for name, why in left_out.items())


def _untried(found: Harvest | History) -> Iterator[str]:
    if found.untried:
        yield f"# Stopped before {found.untried} more {found.kind}{'' if found.untried == 1 else 's'} had been tried."


def _task(task: Task, commit: Commit | None = None) -> Iterator[str]:
    yield f"  - id: {_text(task.id)}"
    if commit is not None:
        yield f'    commit: "{commit.id}"'
    yield f"    file: {_text(task.file)}"
    yield f"    entry_point: {task.entry_point}"
    if task.adequacy is not None:
        yield f"    adequacy: {task.adequacy}"
    if task.callers is not None:
        yield f"    callers: {task.callers}"
    yield "    tests:"
    yield from (f"      - {_text(test)}" for test in task.tests)
    if task.earlier:
        yield f"    earlier: {_block(task.earlier)}"
    yield f"    prompt: {_block(task.prompt)}"


def _block(text: str) -> str:
    """As it stands where YAML can hold it so."""
    if not text.replace("\n", "").isprintable() or "\n " in text[:1]:
        return _text(text)
    return "|\n" + "\n".join(f"      {line}".rstrip() if line.strip() else "" for line in text.rstrip("\n").split("\n"))


def _text(text: str) -> str:
    """JSON is YAML, too."""
    return json.dumps(text, ensure_ascii=False) if text.isprintable() else json.dumps(text)


def _list(texts: tuple[str, ...]) -> str:
    return json.dumps(list(texts), ensure_ascii=False)
