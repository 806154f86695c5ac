"""What is written while pytest captures output."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager, nullcontext

import pytest


def uncaptured(config: pytest.Config) -> AbstractContextManager[None]:
    """A context in which the terminal can be reached."""
    capture = config.pluginmanager.get_plugin("capturemanager")
    return nullcontext() if capture is None else capture.global_and_fixture_disabled()


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
            reporter.write_line(f"koderz: {text}")
