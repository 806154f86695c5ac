"""What the end of a run needs, loaded before anything is spent where the address space is limited.

Experiments that were paid for would have no summary otherwise: by then threads and answers have taken what was left.
"""

from __future__ import annotations

import importlib
import mmap
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_koderz.files.usage_error import UsageError

if TYPE_CHECKING:
    from pytest_koderz.settings import Settings

FIGURES = ("numpy", "scipy.special", "scipy.optimize", "scipy.stats")
"""Of the summary and the results."""
PAGE = ("jinja2", "markupsafe")
_LIBRARIES = 320 << 20
"""Bytes of address space that these take; where there is too little, some of them wait for it for ever."""
_ROOM = 192 << 20
"""What the run itself may want besides."""
_ROOM_OF_A_JOB = 72 << 20
"""For the stack of its thread and the heap that the C library gives it."""


def load_for_the_end(settings: Settings) -> None:
    """Raises UsageError where the limit leaves no room for that and for the run."""
    limit = _address_space()
    if limit is None:
        return
    wanted = _LIBRARIES + _ROOM + settings.jobs * _ROOM_OF_A_JOB
    try:
        mmap.mmap(-1, wanted).close()
        for name in (*FIGURES, *(PAGE if settings.html else ())):
            importlib.import_module(name)
    except (ImportError, MemoryError, OSError):
        raise UsageError(
            f"this shell bounds the address space to {limit >> 20} MB (ulimit -v); run and summary, whose libraries"
            f" are large, may want {(_in_use() + wanted) >> 20} MB: raise the limit, before anything is spent"
        ) from None


def _address_space() -> int | None:
    """Bytes that this process may map; None where nothing bounds that."""
    if sys.platform == "win32":
        return None
    import resource

    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    return None if soft == resource.RLIM_INFINITY else soft


def _in_use() -> int:
    """Bytes that are mapped already; 0 where the system does not say."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[0]) * mmap.PAGESIZE
    except (OSError, ValueError):
        return 0
