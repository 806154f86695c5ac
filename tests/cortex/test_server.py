"""The embedded server: keeps what it accepts, says what it does, and survives what happens to servers."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from pytest_koderz.core.errors import MemoryUnavailable
from pytest_koderz.cortex.client import kept_memories
from pytest_koderz.cortex.client.connection import connect
from pytest_koderz.cortex.client.replies import (
    ToolReply,
    exported,
    in_context,
    long_term_count,
    remembered,
    session_started,
)
from pytest_koderz.cortex.server.memory_tools import MemoryTools
from pytest_koderz.cortex.server.store import MIGRATIONS, MemoryFilter, Store
from pytest_koderz.cortex.server.tool_schemas import SCHEMAS

from .worlds import converse, launch, rows_in, servers_of

ROOT = Path(__file__).parents[2]


@pytest.fixture
def tools(tmp_path: Path) -> Iterator[MemoryTools]:
    with closing(Store(tmp_path / "cortex.db")) as store:
        yield MemoryTools(store, "koderz", tmp_path)


def say(tools: MemoryTools, tool: str, **arguments: object) -> str:
    text, is_error = tools.call(tool, arguments)
    assert not is_error, text
    return text


def export(tools: MemoryTools, **arguments: object) -> list[dict[str, Any]]:
    return exported(ToolReply(say(tools, "export_memories", **arguments)))


def keep(tools: MemoryTools, title: str, content: str = "text", **more: object) -> int:
    answer = remembered(ToolReply(say(tools, "remember", title=title, content=content, **more)))
    assert answer.kept, answer
    assert answer.id is not None
    return answer.id


def test_a_memory_comes_back_whole(tools: MemoryTools) -> None:
    """Title, content, tags and metadata are what was given, however long."""
    content, tags = "ü\u2028🙂\x00" * 20_000, [f"t{number}" for number in range(30)]
    metadata = {"deep": {"list": [1, 2.5, None, True, "x"]}, "cost": 0.0463}
    keep(tools, "long", content, tags=tags, metadata=metadata)
    (row,) = export(tools)
    assert (row["title"], row["content"]) == ("long", content)
    assert (json.loads(row["tags"]), json.loads(row["metadata"])) == (tags, metadata)


def test_nothing_is_merged_aged_or_capped(tools: MemoryTools) -> None:
    """300 short-term memories, and equal titles of critical importance: all are there after the session has ended."""
    session = session_started(ToolReply(say(tools, "start_session")))
    for number in range(300):
        keep(tools, f"note {number}", type="short_term", importance="low")
    for number in range(5):
        keep(tools, "spec experiment", f"text {number}", importance="critical", tags=["spec", "experiment"])
    assert "0 deleted" in say(tools, "end_session", sessionId=session)
    assert "0 deleted" in say(tools, "consolidate", force=True)
    assert len(export(tools)) == 305


def test_a_title_that_cannot_be_searched_for_is_refused(tools: MemoryTools) -> None:
    """In words, and nothing is written; so a title that this server takes is one that claude-cortex takes."""
    for sign in "!#$%';<=>?@[\\]`~":
        assert say(tools, "remember", title=f"a {sign} b", content="c").startswith("Failed to remember: Error: fts5:")
    assert export(tools) == []
    keep(tools, 'AND OR NOT a/b:c-d.e,f_(g) "h" {i} + * ^ & |')
    keep(tools, "")


def test_search_finds_all_words_in_any_order(tools: MemoryTools) -> None:
    """In title, content and tags."""
    keep(tools, "exp_1 HumanEval/0 iteration-1", "def f(): return one")
    keep(tools, "exp_2 HumanEval/0 iteration-1", "def f(): return two", tags=["special"])
    assert "Found 1 memory:\n" in say(tools, "recall", query="iteration-1 exp_1")
    assert "Found 1 memory:\n" in say(tools, "recall", query="two HumanEval/0 special")
    assert say(tools, "recall", query="exp_1 two") == "No memories found matching your query."
    assert say(tools, "recall", query="what? = now").startswith("Failed to recall: Error: fts5:")


def test_recall_filters(tools: MemoryTools) -> None:
    """By category, type, tag, project and scope."""
    keep(tools, "one", category="error", tags=["a"], type="episodic")
    keep(tools, "two", category="todo", tags=["a", "b"])
    keep(tools, "three", project="other")
    keep(tools, "four", project="other", scope="global")
    for filters, titles in (
        ({"category": "error"}, ["one"]),
        ({"type": "episodic"}, ["one"]),
        ({"tags": ["b", "c"]}, ["two"]),
        ({"project": "other", "includeGlobal": False}, ["three", "four"]),
        ({}, ["one", "two", "four"]),
        ({"project": "*"}, ["one", "two", "three", "four"]),
    ):
        text = say(tools, "recall", **filters)
        assert [title for title in ("one", "two", "three", "four") if f"**{title}**" in text] == titles
    assert "Found 2 memories:\n" in say(tools, "recall", project="*", limit=2)


def test_what_is_looked_at_grows_important(tools: MemoryTools) -> None:
    """Less each time, and no further than 100 %; then it is promoted to the long term."""
    number = keep(tools, "seen", type="short_term", importance="normal")
    assert "Would promote: 0 memories" in say(tools, "consolidate", dryRun=True)
    assert "Salience: 70% | Accessed: 1x" in say(tools, "get_memory", id=number)
    assert "Salience: 88% | Accessed: 2x" in say(tools, "recall", query="seen")
    assert "Salience: 100% | Accessed: 3x" in say(tools, "recall", mode="important")
    assert "  - seen" in say(tools, "consolidate", dryRun=True)
    assert say(tools, "consolidate") == "Consolidation: 1 promoted, 0 updated, 0 deleted."


def test_an_unspoken_category_is_guessed(tools: MemoryTools) -> None:
    """From words in title and content; a plain text is a note."""
    for text, category in (("Fixed a crash", "error"), ("I prefer tabs", "preference"), ("hello", "note")):
        assert f"Category: {category}\n" in say(tools, "remember", title=text, content="x")


def test_forget(tools: MemoryTools) -> None:
    """One by its id; several only when confirmed; a preview deletes nothing; without criteria nothing happens."""
    numbers = [keep(tools, f"memory {number}", category="todo") for number in range(3)]
    assert "Failed to forget: Memory with ID 77 not found" in say(tools, "forget", id=77)
    assert say(tools, "forget", id=numbers[0]) == f"Deleted 1 memory:\n  - [{numbers[0]}] memory 0"
    assert say(tools, "forget", category="todo", dryRun=True).startswith("Dry run: Would delete 2 memories:")
    assert say(tools, "forget", category="todo").startswith("Bulk delete blocked: 2 memories would be deleted")
    assert say(tools, "forget", project="*").startswith("Failed to forget: Error: No deletion criteria specified.")
    assert say(tools, "forget", query="nothing such") == "No memories matched the deletion criteria."
    assert say(tools, "forget", olderThan=1) == "No memories matched the deletion criteria."
    assert len(export(tools)) == 2
    assert say(tools, "forget", belowSalience=0.9, confirm=True).startswith("Deleted 2 memories:")
    assert say(tools, "recall", query="memory") == "No memories found matching your query."


def test_links(tools: MemoryTools) -> None:
    """Each once, between two memories that are there; seen from both ends; gone with either."""
    one, two = keep(tools, "one"), keep(tools, "two")
    assert say(tools, "get_related", id=one) == "No related memories found."
    linked = say(tools, "link_memories", sourceId=one, targetId=two, relationship="extends")
    assert linked == f"Linked memory {one} -> {two} (extends)"
    for source, target in ((one, two), (one, one), (one, 99)):
        text = say(tools, "link_memories", sourceId=source, targetId=target, relationship="extends")
        assert text == "Failed to create link. Memories may not exist or link already exists."
    assert "-> **two** (extends, 50% strength)" in say(tools, "get_related", id=one)
    assert "<- **one** (extends, 50% strength)" in say(tools, "get_related", id=two)
    say(tools, "forget", id=one)
    assert say(tools, "get_related", id=two) == "No related memories found."


def test_its_rows_come_in_parts_of_any_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many there are, no message is large; and each row comes once, in the order in which it was kept."""
    monkeypatch.setattr(kept_memories, "ROWS_AT_ONCE", 3)
    with closing(Store(tmp_path / "cortex.db")) as store:
        for number in range(7):
            keep(MemoryTools(store, "koderz", tmp_path), f"note {number}", tags=["odd" if number % 2 else "even"])

    async def asked(benchmark: str) -> list[str]:
        how = launch(tmp_path)
        async with connect(how) as connection:
            return [row["title"] for row in await kept_memories.export(connection, how, benchmark)]

    assert asyncio.run(asked("")) == [f"note {number}" for number in range(7)]
    assert asyncio.run(asked("odd")) == ["note 1", "note 3", "note 5"]


