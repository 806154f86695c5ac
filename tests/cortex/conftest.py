"""The servers that the client is tried on."""

from __future__ import annotations

import pytest

from .worlds import REAL


@pytest.fixture(params=["embedded", "real"])
def server(request: pytest.FixtureRequest) -> str | None:
    """The path of a real claude-cortex; None: the embedded server."""
    if request.param == "embedded":
        return None
    if REAL is None:
        pytest.skip("CORTEX_PATH is not set: there is no real server to ask")
    return REAL
