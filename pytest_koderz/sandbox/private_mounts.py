"""A root of one's own: what may be read, in which nothing changes, and a folder of memory for each child.

What a candidate reads is then as it was for the next one; what it writes is bounded by the kernel, seen by nobody and
gone with it. What it may not read is not there: not even size and times can be asked for by who knows the path.
"""

from __future__ import annotations

import errno
import os
import struct
from collections.abc import Iterable, Iterator

from .system_calls import mount, syscall, unmount, unshare

MOST_BYTES = 64 << 20
MOST_FILES = 1000
_NEW_MOUNTS, _NEW_USERS = 0x00020000, 0x10000000
_NOSUID, _NODEV, _BIND, _MOVE, _RECURSIVE, _PRIVATE = 1 << 1, 1 << 2, 1 << 12, 1 << 13, 1 << 14, 1 << 18
_MOUNT_SETATTR = 442
"""The same on every architecture."""
_AT_FDCWD, _AT_RECURSIVE, _READ_ONLY = -100, 0x8000, 1
_PROCESSES, _ONESELF = "/.proc", "/proc/self"
"""Where the processes of all are until a child has shown itself to itself."""
_STREAMS = {"fd": "", "stdin": "/0", "stdout": "/1", "stderr": "/2"}
"""Links of /dev into a process's own folder of descriptors."""


def enter() -> None:
    """Have mounts of one's own, all of them read-only. Raises OSError where the system has no such thing for us.

    It has to come before anything else that holds this process, which must have a single thread.
    """
    before = _namespace()
    try:
        unshare(_NEW_MOUNTS)
    except PermissionError:  # an ordinary user is a ruler in a namespace of his own
        user, group = os.geteuid(), os.getegid()
        unshare(_NEW_MOUNTS | _NEW_USERS)
        _write("/proc/self/setgroups", "deny")
        _write("/proc/self/uid_map", f"{user} {user} 1")
        _write("/proc/self/gid_map", f"{group} {group} 1")
    if _namespace() == before:  # whatever was said: what comes next would be done to everybody
        raise OSError(errno.ENOSYS, "mounts are shared as before")
    mount(None, "/", None, _RECURSIVE | _PRIVATE)
    _make_read_only("/", _AT_RECURSIVE)


def withdraw(paths: Iterable[str], folder: str, covered: Iterable[str] = ()) -> None:
    """Leave all files but *paths* behind, which must be read-only, and of these *covered*. *folder* is there, empty."""
    root = folder  # until it is the root
    mount("none", root, "tmpfs", _NOSUID | _NODEV, "mode=0755")
    for place in (folder, "/tmp", _ONESELF, _PROCESSES, "/dev"):  # noqa: S108 - where programs look whether it is there
        os.makedirs(root + place, exist_ok=True)  # noqa: PTH103 - pathlib is heavy
    for path in sorted(set(paths), key=os.path.realpath):  # folders before what is in them
        _show(path, root)
    for path in covered:
        cover(root + os.path.realpath(path))
    for name, rest in _STREAMS.items():
        os.symlink(f"{_ONESELF}/fd{rest}", f"{root}/dev/{name}")  # noqa: PTH211 - likewise
    # Where `multiprocessing` keeps what its Value and Array hold; no other process sees it.
    os.symlink(folder, f"{root}/dev/shm")  # noqa: PTH211, S108 - likewise
    mount("/proc", root + _PROCESSES, None, _BIND | _RECURSIVE)
    _make_read_only(root)
    os.chdir(root)
    mount(".", "/", None, _MOVE)  # so that the folder can be removed
    os.chroot(".")


def _show(path: str, root: str) -> None:
    """Have *path*, and the links that lead there, beneath *root* as well."""
    if not os.path.exists(path):  # noqa: PTH110 - pathlib is heavy
        return
    for link, target in links_to(path):
        _make_parents(root + link)
        if not os.path.lexists(root + link):
            os.symlink(target, root + link)  # noqa: PTH211 - likewise
    place = root + os.path.realpath(path)
    if os.path.exists(place):  # noqa: PTH110 - it is in a folder that is there already
        return
    _make_parents(place)
    if os.path.isdir(path):  # noqa: PTH112 - likewise
        os.mkdir(place)  # noqa: PTH102 - likewise
    else:
        os.close(os.open(place, os.O_WRONLY | os.O_CREAT))
    mount(path, place, None, _BIND | _RECURSIVE)


def links_to(path: str) -> Iterator[tuple[str, str]]:
    """Those that *path* leads through, each by its own true place, and what it says."""
    parts = path.split("/")
    for number in range(2, len(parts) + 1):
        link = "/".join(parts[:number])
        if os.path.islink(link):  # noqa: PTH114 - pathlib is heavy
            above, name = os.path.split(link)
            target = os.readlink(link)  # noqa: PTH115 - likewise
            yield f"{os.path.realpath(above).rstrip('/')}/{name}", target
            further = os.path.join(os.path.realpath(above), target, *parts[number:])  # noqa: PTH118 - likewise
            yield from links_to(os.path.normpath(further))
            return


def _make_parents(path: str) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)  # noqa: PTH103, PTH120 - pathlib is heavy


def furnish(folder: str) -> None:
    """Put memory for files in the place of *folder*, and of all processes leave this one, for this process alone."""
    unshare(_NEW_MOUNTS)
    mount("none", folder, "tmpfs", _NOSUID | _NODEV, f"size={MOST_BYTES},nr_inodes={MOST_FILES},mode=0700")
    mount(f"{_PROCESSES}/{os.getpid()}", _ONESELF, None, _BIND)
    unmount(_PROCESSES)


def cover(path: str) -> None:
    """Have nothing in the place of *path*, a folder or a file."""
    if os.path.isdir(path):  # noqa: PTH112 - pathlib is heavy
        mount("none", path, "tmpfs", _NOSUID | _NODEV, "mode=0755,size=4096")
        _make_read_only(path)
    elif os.path.exists(path):  # noqa: PTH110 - likewise
        mount("/dev/null", path, None, _BIND)


def replace_file(path: str, content: bytes, folder: str) -> None:
    """Have *content* in the place of the file *path*, for this process alone, which can read it and not change it.

    *folder* is the one that this process may write in; no name of it stays there.
    """
    draft = f"{folder}/.draft"
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    try:
        view = memoryview(content)
        while view:
            view = view[os.write(descriptor, view) :]
    finally:
        os.close(descriptor)
    mount(draft, path, None, _BIND)
    _make_read_only(path)
    os.unlink(draft)  # noqa: PTH108 - pathlib is heavy


def hold(folder: str) -> bool:
    """Whether all of that is so, as the kernel tells."""
    there = os.statvfs(folder)
    alone = not os.path.exists("/proc/1")  # noqa: PTH110 - pathlib is heavy
    return alone and _is_read_only("/") and there.f_blocks * there.f_frsize <= MOST_BYTES and not _is_read_only(folder)


def _namespace() -> str:
    return os.readlink("/proc/self/ns/mnt")  # noqa: PTH115 - pathlib is heavy


def _make_read_only(path: str, how: int = 0) -> None:
    attributes = struct.pack("=QQQQ", _READ_ONLY, 0, 0, 0)  # struct mount_attr
    syscall(_MOUNT_SETATTR, _AT_FDCWD, path.encode(), how, attributes, len(attributes))


def _is_read_only(path: str) -> bool:
    return bool(os.statvfs(path).f_flag & os.ST_RDONLY)


def _write(path: str, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)
