"""The recorded session of claude-cortex 2.0.0, replayed against the embedded server, and a real one if there is one."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from pytest_koderz.cortex import Delivery, recall
from pytest_koderz.cortex.client.connection import Connection
from pytest_koderz.cortex.client.replies import ToolReply
from pytest_koderz.cortex.server.tool_schemas import CATEGORIES, DESCRIPTIONS, SCHEMAS

from .worlds import (
    FORGETFUL,
    LOSSY,
    NODE,
    REAL,
    SHARED,
    arm,
    converse,
    experiment,
    forgetful,
    iteration,
    launch,
    lived,
    problem,
    tell,
)

pytestmark = pytest.mark.skipif(not SHARED.is_dir(), reason=f"the recordings are not at {SHARED}")


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


WHERE_THERE_IS_ONE = pytest.mark.skipif(REAL is None, reason="CORTEX_PATH is not set: there is no real server to ask")
SERVERS = [
    pytest.param(None, as_kept, id="embedded"),
    pytest.param(
        str(LOSSY), str, id="lossy", marks=pytest.mark.skipif(NODE is None, reason="there is no node to run it with")
    ),
    pytest.param(
        REAL,
        str,
        id="real",
        marks=WHERE_THERE_IS_ONE,
    ),
]


@cache
def replayed(cortex_path: str | None) -> list[ToolReply]:
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


def called() -> list[dict[str, Any]]:
    """Every tool with every argument, as the real server answered; but for what only the real one refuses."""
    lines = (SHARED / "arguments.jsonl").read_text(encoding="utf-8").splitlines()
    return [call for line in lines if not _is_bound(call := json.loads(line))]


def _is_bound(call: dict[str, Any]) -> bool:
    return isinstance(call["arguments"].get("transferable"), bool)


DIFFERENT: dict[str, tuple[str, str]] = {
    "consolidate": (r"\d+ updated, \d+ deleted", "0 updated, 0 deleted"),
    "end_session": (r"\d+ decayed, \d+ deleted", "0 decayed, 0 deleted"),
    "get_related": (r"(?s)## Related Memories for ID 1\n.*", "No related memories found."),
}
"""What the embedded server says instead, since it neither ages nor deletes, and links only what it is asked to link.

It also keeps memories with `transferable`, which the original's database cannot take.
"""

CHOSEN = {"recall", "get_context", "start_session", "end_session", "get_related", "link_memories", "consolidate"}
"""Tools that choose by importance and time, to the second, as the original's own links do: in another run it answers
otherwise than it was recorded."""

CUT = 3_000
"""Characters after which the recording of an answer ends."""


def lines_of(text: str) -> list[str]:
    """The lines of *text* without which memory each is about, how important that is and how often it was seen."""
    text = re.sub(r"exp_b1 HumanEval/0 note-\d+", "TITLE", shape(text))
    text = re.sub(rf'"(?:category|type)": "\w+"|\(({"|".join(CATEGORIES)})\)', "KIND", text)
    text = re.sub(r"Type: \w+ \| Category: \w+|\| \w+ \| \d+% salience", "KIND", text)
    text = re.sub(r"^(->|<-) ", "ARROW ", text, flags=re.MULTILINE)
    text = re.sub(r'"scope": "\w+"|"transferable": \w+', "REACH", text)
    return re.sub(r"\d+", "N", text).splitlines()


def counted(text: str) -> str:
    """*text* without how important a memory has become, and how often it was seen until then."""
    text = re.sub(r'Accessed: \d+x|"access_?count": \d+', "SEEN", shape(text), flags=re.IGNORECASE)
    return re.sub(r"(?<=salience: )[\d.]+%", "SHARE", text, flags=re.IGNORECASE)


@cache
def answered(cortex_path: str | None) -> list[ToolReply]:
    with tempfile.TemporaryDirectory() as folder:
        how = launch(Path(folder), cortex_path=cortex_path)
        return converse(how, [(call["tool"], call["arguments"]) for call in called()])


ANSWERING = [server for server in SERVERS if server.id != "lossy"]


@pytest.mark.parametrize(("cortex_path", "kept"), ANSWERING)
@pytest.mark.parametrize("number", range(len(called()) if SHARED.is_dir() else 0))
def test_a_server_answers_every_argument_as_recorded(cortex_path: str | None, kept: object, number: int) -> None:
    """The same text, or lines that such an answer has where the memories themselves are chosen by the clock."""
    call, reply = called()[number], answered(cortex_path)[number]
    expected, text = call["text"], reply.text
    if cortex_path is None and call["tool"] in DIFFERENT and not call["is_error"]:
        expected = re.sub(*DIFFERENT[call["tool"]], expected)
    if len(expected) == CUT:
        whole = expected.count("\n")
        expected, text = ("\n".join(one.split("\n")[:whole]) for one in (expected, text))
    assert reply.is_error == call["is_error"]
    if call["tool"] in CHOSEN and not call["is_error"]:
        recorded = (other["text"] for other in called() if other["tool"] == call["tool"])
        assert set(lines_of(text)) <= {line for one in (expected, *recorded) for line in lines_of(one)}
    else:
        assert counted(text) == counted(expected)


@cache
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


def test_all_that_is_sent_was_accepted_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The original refuses some arguments of its own schema, and passes over others: nothing is sent with which no
    recorded call succeeded, and of values to choose from none that was not chosen."""
    sent: list[tuple[str, str, Any]] = []
    call = Connection.call

    async def listened(self: Connection, tool: str, arguments: Mapping[str, Any], *more: float) -> ToolReply:
        sent.extend((tool, name, value) for name, value in arguments.items())
        return await call(self, tool, arguments, *more)

    monkeypatch.setattr(Connection, "call", listened)
    with closing(forgetful(tmp_path)) as cortex:
        count = tell(cortex, lived())
        cortex.pytest_koderz_recall_spec(problem(), replace(arm(), reuse_spec=True))
        cortex.pytest_koderz_recall_guidance(experiment(3).with_iteration(iteration(1)))
        assert cortex.pytest_koderz_recall_iterations(lived(), 5) is not None
        assert cortex.deliver(120) == Delivery(count, count)
        where = {"PATH": cortex.launch.path, "HOME": cortex.launch.home}
        recall(lived().id, cortex_path=str(FORGETFUL), database=tmp_path / "cortex.db", environment=where)
    assert {tool for tool, *_ in sent} >= {"remember", "get_context", "memory_stats", "export_memories"}
    for tool, name, value in sent:
        assert name in accepted(tool), f"{tool}: {name}"
        if "enum" in SCHEMAS[tool]["properties"][name]:
            assert value in accepted(tool)[name], f"{tool}: {name}={value}"


def test_the_tools_are_the_recorded_ones() -> None:
    """Names, order, descriptions and JSON schemas."""
    tools = json.loads((SHARED / "tools.json").read_text(encoding="utf-8"))
    assert [tool["name"] for tool in tools] == list(SCHEMAS)
    assert {tool["name"]: tool["input_schema"] for tool in tools} == dict(SCHEMAS)
    assert {tool["name"]: tool["description"] for tool in tools} == dict(DESCRIPTIONS)
