"""How a zygote's memory lies, which decides how soon its children begin: each page that one touches costs it time.

Nothing but speed depends on it. Where the system or the interpreter is another one, nothing happens.
"""

from __future__ import annotations

import ctypes
import gc
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress

_MADV_COLLAPSE = 25
_HUGE_PAGE = 2 << 20
"""Bytes, where a page has 4096."""
_POOL = 16 << 10
"""Bytes from which the interpreter gives out blocks of one size."""
_POOL_HEAD = 48
_LARGEST_BLOCK, _BLOCK_STEP = 512, 16
_MOST_POOLS = 4
"""How much is used up of each size, at the most: it may be another interpreter, with other pools."""
_BYTES_HEAD = sys.getsizeof(b"")

_libc = ctypes.CDLL(None)
_fillers: list[object] = []


def copy_mappings() -> None:
    """Let forks copy what is mapped of code and constants, which each child would have to map again bit by bit.

    Linux does so where a mapping has a page of its own. So each gets one: a byte is written over itself, in the way of
    debuggers. This has to come before the process closes its files in /proc.
    """
    with (
        suppress(OSError),  # the system has no such files, or forbids it
        open("/proc/self/maps") as maps,  # noqa: PTH123 - pathlib would have to be imported
        open("/proc/self/mem", "r+b", buffering=0) as memory,  # noqa: PTH123
    ):
        for start in list(_mapped(maps)):
            memory.seek(start)
            byte = memory.read(1)
            memory.seek(start)
            memory.write(byte)


def _mapped(maps: Iterable[str]) -> Iterator[int]:
    """Where the private and read-only parts of files begin, but for their first ones, which only a loader reads."""
    for line in maps:
        addresses, mode, offset, _, inode, *_ = line.split()
        if mode[:2] == "r-" and mode[3] == "p" and int(offset, 16) and int(inode):
            yield int(addresses.split("-")[0], 16)


def settle() -> None:
    """Lay out anew what is there, once everything is loaded, and leave it alone from now on."""
    gc.collect()
    fill_pools()
    _trim_heap()
    join_pages(map(id, gc.get_objects()))
    gc.freeze()


def fill_pools() -> None:
    """Use up the blocks that lie free in between, so that what a child makes lies together, in pools of its own."""
    for size in range(_BLOCK_STEP, _LARGEST_BLOCK + 1, _BLOCK_STEP):
        _fillers.extend(_blocks(size))


def _blocks(size: int) -> Iterator[object]:
    """Blocks of so many bytes, until there is none left but in a pool that was empty."""
    for number in range(_MOST_POOLS * _POOL // size):
        block = _block(size, number)
        if id(block) % _POOL == _POOL_HEAD:
            return
        yield block


def _block(size: int, number: int) -> object:
    if size > _BYTES_HEAD:
        return bytes(size - _BYTES_HEAD)
    return object() if size == object.__basicsize__ else 1000 + number


def _trim_heap() -> None:
    """Give back what the C library keeps for later, so that no fork copies it."""
    trim = getattr(_libc, "malloc_trim", None)  # only glibc has it
    if trim:
        trim(0)


def join_pages(addresses: Iterable[int]) -> None:
    """Make one huge page of the pages around *addresses*, where the system can: a fork copies each page's entry."""
    if sys.platform == "linux":
        for start in {address - address % _HUGE_PAGE for address in addresses}:
            _libc.madvise(ctypes.c_void_p(start), ctypes.c_size_t(_HUGE_PAGE), _MADV_COLLAPSE)
