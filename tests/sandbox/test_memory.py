"""What can be seen from within of how memory lies."""

from __future__ import annotations

import ctypes
import mmap
import re
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_koderz.sandbox.memory import join_pages

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


_COUNT = """
import os, sys
from pytest_koderz.sandbox.memory import copy_mappings
if sys.argv.pop() == "copied":
    copy_mappings()
if (pid := os.fork()) == 0:
    compile("def f(x):\\n    return sorted(x)", "f", "exec")
    os._exit(7)
_, status, usage = os.wait4(pid, 0)
assert os.waitstatus_to_exitcode(status) == 7
print(usage.ru_minflt)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the files of /proc are Linux's")
def test_a_child_finds_code_mapped_once_forks_copy_that() -> None:
    assert _told(_COUNT, "copied") < _told(_COUNT, "left") - 10


_ADJACENT = """
import sys
from pytest_koderz.sandbox.memory import fill_pools
if sys.argv.pop() == "filled":
    fill_pools()
sizes = range(48, 513, 16)
blocks = [[bytes(size - sys.getsizeof(b"")) for _ in range(4)] for size in sizes]
print(sum(id(four[3]) - id(four[0]) == 3 * size for four, size in zip(blocks, sizes)))
"""


@pytest.mark.skipif(sys.implementation.name != "cpython", reason="pools are CPython's")
def test_what_is_made_after_pools_are_filled_lies_together() -> None:
    """Nearly always: a block that was the first of its pool and is free again looks like that of an empty one."""
    assert _told(_ADJACENT, "filled") >= 24 > _told(_ADJACENT, "left")


def _told(program: str, how: str) -> int:
    done = subprocess.run([sys.executable, "-c", program, how], check=True, capture_output=True, text=True)
    return int(done.stdout)


def _huge_pages() -> int:
    """Bytes of this process in huge pages."""
    found = re.search(r"AnonHugePages: +(\d+) kB", Path("/proc/self/smaps_rollup").read_text())
    return int(found[1]) * 1024 if found else 0
