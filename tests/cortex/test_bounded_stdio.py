"""A memory server that means ill can neither fill the memory nor hold up the end."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_koderz.core.errors import MemoryUnavailable
from pytest_koderz.cortex.client import bounded_stdio
from pytest_koderz.cortex.client.connection import Launch, connect
from pytest_koderz.cortex.client.probe import server_name
from pytest_koderz.cortex.client.replies import ToolReply, exported, remembered

from .worlds import await_end_of_servers, converse, servers_of

FLOODING = Path(__file__).with_name("flooding.py")


def flooding(folder: Path, kind: str) -> Launch:
    """A server of that *kind*."""
    node = folder / "node"
    node.write_text(f'#!/bin/sh\nexec "{sys.executable}" -S "$@"\n')
    node.chmod(0o755)
    (folder / "cortex.db.kind").write_text(kind)
    (folder / "cortex.db").touch()
    return Launch(str(FLOODING), folder / "cortex.db", "koderz", f"{folder}:{os.environ['PATH']}", str(folder))


def asked(folder: Path, kind: str, timeout: float = 60.0) -> ToolReply:
    """Its one reply; it has ended afterwards."""
    try:
        (reply,) = converse(flooding(folder, kind), [("recall", {})], timeout)
    finally:
        assert servers_of(folder) == []
    return reply


TOO_MUCH = {
    "parts": "cortex sent a message of more than 100,000 values",
    "endless": "cortex sent a message of more than 1 MB",
    "asking": "cortex sent more than 2,000 lines where one was asked for",
}


@pytest.mark.parametrize(("kind", "words"), TOO_MUCH.items())
def test_what_is_too_much_ends_the_connection(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, words: str
) -> None:
    """Before it is read."""
    if kind == "endless":
        monkeypatch.setattr(bounded_stdio, "MOST_BYTES", 1 << 20)
    with pytest.raises(MemoryUnavailable) as caught:
        asked(tmp_path, kind)
    assert str(caught.value) == words


_ASKED_ALONE = """
import sys
from pathlib import Path
from tests.cortex.test_bounded_stdio import asked, peak
asked(Path(sys.argv[1]), "noisy")
before = peak()
print(len(asked(Path(sys.argv[1]), "long").text), peak() - before)
"""


def peak() -> int:
    """Of this process's memory, in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith("VmHWM:"))


@pytest.mark.skipif(sys.platform != "linux", reason="asks for what Linux has")
def test_a_long_message_is_read_once(tmp_path: Path) -> None:
    """Not once for each kind of message that it may be, of which each takes its bytes again."""
    path = os.pathsep.join(filter(None, sys.path))
    command = [sys.executable, "-c", _ASKED_ALONE, str(tmp_path)]
    run = subprocess.run(command, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=True)
    length, grown = map(int, run.stdout.split())
    assert grown < 4 * length


@pytest.mark.parametrize("kind", ["refusing", "misshapen", "dying"])
def test_a_complaint_repeats_a_server_s_words_in_one_line_in_which_nothing_acts(tmp_path: Path, kind: str) -> None:
    """An error, an answer of no shape, and its last words: megabytes, with signs that act."""
    with pytest.raises(MemoryUnavailable) as caught:
        asked(tmp_path, kind)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 500


UNREADABLE = {
    "latin": "is not UTF-8",
    "wide": "is not UTF-8",
    "marked": "is none of JSON-RPC",
    "torn": "is none of JSON-RPC",
    "deep": "is none of JSON-RPC",
    "batched": "is none of JSON-RPC",
}


@pytest.mark.parametrize(("kind", "words"), UNREADABLE.items())
def test_a_message_that_cannot_be_read_is_told_at_once(tmp_path: Path, kind: str, words: str) -> None:
    """Nobody waits for an answer that has come already."""
    with pytest.raises(MemoryUnavailable) as caught:
        asked(tmp_path, kind, timeout=3600.0)
    assert str(caught.value) == f"cortex sent a message that {words}"


def test_so_does_what_is_made_of_an_answer(tmp_path: Path) -> None:
    """Its name, a refusal's reason, and an export that is none."""
    how = flooding(tmp_path, "loud")
    reply = asked(tmp_path, "loud")
    with pytest.raises(MemoryUnavailable) as caught:
        exported(reply)
    name = server_name(cortex_path=how.cortex_path, database=how.database, environment={"PATH": how.path})
    for words in (str(caught.value), remembered(reply).reason, name):
        assert words.isprintable()
        assert len(words) < 500


@pytest.mark.parametrize("kind", ["never_ending", "deaf"])
def test_a_server_that_does_not_end_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    """With what it has started, whatever it writes meanwhile: three seconds are all that it has."""
    assert sum(seconds for _, seconds in bounded_stdio.PATIENCE) <= 3
    last = ((None, 0.1), (signal.SIGTERM, 0.1), (signal.SIGKILL, 60.0))
    monkeypatch.setattr(bounded_stdio, "PATIENCE", last)
    assert asked(tmp_path, kind).text == "ok"


def test_nor_does_one_outlive_who_waits_for_its_end_no_longer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As when a server that never said a word is given up, and the courier is stopped meanwhile."""
    monkeypatch.setattr(bounded_stdio, "PATIENCE", ((None, 3600.0),))

    async def given_up_twice() -> None:
        task = asyncio.create_task(_talk(flooding(tmp_path, "waiting")))
        for happened in ("asked", "closed"):
            while not (tmp_path / f"cortex.db.{happened}").exists():
                await asyncio.sleep(0.01)
            task.cancel()
        await asyncio.wait([task])

    asyncio.run(given_up_twice())
    await_end_of_servers(tmp_path)
    gc.collect()  # what is told of a process that nobody has waited for


async def _talk(launch: Launch) -> None:
    async with connect(launch):
        pass


def test_one_deadline_is_that_of_all_that_a_call_asks(tmp_path: Path) -> None:
    """The SDK asks for the list of tools behind the first answer, and would wait for it without end."""
    with pytest.raises(MemoryUnavailable, match="cortex gave no answer to recall"):
        asked(tmp_path, "unlisted", timeout=1.0)


def test_what_a_server_says_beside_its_answers_is_passed_over(tmp_path: Path) -> None:
    """Lines that are no messages, notes in any number; and a text may hold as many brackets as it likes."""
    assert len(asked(tmp_path, "noisy").text) == 700_000


def test_an_export_of_nothing_but_brackets_is_none() -> None:
    """It would take up a hundred times its bytes."""
    with pytest.raises(MemoryUnavailable, match="its rows are no list"):
        exported(ToolReply("Exported 1 memories:\n[" + "{}," * 2_000_000 + "{}]"))


def test_an_export_of_nothing_but_keys_is_none() -> None:
    """Those that differ take ten times as long as other values."""
    with pytest.raises(MemoryUnavailable, match="its rows are no list"):
        exported(ToolReply("Exported 1 memories:\n[{" + '"":0,' * 1_000_000 + '"":0}]'))
