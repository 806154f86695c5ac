"""--koderz-resume: whether a benchmark is a new one, or goes on with what was recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .completion import OneCompleted, benchmarks

if TYPE_CHECKING:  # a session without --koderz reads the options alone
    from pathlib import Path

    from pytest_koderz.records.recorded import Recorded
    from pytest_koderz.settings import Settings


def add_options(group: pytest.OptionGroup) -> None:
    group.addoption(
        "--koderz-resume",
        metavar="BENCH_ID",
        action=OneCompleted,
        completer=benchmarks,
        nargs="?",
        const="newest",
        help="Go on with a benchmark that was cut short; the newest one without an id, or a new one.",
    )


def begin(config: pytest.Config, root: Path, *, resuming: bool) -> tuple[str, Settings, Recorded | None]:
    """Id, settings and record; None: it is a new one, as it always is where not *resuming*. Raises UsageError."""
    import secrets

    from .resume import resume
    from .start_checks import settings_of

    # Empty: it was asked for, and there is none; see `resume`.
    former = resume(config, root) if resuming and config.getoption("koderz_resume") else None
    if former is not None:
        return former
    return f"bench_{secrets.token_hex(4)}", settings_of(config, root), None
