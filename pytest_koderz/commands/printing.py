"""What the verbs print: to pytest's terminal, or to standard output where `-p no:terminal` has put it away."""

from __future__ import annotations

import os
import pydoc
import shutil
import sys
from collections.abc import Callable, Iterable

import pytest
from _pytest._io import TerminalWriter

from pytest_koderz.files.running_on_ci import running_on_ci
from pytest_koderz.reporters.summary import WIDTH
from pytest_koderz.session.items import ExperimentItem
from pytest_koderz.session.speaking import shown


def writer_of(config: pytest.Config) -> TerminalWriter:
    """pytest's own writer; a plain one without its terminal, since a verb has nothing to give but what it prints."""
    if config.pluginmanager.has_plugin("terminalreporter"):
        return config.get_terminal_writer()
    # Not pytest's `create_terminal_writer`: the options that it reads, such as --color, are gone with the terminal.
    return TerminalWriter(sys.stdout)


def columns_of(config: pytest.Config) -> int:
    """Those of its terminal, as far as they are used."""
    return min(writer_of(config).fullwidth, WIDTH)


def print_lines(config: pytest.Config, lines: Iterable[str]) -> None:
    writer = writer_of(config)
    for line in lines:
        writer.line(shown(config, line))


def page_lines(config: pytest.Config, lines: Iterable[str]) -> None:
    """The same through the user's pager, where there is more than the terminal shows at once and somebody to turn."""
    texts = [shown(config, line) for line in lines]
    if not can_be_paged(len(texts)):
        print_lines(config, texts)
        return
    os.environ.setdefault("LESS", "FRX")  # as git does: what was read stays on the screen
    pydoc.pager("\n".join(texts) + "\n")


def can_be_paged(lines: int) -> bool:
    """pydoc's own pager, for want of another, can only go forward; a CI system may have a terminal that nobody sees."""
    watched = sys.stdin.isatty() and sys.stdout.isatty() and not running_on_ci()
    pager = os.environ.get("PAGER") or shutil.which("less")
    return bool(watched and pager) and lines > shutil.get_terminal_size().lines


def print_selected(session: pytest.Session, lines_of: Callable[[list[ExperimentItem], int], Iterable[str]]) -> int:
    """Print what is to be said, in so many columns, of the experiments that paths, -k and --koderz-problems pick; the
    exit status.
    """
    session.perform_collect()
    if session.testsfailed:
        # A suite cannot be read, as pytest shows at the end; INTERRUPTED would make it look for a Ctrl-C to show.
        return int(pytest.ExitCode.USAGE_ERROR)
    items = [item for item in session.items if isinstance(item, ExperimentItem)]
    print_lines(session.config, lines_of(items, columns_of(session.config)))
    return int(pytest.ExitCode.OK if items else pytest.ExitCode.NO_TESTS_COLLECTED)
