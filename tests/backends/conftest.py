"""What holds for all tests of the back ends."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from pytest_koderz.backends.weights import ensure_weights
from pytest_koderz.files.usage_error import UsageError


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """The official clients would ask a proxy of the environment for our loopback."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)


@cache
def _weights() -> Path | str:
    """The weights, or why there are none; asked for once in a session."""
    try:
        return ensure_weights("smollm2", lambda _: None)
    except UsageError as fault:
        return str(fault)


@pytest.fixture
def smollm2() -> str:
    weights = _weights()
    if isinstance(weights, str):
        pytest.skip(weights)
    return str(weights)