def test_an_export_can_be_imported(tools: MemoryTools, tmp_path: Path) -> None:
    """With content, tags and metadata as they were; a file with one bad entry is not imported by half."""
    keep(tools, "one", "first", tags=["a"], metadata={"n": 1}, category="todo", type="long_term")
    data = say(tools, "export_memories").partition("\n\n")[2]
    with closing(Store(tmp_path / "other.db")) as store:
        other = MemoryTools(store, "koderz", tmp_path)
        assert say(other, "import_memories", data=data) == "Imported 1 memories."
        (row,) = export(other)
        assert (row["title"], row["content"], row["tags"], row["metadata"]) == ("one", "first", '["a"]', '{"n":1}')
        for bad in (
            '[{"title": "x", "content": "y"}, {"title": 5}]',
            "{}",
            "not json",
            '[{"title":"","content":"","type":"eternal"}]',
        ):
            assert say(other, "import_memories", data=bad).startswith("Error: ")
        assert len(export(other)) == 1


def test_context(tools: MemoryTools) -> None:
    """Decisions, patterns, open items and the latest, in three formats; with a query also what it finds."""
    keep(tools, "the plan", "Use SQLite", category="architecture", importance="high")
    keep(tools, "the way", "Frozen values", category="pattern", importance="normal")
    keep(tools, "the rest", "Write tests", category="todo", importance="normal")
    summary = say(tools, "get_context")
    for line in ("## Project: koderz", "- **the plan**: Use SQLite", "- **the way**: Frozen values", "- [ ] the rest"):
        assert line in summary
    assert "### Relevant to Current Query" in say(tools, "get_context", query="SQLite")
    detailed = say(tools, "get_context", format="detailed", query="frozen")
    assert detailed.startswith("# Project Context: koderz")
    assert "## Relevant to Current Context" in detailed
    rows = in_context(ToolReply(say(tools, "get_context", format="raw", query="tests")))
    assert [row["title"] for row in rows] == ["the rest", "the plan", "the way", "the rest"]
    assert say(tools, "get_context", project="*").startswith("### Key Decisions")
    assert "### Pending Items" in say(tools, "start_session")


