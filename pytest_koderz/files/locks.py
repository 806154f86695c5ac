"""Locks on files, which the kernel takes back from whoever ends, however it ends."""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


def lock(file: int | IO[str] | IO[bytes], *, wait: bool = True, shared: bool = False) -> bool:
    """Lock an open file until it is closed; False where another has it and we do not *wait*.

    Any number may have a *shared* lock at once, but none beside one that is not. Two openings of one file exclude each
    other within a process too.
    """
    try:
        fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    return True


@contextmanager
def locked(path: Path, waiting: Callable[[], None] = lambda: None) -> Iterator[None]:
    """One process and one thread at a time, by the file at *path*; *waiting* is called where another has it."""
    with path.open("a") as file:
        if not lock(file, wait=False):
            waiting()
            lock(file)
        yield
