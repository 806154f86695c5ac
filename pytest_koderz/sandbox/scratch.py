"""Folders that tests may write in, and that must not be left behind."""

from __future__ import annotations

import os
import stat


def make() -> str:
    import tempfile  # not above: it brings `random`, which each fork of a zygote would seed anew

    return tempfile.mkdtemp(prefix="koderz-")


def remove(folder: str) -> None:
    """Delete *folder*, whatever modes its subfolders have been given."""
    import shutil

    for path, folders, _ in os.walk(folder):
        for name in folders:
            inner = os.path.join(path, name)  # noqa: PTH118 - os.walk gives text
            if not os.path.islink(inner):  # noqa: PTH114 - os.walk gives text
                os.chmod(inner, stat.S_IRWXU)  # noqa: PTH101 - os.walk gives text
    shutil.rmtree(folder, ignore_errors=True)
