"""Lines beneath what pytest writes, which are overwritten as time goes on and gone before it writes again."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from threading import RLock

import pytest

from .fixed_width import fitting

SAVE, RESTORE = "\x1b7", "\x1b8"
CLEAR = f"{SAVE}\x1b[C\x1b[J{RESTORE}"
"""Everything behind the cursor. From the very first cell on tmux would keep what is cleared for scrolling back."""
DOWN = "\x1bD"
"""A line further in the same column; at the end of the screen that scrolls."""
PATIENCE = 5.0
"""Seconds after which something is written though another thread is about to: it will not wait for ever."""


class LiveTerminal:
    """pytest's terminal, for what is written from another thread while the output of tests is captured."""

    def __init__(self, reporter: pytest.TerminalReporter, *, overwriting: bool) -> None:
        """Not *overwriting*: lines are added one below the other, as for a file or a pipe."""
        self._reporter = reporter
        self._overwriting = overwriting
        self._lock = RLock()
        self._shown: Sequence[str] = ()
        self._descriptor = self._duplicate()

    def _duplicate(self) -> int | None:
        """The terminal itself: what stands in its place while output is captured is not written to."""
        with suppress(OSError, ValueError, AttributeError):
            return os.dup(self._reporter._tw._file.fileno())  # noqa: SLF001 - no public way
        return None

    def show(self, lines: Sequence[str]) -> None:
        """In place of those that are shown, or after what was written."""
        with self._alone():
            if self._overwriting:
                self._overwrite(lines)
            else:
                self._add(lines)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """While others write: what is shown is wiped away, and comes back beneath what they have written."""
        with self._alone():
            before = self._wipe()
            try:
                yield
            finally:
                with suppress(OSError, ValueError):
                    self._reporter._tw.flush()  # noqa: SLF001
                if before:
                    self._overwrite(before)

    def close(self) -> None:
        with self._alone():
            self._wipe()
            if self._descriptor is not None:
                os.close(self._descriptor)
                self._descriptor = None
            self._overwriting = False

    @contextmanager
    def _alone(self) -> Iterator[None]:
        taken = self._lock.acquire(timeout=PATIENCE)
        try:
            yield
        finally:
            if taken:
                self._lock.release()

    def _overwrite(self, lines: Sequence[str]) -> None:
        columns, rows = self._size()
        column = self._reporter._tw.width_of_current_line  # noqa: SLF001
        if column and column % columns == 0:
            return  # The next letter of pytest's goes to the next line, which no cursor that is put back knows.
        kept = [fitting(line, columns - 1) for line in lines[: max(rows - 2, 1)]]
        room = f"{DOWN * len(kept)}\x1b[{len(kept)}A"
        beneath = "".join(f"\r\n{line}" for line in kept)
        self._write(f"{CLEAR}{room}{SAVE}{beneath}{RESTORE}")
        self._shown = lines

    def _add(self, lines: Sequence[str]) -> None:
        writer = self._reporter._tw  # noqa: SLF001
        start = "\n" if writer.width_of_current_line else ""
        self._write(start + "".join(f"{line}\n" for line in lines))
        if start:
            writer._current_line = ""  # noqa: SLF001
            if self._reporter.currentfspath is not None:
                # pytest's own mark for "something else was written": it then writes the item's name again.
                self._reporter.currentfspath = -2

    def _wipe(self) -> Sequence[str]:
        """What was shown until now."""
        shown, self._shown = self._shown, ()
        if shown:
            self._write(CLEAR)
        return shown

    def _size(self) -> tuple[int, int]:
        with suppress(OSError):
            if self._descriptor is not None:
                size = os.get_terminal_size(self._descriptor)
                return max(size.columns, 1), size.lines
        return self._reporter._tw.fullwidth, 24  # noqa: SLF001

    def _write(self, text: str) -> None:
        # A terminal that has gone away is nobody's misfortune but the onlooker's.
        with suppress(OSError, ValueError):
            if self._descriptor is None:
                file = self._reporter._tw._file  # noqa: SLF001
                file.write(text)
                file.flush()
            else:
                os.write(self._descriptor, text.encode(errors="backslashreplace"))