def test_projects(tools: MemoryTools, tmp_path: Path) -> None:
    """From the environment, else the folder's name, until one is set; `*` is all of them."""
    assert "**Detection Source:** env" in say(tools, "get_project")
    assert say(tools, "set_project", project="*") == "Project context changed: koderz -> global"
    assert "**Current Project:** global (all projects)" in say(tools, "get_project")
    keep(tools, "of no project")
    assert export(tools)[0]["project"] is None
    with closing(Store(tmp_path / "other.db")) as store:
        assert f"**Current Project:** {tmp_path.name}\n" in say(MemoryTools(store, None, tmp_path), "get_project")


def test_statistics(tools: MemoryTools) -> None:
    """By type and category, of one project or of all."""
    keep(tools, "one", category="todo", type="long_term")
    keep(tools, "two", category="todo", project="other")
    assert long_term_count(ToolReply(say(tools, "memory_stats"))) == 1
    assert "Total memories: 2\n" in say(tools, "memory_stats", project="*")
    assert "Total memories: 0\n" in say(tools, "memory_stats", project="none")


WRONG_CALLS: list[tuple[str, Mapping[str, object], str, list[object]]] = [
    ("remember", {"content": "c"}, "invalid_type", ["title"]),
    ("remember", {"title": None, "content": "c"}, "invalid_type", ["title"]),
    ("remember", {"title": "t", "content": "c", "tags": ["a", 5]}, "invalid_type", ["tags", 1]),
    ("remember", {"title": "t", "content": "c", "tags": "a"}, "invalid_type", ["tags"]),
    ("remember", {"title": "t", "content": "c", "metadata": []}, "invalid_type", ["metadata"]),
    ("remember", {"title": "t", "content": "c", "importance": "huge"}, "invalid_enum_value", ["importance"]),
    ("remember", {"title": "t", "content": "c", "type": 5}, "invalid_type", ["type"]),
    ("remember", {"title": "t", "content": "c", "transferable": 1}, "invalid_type", ["transferable"]),
    ("recall", {"limit": 0}, "too_small", ["limit"]),
    ("recall", {"limit": True}, "invalid_type", ["limit"]),
    (
        "link_memories",
        {"sourceId": 1, "targetId": 2, "relationship": "extends", "strength": 2},
        "too_big",
        ["strength"],
    ),
]


