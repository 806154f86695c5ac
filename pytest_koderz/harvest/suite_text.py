"""A harvest as a suite file, to be read and edited by people."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterator
from pathlib import Path

from .harvesting import Harvest, Task


def suite_text(harvest: Harvest, folder: Path) -> str:
    """The YAML of a file in *folder*."""
    return "\n".join(_lines(harvest, folder)) + "\n"


def _lines(harvest: Harvest, folder: Path) -> Iterator[str]:
    place = harvest.place
    yield "# Written by pytest --koderz-harvest: functions of a repository, each to be written anew. Take out what you"
    yield "# do not want, and say in a prompt what it does not: `pytest --koderz-guide own_code`."
    yield "repository:"
    yield f"  path: {_text(Path(os.path.relpath(place.root, folder)).as_posix())}"
    yield f'  digest: "{place.digest}"'
    yield f'  python: "{platform.python_version()}"'
    yield f"  imports: {_list(place.imports)}"
    yield f"  options: {_list(place.options)}"
    yield f"  hidden: {_list(place.hidden)}"
    yield "problems:"
    for task in harvest.tasks:
        yield from _task(task)
    if harvest.left_out:
        yield "# Left out:"
        yield from (f"#   {name}: {' '.join(why.split())}" for name, why in sorted(harvest.left_out.items()))


def _task(task: Task) -> Iterator[str]:
    yield f"  - id: {_text(task.id)}"
    yield f"    file: {_text(task.file)}"
    yield f"    entry_point: {task.entry_point}"
    if task.adequacy is not None:
        yield f"    adequacy: {task.adequacy}"
    if task.callers is not None:
        yield f"    callers: {task.callers}"
    yield "    tests:"
    yield from (f"      - {_text(test)}" for test in task.tests)
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
