"""What cortex has not got yet, delivered now."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_koderz.cortex import deliver_spools
from pytest_koderz.session.cortex import delivery_lines, server_of
from pytest_koderz.session.items import benchmark_key

from .printing import print_lines


def deliver_now(config: pytest.Config, session: pytest.Session) -> int:  # noqa: ARG001 - as pytest calls it
    """--koderz-cortex-sync: deliver what earlier benchmarks still owe; 1 where something is left over."""
    settings = config.stash[benchmark_key].settings
    if not _spools(settings.folder):
        print_lines(config, [f"cortex: nothing is owed in {settings.folder}"])
        return int(pytest.ExitCode.OK)
    print_lines(config, delivery_lines(deliver_spools(settings.folder, **server_of(settings))))
    # A spool of which all was read back from the server is deleted.
    return int(pytest.ExitCode.TESTS_FAILED if _spools(settings.folder) else pytest.ExitCode.OK)


def _spools(folder: Path) -> list[Path]:
    return list(folder.rglob("*.spool"))
