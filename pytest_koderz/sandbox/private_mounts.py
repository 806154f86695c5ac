"""A view of all files in which nothing changes, access times neither, and in it a folder of memory for each child.

What a candidate reads is then as it was for the next one; what it writes is bounded by the kernel, seen by nobody and
gone with it.
"""

from __future__ import annotations

import errno
import os
import struct

from .system_calls import mount, syscall, unshare

MOST_BYTES = 64 << 20
MOST_FILES = 1000
_NEW_MOUNTS, _NEW_USERS = 0x00020000, 0x10000000
_NOSUID, _NODEV, _RECURSIVE, _PRIVATE = 1 << 1, 1 << 2, 1 << 14, 1 << 18
_MOUNT_SETATTR = 442
"""The same on every architecture."""
_AT_FDCWD, _AT_RECURSIVE, _READ_ONLY = -100, 0x8000, 1


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
    attributes = struct.pack("=QQQQ", _READ_ONLY, 0, 0, 0)  # struct mount_attr
    syscall(_MOUNT_SETATTR, _AT_FDCWD, b"/", _AT_RECURSIVE, attributes, len(attributes))


def furnish(folder: str) -> None:
    """Put memory for files in the place of *folder*, for this process alone."""
    unshare(_NEW_MOUNTS)
    mount("none", folder, "tmpfs", _NOSUID | _NODEV, f"size={MOST_BYTES},nr_inodes={MOST_FILES},mode=0700")


def hold(folder: str) -> bool:
    """Whether all of that is so, as the kernel tells."""
    there = os.statvfs(folder)
    return _is_read_only("/") and there.f_blocks * there.f_frsize <= MOST_BYTES and not _is_read_only(folder)


def _namespace() -> str:
    return os.readlink("/proc/self/ns/mnt")  # noqa: PTH115 - pathlib is heavy


def _is_read_only(path: str) -> bool:
    return bool(os.statvfs(path).f_flag & os.ST_RDONLY)


def _write(path: str, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)
