"""Folders that tests may write in, and that must not be left behind."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from itertools import count, islice

from pytest_koderz.core.errors import SandboxFault

_MOST_FILES = 1000
_MOST_BYTES = 64 << 20


def make() -> str:
    """A folder for the folders of many processes. Raises SandboxFault where there is no place for one."""
    import tempfile  # not above: a zygote, which makes none, need not load it

    # Without links, as the kernel names files in it, and without marks that tests of paths could take for separators.
    try:
        root = os.path.realpath(tempfile.mkdtemp(prefix="koderz"))
        os.mkdir(furnished(root), stat.S_IRWXU)  # noqa: PTH102 - pathlib would have to be imported
    except OSError as error:
        raise SandboxFault(f"no folder can be made for candidates to write in: {error}") from None
    return root


def furnished(root: str) -> str:
    """The one folder beneath *root* that each process has for itself, where there are mounts for it alone."""
    return f"{root}/files"


def place_of(root: str, pid: int) -> str:
    """The one folder beneath *root* that the process *pid* sees."""
    return f"{root}/{pid}"


def folder_of(root: str, pid: int) -> str:
    """The one folder that the process *pid* writes in, alone in that place, so that it sees nothing beside it."""
    return f"{place_of(root, pid)}/files"


def enter(folder: str) -> None:
    """Work in *folder*: files without a place, temporary ones and a home are there."""
    os.chdir(folder)
    os.environ["TMPDIR"] = os.environ["HOME"] = folder


def is_full(folder: int) -> bool:
    """True once the kernel gives no more for files in the memory that is *folder*, those without a name counted."""
    there = os.fstatvfs(folder)
    return not there.f_bfree or not there.f_ffree


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


class Removal:
    """The end of *folder*, by one who may not write there any more by then."""

    def __init__(self, folder: str) -> None:
        above, self._name = os.path.split(folder)
        self._above, self._folder = (os.open(each, os.O_RDONLY | os.O_DIRECTORY) for each in (above, folder))

    def carry_out(self) -> None:
        """Of what `make` has made."""
        for name, holder in (("files", self._folder), (self._name, self._above)):
            with suppress(OSError):
                os.rmdir(name, dir_fd=holder)


def remove(folder: str) -> None:
    """Delete *folder*, whatever modes its subfolders have been given. Nobody may be at work in it any more.

    What is deep in it is moved up first: it can lie deeper than any path or recursion goes. It stays within *folder*,
    so that whoever removes what was left by one that was killed meanwhile finds all of it.
    """
    names, waiting = (f"{folder}/{os.getpid()}.{number}" for number in count()), [folder]
    places = (name for name in names if not os.path.lexists(name))
    while waiting:
        place = waiting.pop()
        _open_up(place)
        with suppress(OSError):
            for entry in list(os.scandir(place)):
                with suppress(OSError):
                    if entry.is_dir(follow_symlinks=False):
                        os.chmod(entry.path, stat.S_IRWXU)  # noqa: PTH101 - pathlib would have to be imported
                        waiting.append(entry.path if place == folder else _lifted(entry.path, next(places)))
                    else:
                        os.unlink(entry.path)  # noqa: PTH108 - likewise
            if place != folder:
                os.rmdir(place)  # noqa: PTH106 - likewise
    with suppress(OSError):
        os.rmdir(folder)  # noqa: PTH106 - likewise


def _lifted(path: str, place: str) -> str:
    os.rename(path, place)  # noqa: PTH104 - likewise
    return place


def _open_up(folder: str) -> None:
    """Let *folder* be emptied, if it is one and no link."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            os.fchmod(descriptor, stat.S_IRWXU)
        finally:
            os.close(descriptor)
