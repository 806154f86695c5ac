"""How firmly the judge holds what it runs on this machine."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from pytest_koderz.core.problem import Isolation

Host = Literal["landlock+seccomp", "partial", "none"]


@dataclass(frozen=True, slots=True)
class Levels:
    """What holds: the isolation of a verdict, and which locks the kernel adds to it."""

    isolation: Isolation
    host: Host
    missing: tuple[str, ...] = ()
    """Names of the layers that this system lacks."""


def host_of(missing: Iterable[str]) -> Host:
    lacking = set(missing)
    if not lacking:
        return "landlock+seccomp"
    return "none" if {"landlock", "seccomp"} <= lacking else "partial"
