"""System calls that have an effect to be seen from within."""

from __future__ import annotations

import ctypes
import mmap
import re
import sys
from pathlib import Path

import pytest

from pytest_koderz.sandbox.kernel import join_pages

_HUGE_PAGE = 2 << 20


@pytest.mark.skipif(sys.platform != "linux", reason="other systems join pages by themselves, or not at all")
def test_pages_become_a_huge_one_and_keep_their_content() -> None:
    """Where the system has no such page to give, nothing happens."""
    with mmap.mmap(-1, 2 * _HUGE_PAGE, flags=mmap.MAP_PRIVATE) as memory:
        content = bytes(range(256)) * (len(memory) // 256)
        memory[:] = content
        view = ctypes.c_char.from_buffer(memory)
        start = ctypes.addressof(view)
        del view
        before = _huge_pages()
        join_pages(range(start, start + len(memory), mmap.PAGESIZE))
        after = _huge_pages()
        assert memory[:] == content
    if after == before:
        pytest.skip("this system has no huge page to give")
    assert after >= before + _HUGE_PAGE


def test_addresses_where_nothing_is_do_no_harm() -> None:
    """Nor do those of what cannot be joined."""
    join_pages([0, 4096, id(object()), (1 << 47) - 1])


def _huge_pages() -> int:
    """Bytes of this process in huge pages."""
    found = re.search(r"AnonHugePages: +(\d+) kB", Path("/proc/self/smaps_rollup").read_text())
    return int(found[1]) * 1024 if found else 0
