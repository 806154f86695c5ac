"""The thread that carries memories."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from pytest_koderz.core.errors import MemoryUnavailable
from pytest_koderz.cortex.client.connection import Connection, Launch
from pytest_koderz.cortex.client.delivery import Courier
from pytest_koderz.cortex.client.spool import Spool


def test_a_failure_in_which_the_end_is_lost_does_not_keep_the_thread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As of a server that floods us while it is stopped: what the libraries then raise is all that is left of it."""
    begun = threading.Event()

    @asynccontextmanager
    async def connect(_: Launch) -> AsyncIterator[Connection]:
        begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise MemoryUnavailable("cortex broke off") from None
        yield Connection  # type: ignore[misc]  # never reached

    monkeypatch.setattr("pytest_koderz.cortex.client.delivery.connect", connect)
    spool = Spool(tmp_path / "a.spool")
    courier = Courier(Launch(None, tmp_path / "a.db", "koderz", "", ""), spool)
    courier.wake()
    begun.wait()
    courier.close()
    assert courier._thread is not None
    assert not courier._thread.is_alive()
    spool.close()
