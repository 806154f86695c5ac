"""Folders that tests may write in, and that must not be left behind."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from itertools import count, islice

_MOST_FILES = 1000
_MOST_BYTES = 64 << 20


def make() -> str:
    import tempfile  # not above: a zygote, which makes none, need not load it

    return tempfile.mkdtemp(prefix="koderz-")


def folder_of(root: str, pid: int) -> str:
    """The one folder beneath *root* that the process *pid* writes in."""
    return f"{root}/{pid}"


def is_overgrown(folder: str) -> bool:
    """True once there are more bytes or files in *folder* than tests may leave there."""
    waiting, files, size = [folder], 0, 0
    while waiting and files <= _MOST_FILES and size <= _MOST_BYTES:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in islice(entries, _MOST_FILES + 1):
                    files += 1
                    size += entry.stat(follow_symlinks=False).st_blocks * 512
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
        except FileNotFoundError:  # it is being worked in
            continue
        except OSError:  # so deep that no path leads there
            return True
    return bool(waiting) or files > _MOST_FILES or size > _MOST_BYTES


def remove(folder: str) -> None:
    """Delete *folder*, whatever modes its subfolders have been given. Nobody may be at work in it any more.

    Subfolders are moved up beside it first: they can lie deeper than any path or recursion goes.
    """
    numbers, waiting = count(), [folder]
    while waiting:
        place = waiting.pop()
        with suppress(OSError):
            for entry in list(os.scandir(place)):
                with suppress(OSError):
                    if entry.is_dir(follow_symlinks=False):
                        lifted = f"{folder}.{next(numbers)}"
                        os.chmod(entry.path, stat.S_IRWXU)  # noqa: PTH101 - pathlib would have to be imported
                        os.rename(entry.path, lifted)  # noqa: PTH104 - likewise
                        waiting.append(lifted)
                    else:
                        os.unlink(entry.path)  # noqa: PTH108 - likewise
            os.rmdir(place)  # noqa: PTH106 - likewise
