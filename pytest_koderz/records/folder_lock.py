"""One run at a time in a benchmark's folder."""

from __future__ import annotations

import contextlib
import errno
import os
import time
from pathlib import Path

from pytest_koderz.files.locks import lock
from pytest_koderz.files.usage_error import UsageError

from .events import journals_in
from .private_files import check_folder, make_private_folder, open_private

GITIGNORE = ".gitignore"
_IGNORING = "# Created by pytest-koderz.\n*\n"

ORPHANS_SECONDS = 20.0
"""How long workers may take to end whose controller was killed; xdist gives them 15."""


class FolderLock:
    """Held by the controller of a run for as long as it lives; a killed one lets go of it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "lock"
        self._descriptor: int | None = None
        self._parent_is_new = False
        """The folder of all benchmarks was made for this one."""

    def take(self) -> None:
        """Raises UsageError where another run has it, or a worker of a killed run does not end."""
        try:
            self._make_folder()
            self._descriptor = open_private(self.path, os.O_RDWR | os.O_CREAT)
            holder = self._holder()
        except OSError as fault:
            self.release()
            full = "; make room, or name another folder under `folder:` in koderz.yaml"
            cure = full if fault.errno in {errno.ENOSPC, errno.EDQUOT} else ""
            what = f"nothing can be recorded there ({fault.strerror or fault}){cure}"
            raise UsageError(f"{self.path.parent}: {what}") from None
        if holder is not None:
            os.close(self._descriptor)
            self._descriptor = None
            raise UsageError(f"{self.path.parent}: another run is at work on this benchmark ({holder})")
        until = time.monotonic() + ORPHANS_SECONDS
        for journal in journals_in(self.path.parent):
            _await_end_of_writer(journal, until)

    def release(self) -> None:
        """A folder in which nothing was recorded goes with it."""
        if self._descriptor is None:
            return
        if [path.name for path in self.path.parent.iterdir()] == [self.path.name]:
            with contextlib.suppress(OSError):
                self.path.unlink()
                self.path.parent.rmdir()
                self._remove_new_parent()
        os.close(self._descriptor)
        self._descriptor = None

    def _make_folder(self) -> None:
        """A new folder of benchmarks is kept out of git, as pytest's cache is; one that was there is left as it is."""
        parent = self.path.parent.parent
        with contextlib.suppress(FileNotFoundError):
            check_folder(parent)
        if not parent.exists():
            make_private_folder(parent)
            self._parent_is_new = True
            (parent / GITIGNORE).write_text(_IGNORING)
        make_private_folder(self.path.parent)

    def _remove_new_parent(self) -> None:
        parent = self.path.parent.parent
        if self._parent_is_new and [path.name for path in parent.iterdir()] == [GITIGNORE]:
            (parent / GITIGNORE).unlink()
            parent.rmdir()

    def _holder(self) -> str | None:
        """Who has the lock; None: we do now."""
        assert self._descriptor is not None  # noqa: S101 - opened by the only caller
        if not lock(self._descriptor, wait=False):
            return os.pread(self._descriptor, 100, 0).decode(errors="replace").strip() or "process unknown"
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, f"process {os.getpid()}\n".encode(), 0)
        return None


def _await_end_of_writer(journal: Path, until: float) -> None:
    """Returns once no process has *journal* open for writing."""
    with journal.open("rb") as file:
        while not lock(file, wait=False):
            if time.monotonic() > until:
                raise UsageError(f"{journal}: a worker of the former run is still writing it")
            time.sleep(0.1)
