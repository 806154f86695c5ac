"""Files and folders that their owner alone can read: prompts, replies and code are nobody else's.

A link in the place of such a file is followed by nobody: in a folder that others can write, it may be another's.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


def make_private_folder(path: Path) -> None:
    """With those above it that are missing; one that is there is left as it is."""
    if not path.parent.exists():
        make_private_folder(path.parent)
    path.mkdir(mode=0o700, exist_ok=True)


def open_private(path: Path, flags: int) -> int:
    """A descriptor; a file that others could read before, such as an earlier version's, they can read no longer.

    Raises OSError, for a link too.
    """
    descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with suppress(PermissionError):  # somebody else's file
        os.fchmod(descriptor, 0o600)
    return descriptor


def make_private_database(path: Path) -> None:
    """An empty one where there is none: SQLite gives the files beside it the same mode. Raises OSError."""
    make_private_folder(path.parent)
    os.close(open_private(path, os.O_RDWR | os.O_CREAT))
