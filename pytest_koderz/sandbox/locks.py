"""What holds a candidate's process, layer by layer."""

from __future__ import annotations

import resource
from typing import Any


class Locks:
    """The layers as settings ask for them; made once in a zygote, held by each of its children."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self._memory = settings["memory_limit"]
        self._missing: list[str] = ["landlock", "seccomp"]

    def hold(self) -> None:
        for kind, most in (
            (resource.RLIMIT_AS, self._memory),
            (resource.RLIMIT_FSIZE, 0),
            (resource.RLIMIT_NOFILE, 64),
            (resource.RLIMIT_CORE, 0),
        ):
            resource.setrlimit(kind, (most, most))

    @property
    def missing(self) -> list[str]:
        return self._missing
