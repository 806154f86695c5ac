"""The recorded session of claude-cortex 2.0.0, replayed against the embedded server, and a real one if there is one."""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from pytest_koderz.cortex.memories import memory_of_iteration
from pytest_koderz.cortex.replies import Reply
from pytest_koderz.cortex.tools import DESCRIPTIONS, SCHEMAS

from .worlds import LOSSY, NODE, SHARED, converse, experiment, iteration, launch

pytestmark = pytest.mark.skipif(not SHARED.is_dir(), reason=f"the recordings are not at {SHARED}")

REAL = os.environ.get("CORTEX_PATH")


def recorded() -> list[dict[str, Any]]:
    lines = (SHARED / "transcript.jsonl").read_text(encoding="utf-8").splitlines()
    return [call for line in lines if "tool" in (call := json.loads(line))]


def shape(text: str) -> str:
    """*text* without what differs from run to run: moments, and how important a memory has become."""
    text = re.sub(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.000Z)?", "MOMENT", text)
    return re.sub(r'("salience"|"decayedScore"): [\d.]+', r"\1: SHARE", text)


def as_kept(text: str) -> str:
    """What a server would have replied that loses nothing of what it accepted.

    claude-cortex cut a content at 10,240 characters and fourteen tags at ten, and at the end of the session deleted
    two memories that it had just said it would remember.
    """
    text = re.sub(r"\n  WARNING: Content truncated.*\n.*", "", text)
    text = re.sub(r"x{10240}\\n\\n\[Content truncated - exceeded 10KB limit\]", "x" * 12000, text)
    text = text.replace('\\"t9\\"]', '\\"t9\\",\\"t10\\",\\"t11\\",\\"t12\\",\\"t13\\"]')
    spaced = '"t9"\n        ]'
    more = ",\n".join(f'          "t{number}"' for number in range(10, 14))
    text = text.replace(f"          {spaced}", f'          "t9",\n{more}\n        ]')
    return text.replace("2 deleted.", "0 deleted.")


SERVERS = [
    pytest.param(None, as_kept, id="embedded"),
    pytest.param(
        str(LOSSY), str, id="lossy", marks=pytest.mark.skipif(NODE is None, reason="there is no node to run it with")
    ),
    pytest.param(
        REAL,
        str,
        id="real",
        marks=pytest.mark.skipif(REAL is None, reason="CORTEX_PATH is not set: there is no real server to ask"),
    ),
]


@cache
def replayed(cortex_path: str | None) -> list[Reply]:
    """The session, replayed until it falls within one second: memories are sorted by moments in whole seconds."""
    for _ in range(10):
        with tempfile.TemporaryDirectory() as folder:
            how = launch(Path(folder), cortex_path=cortex_path)
            found = converse(how, [(call["tool"], call["arguments"]) for call in recorded()])
        export = next(reply.text for reply in found if reply.text.startswith("Exported"))
        if len(set(re.findall(r'"(?:last_accessed|created_at)": "(.+)"', export))) == 1:
            break
    return found


@pytest.mark.parametrize(("cortex_path", "expected"), SERVERS)
@pytest.mark.parametrize("number", range(len(recorded()) if SHARED.is_dir() else 0))
def test_a_server_replies_as_recorded(cortex_path: str | None, expected: Callable[[str], str], number: int) -> None:
    """Same success or failure, and the same text but for moments and salience.

    What the original lost and said so, the embedded server keeps.
    """
    call, reply = recorded()[number], replayed(cortex_path)[number]
    assert reply.is_error == call["is_error"]
    assert shape(reply.text) == shape(expected(call["text"]))


def accepted(tool: str) -> dict[str, list[Any]]:
    """By argument: the values with which a call of *tool* was recorded to succeed."""
    lines = (SHARED / "arguments.jsonl").read_text(encoding="utf-8").splitlines()
    calls = [call for line in lines if (call := json.loads(line))["tool"] == tool]
    found: dict[str, list[Any]] = {}
    for call in calls:
        if not call["is_error"] and not call["text"].startswith(("Failed to ", "Error: ")):
            for name, value in call["arguments"].items():
                found.setdefault(name, []).append(value)
    return found


def test_a_memory_is_sent_with_arguments_that_were_accepted() -> None:
    """The original refuses some that its own schema has: nothing is sent that no recorded call succeeded with."""
    taken = accepted("remember")
    for name, value in memory_of_iteration(experiment(), iteration(1)).arguments("koderz").items():
        assert name in taken
        if SCHEMAS["remember"]["properties"][name].get("enum"):
            assert value in taken[name]


def test_the_tools_are_the_recorded_ones() -> None:
    """Names, order, descriptions and JSON schemas."""
    tools = json.loads((SHARED / "tools.json").read_text(encoding="utf-8"))
    assert [tool["name"] for tool in tools] == list(SCHEMAS)
    assert {tool["name"]: tool["input_schema"] for tool in tools} == dict(SCHEMAS)
    assert {tool["name"]: tool["description"] for tool in tools} == dict(DESCRIPTIONS)
