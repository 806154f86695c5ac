"""Whether this process runs where nobody watches it."""

from __future__ import annotations

import os


def running_on_ci() -> bool:
    """By the variables that pytest itself goes by; its own function has moved between its versions."""
    return any(os.environ.get(name) for name in ("CI", "BUILD_NUMBER"))