@pytest.mark.parametrize(("tool", "arguments", "code", "path"), WRONG_CALLS)
def test_a_wrong_call_is_an_error_that_names_the_argument(
    tools: MemoryTools, tool: str, arguments: Mapping[str, object], code: str, path: list[object]
) -> None:
    """In the words of claude-cortex's own validation."""
    text, is_error = tools.call(tool, arguments)
    head, _, issues = text.partition(f"Invalid arguments for tool {tool}: ")
    assert is_error
    assert head == "MCP error -32602: Input validation error: "
    assert [(issue["code"], issue["path"]) for issue in json.loads(issues)] == [(code, path)]


def test_every_tool_answers_every_call_that_fits_its_schema(tools: MemoryTools) -> None:
    """With the least arguments; none fails in Python."""
    least = {"string": "a", "number": 1, "array": [], "object": {}, "boolean": False}
    for tool, schema in SCHEMAS.items():
        properties = schema["properties"]
        needed = {
            name: properties[name].get("enum", [least[properties[name]["type"]]])[0]
            for name in schema.get("required", ())
        }
        assert isinstance(say(tools, tool, **needed), str)


def test_a_file_of_a_later_version_is_refused(tmp_path: Path) -> None:
    """The server says so and ends, and does not touch it."""
    with closing(sqlite3.connect(tmp_path / "cortex.db")) as database:
        database.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    with pytest.raises(MemoryUnavailable, match="later version"):
        converse(launch(tmp_path), [("get_project", {})])


@pytest.mark.slow
def test_a_file_of_an_earlier_version_is_taken_further(tmp_path: Path) -> None:
    """With what it holds, and once, also where several servers are started at the same moment."""
    with closing(sqlite3.connect(tmp_path / "cortex.db")) as database:
        database.executescript(MIGRATIONS[0])
        database.execute("PRAGMA user_version = 1")
        database.execute(
            "INSERT INTO memories (type, category, title, content, salience)"
            " VALUES ('long_term', 'note', 'old', 'c', 0.5)"
        )
        database.commit()
    calls = [("recall", {"query": "old", "project": "*"})]
    with ThreadPoolExecutor(3) as pool:
        replies = list(pool.map(lambda _: converse(launch(tmp_path), calls)[0].text, range(3)))
    assert all(text.startswith("Found 1 memory:\n[1] **old**") for text in replies)
    with closing(sqlite3.connect(tmp_path / "cortex.db")) as database:
        assert database.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS),)


def _other_program(path: Path) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE memories (id)")


