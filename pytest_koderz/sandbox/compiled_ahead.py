"""The modules of a repository's copy, compiled where Python and pytest look for that; a process of its own does it."""

from __future__ import annotations

import compileall
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any


def main() -> None:
    """Of the folder that the argument names. Nothing of it is run."""
    root = Path(sys.argv[-1])
    compileall.compile_dir(root, quiet=2, maxlevels=50)
    with suppress(Exception):  # another version of pytest may be another inside, and takes a little longer then
        _rewrite_tests(root)


def _rewrite_tests(root: Path) -> None:
    """As pytest itself keeps modules with its assertions."""
    from _pytest.assertion import rewrite

    inside: Any = rewrite
    config: Any = _Config()
    for place in (*root.rglob("*test*.py"), *root.rglob("conftest.py")):
        with suppress(SyntaxError, ValueError, OSError):
            status, code = inside._rewrite_test(place, config)  # noqa: SLF001 - there is no other door
            kept = inside.get_cache_dir(place) / (place.name[:-3] + inside.PYC_TAIL)
            inside._write_pyc(_State(), code, status, kept)  # noqa: SLF001 - likewise


class _Config:
    """What the rewriting asks of pytest's configuration: its defaults."""

    def getini(self, name: str) -> bool:  # noqa: ARG002 - as pytest calls it
        return False


class _State:
    def trace(self, text: str) -> None:
        """Nobody listens."""
