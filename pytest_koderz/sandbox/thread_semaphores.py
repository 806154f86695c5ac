"""The semaphores of `multiprocessing` without other processes: a thread pool of its makes some.

They are files in a folder of the system's, which is closed to a child; among the threads of a process that can start
no other one, these are as good.
"""

from __future__ import annotations

from typing import Any, ClassVar, Self


class ThreadSemaphore:
    """What `_multiprocessing.SemLock` offers."""

    SEM_VALUE_MAX: ClassVar[int] = 2**31 - 1
    _RECURSIVE: ClassVar[int] = 0

    def __init__(self, kind: int, value: int, maxvalue: int, *_: object) -> None:
        import threading  # not above: few candidates want it

        self.kind, self.maxvalue, self.handle = kind, maxvalue, 0
        self.name = None  # one that has a name is told to a process that would have to be started
        self._free = threading.Condition(threading.Lock())
        self._value = value
        self._holder: int | None = None
        self._depth = 0

    def acquire(self, block: bool = True, timeout: float | None = None) -> bool:
        """True once it is held; at once, within *timeout* seconds, or for as long as it takes."""
        with self._free:
            if self._is_mine() and self.kind == self._RECURSIVE:
                self._depth += 1
                return True
            if not self._free.wait_for(lambda: self._value > 0, _seconds(block, timeout)):
                return False
            self._value -= 1
            self._holder, self._depth = _me(), 1
            return True

    def release(self) -> None:
        """Raises what the real one raises where it is not held."""
        with self._free:
            if self.kind == self._RECURSIVE:
                if not self._is_mine():
                    raise AssertionError("attempt to release recursive lock not owned by thread")
                self._depth -= 1
                if self._depth:
                    return
            elif self._value >= self.maxvalue:
                raise ValueError("semaphore or lock released too many times")
            self._holder = None
            self._value += 1
            self._free.notify()

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def _is_mine(self) -> bool:
        return self._holder == _me()

    def _count(self) -> int:
        return self._depth if self._is_mine() else 0

    def _get_value(self) -> int:
        return self._value

    def _is_zero(self) -> bool:
        return self._value == 0

    def _after_fork(self) -> None: ...


def _me() -> int:
    from _thread import get_ident

    return get_ident()


def _seconds(block: bool, timeout: float | None) -> float | None:
    return (None if timeout is None else max(0.0, timeout)) if block else 0.0


def install() -> None:
    """Have `multiprocessing` make these, in this process and those that are forked from it."""
    try:
        import _multiprocessing  # type: ignore[import-not-found]
    except ImportError:  # a Python without it has no such pools either
        return
    module: Any = _multiprocessing
    module.SemLock = ThreadSemaphore
    module.sem_unlink = lambda _: None
