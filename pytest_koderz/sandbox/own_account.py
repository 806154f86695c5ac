"""The account of a candidate, as `pwd` and `grp` tell it: its own alone, by a name that says nothing of us.

The system's lists of accounts are closed to a child. Programs that ask for their own name, or for that of the owner of
a file of theirs, are answered without them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

NAME = "candidate"


def install() -> None:
    """Have `pwd` and `grp` know it, in this process and those that are forked from it."""
    try:
        import grp
        import pwd
    except ImportError:  # not every system has such lists
        return
    accounts: Any = pwd
    groups: Any = grp
    accounts.getpwuid = _found(lambda: {os.getuid(): _account(pwd)}, "getpwuid(): uid")
    accounts.getpwnam = _found(lambda: {NAME: _account(pwd)}, "getpwnam(): name")
    accounts.getpwall = lambda: [_account(pwd)]
    groups.getgrgid = _found(lambda: {os.getgid(): _group(grp)}, "getgrgid(): gid")
    groups.getgrnam = _found(lambda: {NAME: _group(grp)}, "getgrnam(): name")
    groups.getgrall = lambda: [_group(grp)]


def _account(pwd: Any) -> Any:
    home = os.environ.get("HOME", "/")
    return pwd.struct_passwd((NAME, "x", os.getuid(), os.getgid(), "", home, "/bin/sh"))


def _group(grp: Any) -> Any:
    return grp.struct_group((NAME, "x", os.getgid(), []))


def _found(known: Callable[[], Mapping[Any, Any]], what: str) -> Callable[[Any], Any]:
    """Raises KeyError in the words of the real one."""

    def find(asked: Any) -> Any:
        entries = known()
        if asked not in entries:
            raise KeyError(f"{what} not found: {asked!r}")
        return entries[asked]

    return find