UNFIT: list[tuple[str, Callable[[Path], object], str]] = [
    (
        "garbage",
        lambda path: path.write_bytes(b"x" * 5_000),
        "file is not a database; move it away, and a new one is begun",
    ),
    ("a folder", lambda path: path.mkdir(), "unable to open database file"),
    ("another program's", _other_program, "another program's database; this server needs a file of its own"),
    ("not to be made", lambda path: path.parent.joinpath("file").touch(), "File exists"),
]


@pytest.mark.parametrize(("make", "words"), [case[1:] for case in UNFIT], ids=[case[0] for case in UNFIT])
def test_a_file_that_cannot_be_used_is_named_in_one_line(
    tmp_path: Path, make: Callable[[Path], object], words: str
) -> None:
    """With the reason, and status 1; the client says the same."""
    make(tmp_path / "cortex.db")
    path = tmp_path / ("file/cortex.db" if words == "File exists" else "cortex.db")
    command = [sys.executable, "-m", "pytest_koderz.cortex", "--db", str(path)]
    done = subprocess.run(command, input="", capture_output=True, text=True, timeout=60, check=False, cwd=ROOT)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert done.stderr.startswith(f"{path}: ")
    assert words in done.stderr
    if path.parent == tmp_path:
        with pytest.raises(MemoryUnavailable, match=f"does not start: .*{words}"):
            converse(launch(tmp_path), [("get_project", {})])


def test_a_missing_folder_is_made(tmp_path: Path) -> None:
    """With all that is missing above it."""
    assert "Total memories: 0" in converse(launch(tmp_path / "one" / "two"), [("memory_stats", {})])[0].text


def test_an_unfinished_migration_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The schema changes as a whole or not at all."""
    monkeypatch.setattr("pytest_koderz.cortex.server.store.MIGRATIONS", (*MIGRATIONS, "CREATE TABLE more (x); broken;"))
    with pytest.raises(sqlite3.OperationalError):
        Store(tmp_path / "cortex.db")
    monkeypatch.undo()
    with closing(Store(tmp_path / "cortex.db")) as store:
        assert store.find(MemoryFilter()) == []
    with closing(sqlite3.connect(tmp_path / "cortex.db")) as database:
        assert database.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS),)
        assert database.execute("SELECT count(*) FROM sqlite_master WHERE name = 'more'").fetchone() == (0,)


@pytest.mark.slow
def test_several_servers_write_one_file_at_once(tmp_path: Path) -> None:
    """Each acknowledged memory of each of three servers, started at the same moment, is there once."""

    def write(server: int) -> list[ToolReply]:
        titles = [f"server-{server} memory-{number}" for number in range(60)]
        return converse(launch(tmp_path), [("remember", {"title": title, "content": "c"}) for title in titles])

    with ThreadPoolExecutor(3) as pool:
        replies = [reply for some in pool.map(write, range(3)) for reply in some]
    assert all(remembered(reply).kept for reply in replies)
    assert len({row["title"] for row in rows_in(tmp_path)}) == len(rows_in(tmp_path)) == 180


def test_what_was_acknowledged_survives_kill_9(tmp_path: Path) -> None:
    """The server is killed in the middle of a stream of writes."""
    kept = []

    async def write() -> None:
        async with connect(launch(tmp_path)) as connection:
            for number in range(1000):
                reply = await connection.call("remember", {"title": f"memory-{number}", "content": "c" * 2000})
                kept.append(remembered(reply).id)
                if number == 40:
                    (server,) = servers_of(tmp_path)
                    os.kill(server, signal.SIGKILL)

    with pytest.raises(MemoryUnavailable):
        asyncio.run(write())
    assert len(kept) >= 41
    assert {row["id"] for row in rows_in(tmp_path)} >= set(kept)


def test_the_server_gets_path_and_home_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No key, and nothing else of this process's environment, is in the environment of the server."""
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-0123456789")

    async def look() -> bytes:
        async with connect(launch(tmp_path)):
            (server,) = servers_of(tmp_path)
            return Path(f"/proc/{server}/environ").read_bytes()

    names = {entry.partition(b"=")[0] for entry in asyncio.run(look()).split(b"\0") if entry}
    # LC_CTYPE is Python's own: it sets it where no locale is given (PEP 538)
    assert names - {b"LC_CTYPE"} == {b"PATH", b"HOME", b"CLAUDE_MEMORY_PROJECT"}


