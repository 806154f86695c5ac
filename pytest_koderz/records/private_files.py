"""Files and folders that their owner alone can read: prompts, replies and code are nobody else's."""

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
    """A descriptor; a file that others could read before, such as an earlier version's, they can read no longer."""
    descriptor = os.open(path, flags, 0o600)
    with suppress(PermissionError):  # somebody else's file
        os.fchmod(descriptor, 0o600)
    return descriptor
