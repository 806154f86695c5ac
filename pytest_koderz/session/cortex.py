"""cortex as the settings name it, and what is still owed to it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pytest_koderz.cortex import Delivery
from pytest_koderz.files.usage_error import UsageError
from pytest_koderz.reporters.text import counted
from pytest_koderz.settings import Settings


def server_of(settings: Settings) -> dict[str, Any]:
    """What the functions of the cortex room want to know. Raises UsageError for a CORTEX_PATH that is not there."""
    path = settings.environment.get("CORTEX_PATH") or None
    if path is not None and not Path(path).is_file():
        raise UsageError(f"CORTEX_PATH: no such file: {path} (it should be claude-cortex-core's dist/index.js)")
    return {
        "cortex_path": path,
        # The two servers cannot read each other's files.
        "database": settings.folder / ("cortex.db" if path is None else "claude-cortex.db"),
        "project": settings.cortex.project,
        "environment": settings.environment,
    }


def delivery_lines(delivery: Delivery, silent: int = 0) -> Iterator[str]:
    """What became of the memories, but for those of so many workers that did not tell before they ended."""
    owed = f", {delivery.owed} owed (kept beside the journal)" if delivery.owed else ""
    if delivery.stored or delivery.owed or not silent:
        yield f"cortex: {delivery.stored} stored, {delivery.verified} verified{owed}"
    if silent:
        unsaid = f"what {counted(silent, 'worker')} stored is not known, since they were cut short"
        yield f"cortex: {unsaid}; pytest --koderz-cortex-sync delivers what is owed"
    if delivery.missing:
        yield f"cortex: {len(delivery.missing)} missing, such as {delivery.missing[0]!r}"
    yield from (f"cortex: {warning}" for warning in delivery.warnings)
