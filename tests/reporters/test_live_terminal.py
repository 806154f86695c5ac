"""Lines beneath what pytest writes."""

from __future__ import annotations

import os
import re
from io import StringIO
from types import SimpleNamespace

import pytest
from _pytest._io import TerminalWriter

from pytest_koderz.reporters.live_terminal import LiveTerminal


def _terminal(monkeypatch: pytest.MonkeyPatch, *, overwriting: bool) -> tuple[LiveTerminal, TerminalWriter, StringIO]:
    monkeypatch.setenv("COLUMNS", "40")
    file = StringIO()
    writer = TerminalWriter(file)
    reporter = SimpleNamespace(_tw=writer, currentfspath="x")
    return LiveTerminal(reporter, overwriting=overwriting), writer, file  # type: ignore[arg-type]


class Screen:
    """As much of a terminal as is used here."""

    def __init__(self, columns: int, rows: int) -> None:
        self.columns, self.rows = columns, rows
        self.lines = [""] * rows
        self.row = self.column = 0
        self.saved = (0, 0)
        self.scrolled: list[str] = []
        """What can be scrolled back to: tmux keeps a whole screen that is cleared there."""

    def feed(self, text: str) -> None:
        for part in re.findall(r"\x1b\[\d*[A-Z]|\x1b[D78]|.|\n", text, re.DOTALL):
            self._take(part)

    def _take(self, part: str) -> None:
        if part == "\x1b[J":
            self.scrolled += self.lines if self.row == self.column == 0 else []
            self.lines[self.row] = self.lines[self.row][: self.column]
            self.lines[self.row + 1 :] = [""] * (self.rows - self.row - 1)
        elif part == "\x1b[C":
            self.column = min(self.column + 1, self.columns - 1)
        elif part.endswith("A"):
            self.row -= int(part[2:-1])
        elif part == "\x1b7":
            self.saved = (self.row, self.column)
        elif part == "\x1b8":
            self.row, self.column = self.saved
        elif part in ("\x1bD", "\n"):
            self._down()
            self.column = 0 if part == "\n" else self.column
        elif part == "\r":
            self.column = 0
        else:
            line = self.lines[self.row].ljust(self.column)
            self.lines[self.row] = line[: self.column] + part + line[self.column + 1 :]
            self.column += 1

    def _down(self) -> None:
        if self.row == self.rows - 1:
            self.lines = [*self.lines[1:], ""]
        else:
            self.row += 1


def test_nothing_is_left_of_a_status(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shown beneath pytest's own line, at the end of the screen too, and gone before pytest goes on."""
    terminal, writer, file = _terminal(monkeypatch, overwriting=True)
    screen = Screen(40, 4)
    for number in range(7):
        with terminal.paused():
            writer.write(f"item {number} ")
        terminal.show(["1/9 done", "  a line that is much too long for so narrow a terminal"])
        terminal.show([f"{number}/9 done"])
        screen.feed(file.getvalue())
        file.seek(0)
        file.truncate()
        assert [line for line in screen.lines if "done" in line] == [f"{number}/9 done"]
        with terminal.paused():
            writer.line("passed")
        screen.feed(file.getvalue())
        file.seek(0)
        file.truncate()
    terminal.close()
    screen.feed(file.getvalue())
    assert screen.lines == ["item 5 passed", "item 6 passed", "", ""]


def test_it_comes_back_beneath_what_was_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """At once, not with the next look a second later; and on an empty screen nothing of it can be scrolled back to."""
    terminal, writer, file = _terminal(monkeypatch, overwriting=True)
    screen = Screen(40, 6)
    terminal.show(["0/9 done", "  HumanEval/0"])
    for _ in range(3):
        terminal.show(["1/9 done"])
        with terminal.paused():
            writer.write(".")
    with terminal.paused():
        writer.line("F")
    screen.feed(file.getvalue())
    assert screen.lines == ["...F", "", "1/9 done", "", "", ""]
    assert not screen.scrolled


def test_lines_are_added_where_there_is_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each whole, without any escape, and pytest begins a line of its own after them."""
    terminal, writer, file = _terminal(monkeypatch, overwriting=False)
    writer.write("problems/a.yaml ..")
    terminal.show(["koderz: 1/9 done"])
    terminal.show(["koderz: 2/9 done"])
    writer.line(".")
    assert file.getvalue() == "problems/a.yaml ..\nkoderz: 1/9 done\nkoderz: 2/9 done\n.\n"


def test_it_writes_past_what_captures_the_output() -> None:
    """Though the descriptor leads elsewhere by then."""
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as file:
        reporter = SimpleNamespace(_tw=TerminalWriter(file), currentfspath=None)
        terminal = LiveTerminal(reporter, overwriting=False)  # type: ignore[arg-type]
        other = os.open(os.devnull, os.O_WRONLY)
        os.dup2(other, writing)
        os.close(other)
        terminal.show(["1/9 done"])
        terminal.close()
    with os.fdopen(reading) as pipe:
        assert pipe.read() == "1/9 done\n"
