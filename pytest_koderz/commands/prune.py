"""Old benchmarks, listed or removed."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_koderz.files.usage_error import UsageError
from pytest_koderz.records.folder_lock import FolderLock
from pytest_koderz.records.reader import folders_in, last_written
from pytest_koderz.reporters.text import counted
from pytest_koderz.session.items import benchmark_key

from .printing import print_lines

LIST_ONLY = "none"
"""What --koderz-prune means without a number."""
SECONDS_PER_DAY = 86_400


def prune(config: pytest.Config, session: pytest.Session) -> int:  # noqa: ARG001 - as pytest calls it
    """--koderz-prune: remove benchmarks that nobody has written for so many days; without a number list all."""
    given, parent = config.option.koderz_prune, config.stash[benchmark_key].settings.folder
    days = None if given == LIST_ONLY else _days(given)
    lines = [f"{folder.name}  {_fate(folder, days)}" for folder in folders_in(parent)]
    removed = sum(line.endswith("removed") for line in lines)
    print_lines(config, [*lines, f"{counted(len(lines), 'benchmark')} in {parent}, {removed} removed"])
    return int(pytest.ExitCode.OK)


def _days(text: str) -> int:
    if not text.isdigit():
        raise UsageError(f"--koderz-prune: '{text}' is no number of days such as 90")
    return int(text)


def _fate(folder: Path, days: int | None) -> str:
    """`12 days old, 340 kB: removed`."""
    age = int((time.time() - last_written(folder)) / SECONDS_PER_DAY)
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    about = f"{counted(age, 'day')} old, {size / 1000:,.0f} kB"
    return about if days is None or age < days else f"{about}: {_removed(folder)}"


def _removed(folder: Path) -> str:
    if any(folder.glob("*.spool")):
        return "kept, since cortex is owed some of it; pytest --koderz-cortex-sync delivers that"
    lock = FolderLock(folder)
    try:
        lock.take()
    except UsageError as fault:
        return f"kept: {fault}"
    for path in _but_for(folder, lock.path):
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    lock.release()
    return "removed"


def _but_for(folder: Path, lock: Path) -> Iterator[Path]:
    """What the lock lies with: it goes last, so that nobody begins in a folder that is being removed."""
    return (path for path in list(folder.iterdir()) if path != lock)
