"""What is written while pytest captures output."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import pytest

from pytest_koderz.files.visible_text import visible
from pytest_koderz.reporters.fixed_width import wrapped

status_key = pytest.StashKey[Callable[[], AbstractContextManager[None]]]()
"""A context in which no status is shown, where one is."""


@contextmanager
def uncaptured(config: pytest.Config) -> Iterator[None]:
    """A context in which the terminal can be reached, and nothing else writes to it."""
    capture = config.pluginmanager.get_plugin("capturemanager")
    with (
        config.stash.get(status_key, nullcontext)(),
        nullcontext() if capture is None else capture.global_and_fixture_disabled(),
    ):
        yield


def shown(config: pytest.Config, text: str) -> str:
    """*text* as it may be shown: without secrets, and acting on nothing."""
    from .items import benchmark_key

    benchmark = config.stash.get(benchmark_key, None)
    return visible(text if benchmark is None else benchmark.redaction(text))


def folded(config: pytest.Config, text: str) -> list[str]:
    """The same in lines that fit the terminal, but for what must be copied whole: an address or a path.

    Where nobody looks at a terminal it stays one line, which can be searched for.
    """
    reporter, line = config.pluginmanager.get_plugin("terminalreporter"), shown(config, text)
    if reporter is None or not reporter.isatty:
        return [line]
    later = " " * (len(line) - len(line.lstrip()) + 4)
    return wrapped(line, reporter._tw.fullwidth, later=later, whole_words=True) or [""]  # noqa: SLF001 - no public way


def say(config: pytest.Config, text: str) -> None:
    """Tell the user something while he waits; without pytest's terminal there is nobody to be told.

    A worker of xdist has the controller's standard error, and no terminal of its own.
    """
    worker = getattr(config, "workerinput", {}).get("workerid")
    if worker is not None:
        with uncaptured(config):
            print(f"\nkoderz: {worker}: {text}", file=sys.stderr, flush=True)  # noqa: T201 - there is nobody else to write
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None:
        with uncaptured(config):
            reporter.ensure_newline()
            for line in folded(config, f"koderz: {text}"):
                reporter.write_line(line)
