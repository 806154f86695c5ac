"""Files and folders that their owner alone can read: prompts, replies and code are nobody else's.

A link in the place of such a file is followed by nobody: in a folder that others can write, it may be another's.
"""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from pathlib import Path
from stat import S_IFREG, S_IMODE, S_ISLNK, S_IWOTH

PRIVATE = 0o600


def make_private_folder(path: Path) -> None:
    """With those above it that are missing; one that is there is left as it is."""
    if not path.parent.exists():
        make_private_folder(path.parent)
    path.mkdir(mode=0o700, exist_ok=True)


def check_folder(path: Path) -> None:
    """Raises OSError where somebody else has laid *path*: a link, or a folder in which everybody can write.

    One that its owner shares with a group is a choice. Root has made those of a system's volumes, and may use any.
    """
    about = path.lstat()
    if os.geteuid() in (0, about.st_uid) or about.st_uid == 0:
        return
    if S_ISLNK(about.st_mode):
        raise OSError(errno.ELOOP, f"{path.name} is a link of another user", str(path))
    if about.st_mode & S_IWOTH:
        raise PermissionError(errno.EPERM, f"{path.name} is another user's, and everybody can write in it", str(path))


def open_private(path: Path, flags: int) -> int:
    """A descriptor; a file that others could read before, such as an earlier version's, they can read no longer.

    Raises OSError, for a link and for somebody else's file too, who could read what comes into it.
    """
    descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC, PRIVATE)
    try:
        _refuse_anothers(path, os.fstat(descriptor))
    except OSError:
        os.close(descriptor)
        raise
    with suppress(PermissionError):  # a file system that knows no modes
        os.fchmod(descriptor, PRIVATE)
    return descriptor


def _refuse_anothers(path: Path, about: os.stat_result) -> None:
    """Raises OSError for somebody else's file, but for root, whose containers have folders of others mounted."""
    if os.geteuid() not in (0, about.st_uid):
        raise PermissionError(errno.EPERM, "is another user's file", str(path))


def make_private_database(path: Path) -> None:
    """An empty one where there is none, else the one that is there: SQLite gives the files beside it the same mode.

    Raises OSError, for a link and for somebody else's too. It is never opened here: who closes a file of SQLite's takes
    the locks away that other threads of this process have on it.
    """
    make_private_folder(path.parent)
    with suppress(FileExistsError):
        _make_empty(path)
    about = path.lstat()
    mode = about.st_mode
    if S_ISLNK(mode):
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))
    _refuse_anothers(path, about)
    if S_IMODE(mode) != PRIVATE:
        with suppress(PermissionError):  # a file system that knows no modes
            path.chmod(PRIVATE)


def _make_empty(path: Path) -> None:
    """Raises FileExistsError where there is anything, a link included."""
    try:
        os.mknod(path, PRIVATE | S_IFREG)
    except PermissionError:  # macOS leaves it to root
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE))
