"""Compiled modules that a process can load but once, kept for the next run in it.

pytester takes out of `sys.modules` what a run within a test has imported. numpy and what PyO3 made cannot be imported
again after that.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib.machinery import ExtensionFileLoader
from types import ModuleType

_kept: dict[str, ModuleType] = {}


def keep_loaded() -> None:
    """At the end of a run: remember the packages with compiled parts, each whole."""
    packages = set(_compiled())
    _kept.update((name, module) for name, module in list(sys.modules.items()) if _package(name) in packages)


def give_back() -> None:
    """At the start of the next run: what is remembered and no longer there."""
    for name, module in _kept.items():
        sys.modules.setdefault(name, module)


def _compiled() -> Iterator[str]:
    """Packages that hold a compiled module; one that stands alone is a part of Python, or as good as one."""
    for name, module in list(sys.modules.items()):
        if "." in name and isinstance(getattr(module, "__loader__", None), ExtensionFileLoader):
            yield _package(name)


def _package(name: str) -> str:
    return name.partition(".")[0]
