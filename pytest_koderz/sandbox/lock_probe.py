"""A child that is held as others are tries what it must not be able to do: what it can, no layer prevents."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from . import private_mounts
from .system_calls import CallRefused, holds_no_new_privs

if TYPE_CHECKING:
    from .child_locks import ChildLocks

_ENOUGH = 1000
"""Descriptors."""


def tell(locks: ChildLocks) -> tuple[str, list[str]]:
    """Hold this process by *locks* and try. What keeps it from being held, if anything does; the layers that lack."""
    lacking = set(locks.missing)
    if "no_new_privs" not in lacking and not holds_no_new_privs():  # nobody can ask that later
        lacking.add("no_new_privs")
    try:
        for layer, step in locks.steps():
            if layer not in lacking and not _done(step):
                lacking.add(layer)
    except CallRefused as refused:
        return str(refused), []
    if "" in lacking:
        return "a child has no folder to write in", []
    return "", [*lacking, *(layer for layer, trial in _trials(locks).items() if _done(trial))]


def _done(trial: Callable[[], object]) -> bool:
    try:
        trial()
    except (OSError, MemoryError):
        return False
    return True


def _trials(locks: ChildLocks) -> Mapping[str, Callable[[], object]]:
    """By layer what it is there to prevent."""
    return {
        "private mounts": lambda: _is_loose(locks.folder),
        "landlock": lambda: _reach_outside(locks.canary),
        "rlimits": lambda: _outgrow(locks.memory_limit),
        "seccomp": lambda: _speak(forking=locks.forking),
    }


def _is_loose(folder: str) -> None:
    if private_mounts.hold(folder):
        raise PermissionError


def _reach_outside(canary: str) -> None:
    """Look into a folder, or empty a file that may not be written: old versions of Landlock do not watch that."""
    if not _done(lambda: os.open("/", os.O_RDONLY | os.O_DIRECTORY)):
        os.truncate(canary, 0)


def _outgrow(memory: int) -> None:
    from mmap import mmap

    if sys.platform == "darwin" or not _done(lambda: mmap(-1, memory)):
        kept = []
        try:
            for _ in range(_ENOUGH):
                kept.append(os.dup(0))  # noqa: PERF401 - each may be the last one
        finally:
            for number in kept:
                os.close(number)


def _speak(*, forking: bool) -> None:
    """To another process, or to one of its own where it shall have none."""
    if _done(lambda: socket.socket(socket.AF_INET)):
        return
    if forking:
        raise PermissionError
    if os.fork() == 0:
        os._exit(0)
