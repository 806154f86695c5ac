"""koderz.yaml, the environment and the command line, as one checked value."""

from __future__ import annotations

from .precedence import load_settings, shipped_path
from .resolved import Choice, Settings

__all__ = ["Choice", "Settings", "load_settings", "shipped_path"]