def test_the_server_ends_with_its_client(tmp_path: Path) -> None:
    """When stdin ends, with status 0 and nothing on stdout but the protocol."""
    command = [sys.executable, "-m", "pytest_koderz.cortex", "--db", str(tmp_path / "cortex.db")]
    done = subprocess.run(command, input=b"", capture_output=True, timeout=60, check=False, cwd=ROOT)
    assert (done.returncode, done.stdout) == (0, b"")


def request(number: int, method: str, **params: object) -> dict[str, object]:
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": params}


def greeting(version: str) -> dict[str, object]:
    return request(0, "initialize", protocolVersion=version, capabilities={}, clientInfo={"name": "t", "version": "1"})


def answers_to(folder: Path, lines: Sequence[object]) -> dict[int, dict[str, Any]]:
    """By number: what a client gets that writes these *lines*, the last of them a request, in raw JSON-RPC."""
    command = [sys.executable, "-m", "pytest_koderz.cortex", "--db", str(folder / "cortex.db")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        server.stdin.write("".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines))
        server.stdin.flush()
        found: dict[int, dict[str, Any]] = {}
        last = lines[-1]["id"]  # type: ignore[index]  # a request
        while last not in found:
            answer = json.loads(server.stdout.readline())
            found[answer.get("id")] = answer
    return found


@pytest.mark.parametrize(
    ("asked", "spoken"), [("2024-11-05", "2024-11-05"), ("2025-11-25", "2025-11-25"), ("1999-01-01", "2025-11-25")]
)
def test_the_protocol_is_the_client_s_where_it_is_known(tmp_path: Path, asked: str, spoken: str) -> None:
    """And else the latest that has a handshake; only tools are promised, since nothing else is there."""
    result = answers_to(tmp_path, [greeting(asked)])[0]["result"]
    assert result["protocolVersion"] == spoken
    assert result["serverInfo"]["name"] == "pytest-koderz-cortex"
    assert list(result["capabilities"]) == ["tools"]


def test_a_client_that_makes_mistakes_is_answered(tmp_path: Path) -> None:
    """Each request on its own; what is no JSON, and a cancellation that comes too late, are passed over."""
    found = answers_to(
        tmp_path,
        [
            greeting("2025-11-25"),
            {"jsonrpc": "2.0", "method": "notifications/initialized"},
            "{bad json",
            '"a text"',
            request(1, "no/such/method"),
            request(2, "tools/call", name="remember", arguments="text"),
            request(3, "tools/call", name=5),
            request(4, "tools/call", name="no_such_tool", arguments={}),
            request(5, "tools/call", name="remember", arguments={"title": 5, "content": "c"}),
            request(6, "tools/call", name="remember", arguments={"title": "kept", "content": "nul \0"}),
            {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 6}},
            request(7, "resources/list"),
            request(8, "tools/list"),
            request(9, "ping"),
        ],
    )
    errors = {number: answer["error"]["code"] for number, answer in found.items() if "error" in answer}
    assert errors == {1: -32601, 2: -32602, 3: -32602, 7: -32601}
    assert [found[number]["result"]["isError"] for number in (4, 5, 6)] == [True, True, False]
    assert len(found[8]["result"]["tools"]) == 15
    assert found[9]["result"] == {}
    assert [row["title"] for row in rows_in(tmp_path)] == ["kept"]


def test_it_speaks_both_protocols(tmp_path: Path) -> None:
    """The handshake of 2025-11-25, which claude-cortex speaks, and whatever a newer client asks for first."""
    from mcp.client.client import Client

    async def versions() -> list[str]:
        found = []
        for mode in ("legacy", "auto"):
            async with Client(launch(tmp_path).parameters(), mode=mode) as client:
                found.append(client.protocol_version)
                assert len((await client.list_tools()).tools) == 15
        return found

    assert asyncio.run(versions())[0] == "2025-11-25"
