"""Whether the configured server keeps what it is told, found out with one memory that is forgotten again."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from pytest_koderz.cortex import probe

from .worlds import FORGETFUL, converse, launch, node_environment, rows_in, servers_of


def test_a_server_that_keeps_memories_has_nothing_against_it(tmp_path: Path, server: str | None) -> None:
    """The memory of the probe is gone afterwards, those that were there are not, and no server is left."""
    converse(launch(tmp_path, cortex_path=server), [("remember", {"title": "mine", "content": "text"})])
    assert probe(cortex_path=server, database=tmp_path / "cortex.db") is None
    assert [row["title"] for row in rows_in(tmp_path, server)] == ["mine"]
    assert servers_of(tmp_path) == []


def test_a_database_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    """A doctor changes nothing: the server is tried on a file of its own."""
    assert probe(cortex_path=None, database=tmp_path / "cortex.db") is None
    assert list(tmp_path.iterdir()) == []


FAULTS: list[tuple[Mapping[str, Any], str]] = [
    ({"reject": [1]}, "claude-cortex 2.0.0 refused a memory: Failed to remember: Error: SQLite3 can only bind"),
    ({"similar": [1]}, "claude-cortex 2.0.0 refused a memory: taken for a similar memory"),
    ({"cut": 10}, "claude-cortex 2.0.0 gave back another memory than it was told"),
    ({"drop": [1]}, "claude-cortex 2.0.0 said that it had a memory, and has it not"),
    ({"keep": True}, "claude-cortex 2.0.0 did not forget a memory: Failed to forget: Error: locked"),
]


@pytest.mark.parametrize(("faults", "reason"), FAULTS, ids=[next(iter(faults)) for faults, _ in FAULTS])
def test_what_goes_wrong_is_told(tmp_path: Path, faults: Mapping[str, Any], reason: str) -> None:
    """In the server's own words, where it has some."""
    (tmp_path / "cortex.db").touch()
    environment = node_environment(tmp_path, faults)
    told = probe(cortex_path=str(FORGETFUL), database=tmp_path / "cortex.db", environment=environment)
    assert told is not None
    assert told.startswith(reason)


def test_an_absent_server_is_told(tmp_path: Path) -> None:
    """As for whoever wants to store something."""
    told = probe(cortex_path="/nowhere/index.js", database=tmp_path / "cortex.db", environment={"PATH": "/nowhere"})
    assert (
        told
        == "CORTEX_PATH is set, but there is no `node` on PATH to run it with; install Node.js, or unset CORTEX_PATH"
    )
