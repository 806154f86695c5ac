"""How far a benchmark is that another process runs."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import pytest

from pytest_koderz.files.nearest import nearest
from pytest_koderz.files.usage_error import UsageError
from pytest_koderz.records.follower import Course, Follower
from pytest_koderz.records.reader import folders_in
from pytest_koderz.reporters.live_terminal import LiveTerminal
from pytest_koderz.reporters.status_line import running_lines, status_line
from pytest_koderz.reporters.summary import SIMULATED
from pytest_koderz.session.items import benchmark_key
from pytest_koderz.session.live_status import LINE, TICK
from pytest_koderz.session.speaking import shown

from .printing import print_lines

NEWEST = "newest"


def watch(config: pytest.Config, session: pytest.Session) -> int:  # noqa: ARG001 - as pytest calls it
    """--koderz-watch: until nobody writes its journals any more, or Ctrl-C."""
    folder = _folder(config.stash[benchmark_key].settings.folder, config.option.koderz_watch)
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    follower = Follower(folder)
    if reporter is None or not reporter.isatty or os.environ.get("TERM") == "dumb":
        last = follow(follower, lambda lines: print_lines(config, lines), LINE)
    else:
        last = _on_terminal(config, reporter, follower)
    print_lines(config, [f"{folder.name}: {_mark(last)}{status_line(last, time.time())}"])
    return int(pytest.ExitCode.OK)


def _on_terminal(config: pytest.Config, reporter: pytest.TerminalReporter, follower: Follower) -> Course:
    terminal = LiveTerminal(reporter, overwriting=True)
    try:
        return follow(follower, lambda lines: terminal.show([shown(config, line) for line in lines]), TICK)
    finally:
        terminal.close()


def follow(
    follower: Follower,
    show: Callable[[Sequence[str]], None],
    pause: float,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.time,
) -> Course:
    """Show it again after each *pause* while anybody is at work; the course in the end."""
    course = follower.course()
    with suppress(KeyboardInterrupt):
        while course.began is not None:
            show(watch_lines(course, clock()))
            sleep(pause)
            course = follower.course()
    return course


def watch_lines(course: Course, now: float) -> list[str]:
    mark = _mark(course)
    return [f"{mark}{status_line(course, now)}", *(f"  {mark}{line}" for line in running_lines(course, now, {}))]


def _mark(course: Course) -> str:
    return SIMULATED if course.simulated else ""


def _folder(parent: Path, name: str) -> Path:
    known = {each.name: each for each in (folders_in(parent) if parent.is_dir() else [])}
    if name == NEWEST and known:
        return next(iter(known.values()))
    if name not in known:
        hint = nearest(name, known) or "; --koderz-results lists the benchmarks"
        raise UsageError(f"--koderz-watch: {name} is not in the journals in {parent}{hint}")
    return known[name]
