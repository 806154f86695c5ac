"""The durable queue."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from pytest_koderz.cortex.client.memories import memory_of_iteration
from pytest_koderz.cortex.client.spool import Spool, SpoolTaken, State, owed_by
from pytest_koderz.cortex.transaction import writing

from .worlds import experiment, iteration


def memory(number: int, source: str | None = None, of: int = 0):  # type: ignore[no-untyped-def]
    return memory_of_iteration(experiment(of), iteration(number, source))


def test_memories_leave_in_the_order_they_came(tmp_path: Path) -> None:
    """But those of an experiment that somebody waits for go first."""
    with closing(Spool(tmp_path / "a.spool")) as spool:
        for number in (1, 2, 3):
            spool.put(memory(number))
        spool.put(memory(1, of=7))
        first = spool.next()
        assert first is not None
        assert first.memory.title.endswith("HumanEval/0 iteration-1")
        urgent = spool.next(experiment(7).id)
        assert urgent is not None
        assert urgent.memory.title.endswith("HumanEval/7 iteration-1")
        assert spool.unsent(experiment(7).id)
        spool.mark([urgent.number], State.STORED)
        assert not spool.unsent(experiment(7).id)


def test_the_same_memory_is_queued_once_and_another_gets_its_own_title(tmp_path: Path) -> None:
    """An experiment that is run again in the same process keeps both stories apart."""
    with closing(Spool(tmp_path / "a.spool")) as spool:
        for source in ("one", "one", "two", "three", "two"):
            spool.put(memory(1, source))
        titles = [owed.memory.title for owed in spool.in_state(State.QUEUED)]
        first = f"{experiment().id} HumanEval/0 iteration-1"
        assert titles == [first, f"{first} again-2", f"{first} again-3"]
        assert spool.titles(experiment().id, "iteration") == {1: f"{first} again-3"}


def test_it_outlives_its_process(tmp_path: Path) -> None:
    """kill -9 right after the write: what was queued is there, and the spool can be taken over."""
    script = (
        "import os, signal\nfrom pathlib import Path\nfrom tests.cortex.test_spool import *\n"
        f"spool = Spool(Path({str(tmp_path / 'a.spool')!r}))\n"
        "for number in range(1, 51): spool.put(memory(number))\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=Path(__file__).parents[2], check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL
    assert owed_by(tmp_path / "a.spool") == 50
    with closing(Spool(tmp_path / "a.spool")) as spool:
        assert spool.count(State.QUEUED) == 50


def test_a_torn_line_is_no_memory(tmp_path: Path) -> None:
    """A kill in the middle of a write tears the last line at most: what came before is there, and what comes after."""
    with closing(Spool(tmp_path / "a.spool")) as spool:
        spool.put(memory(1))
    inbox = tmp_path / "a.spool.memories"
    inbox.write_bytes(inbox.read_bytes() + b'{"title": "to')
    assert owed_by(tmp_path / "a.spool") == 1
    with closing(Spool(tmp_path / "a.spool")) as spool:
        spool.put(memory(2))
        assert [owed.memory.number for owed in spool.in_state(State.QUEUED)] == [1, 2]


def test_a_memory_that_finds_no_room_is_refused_whole(tmp_path: Path) -> None:
    """A full disk: who tells it is told, nothing of it is left, and the next one is kept."""
    with closing(Spool(tmp_path / "a.spool")) as spool:
        spool.put(memory(1))
        usual, size = resource.getrlimit(resource.RLIMIT_FSIZE), (tmp_path / "a.spool.memories").stat().st_size
        # The kernel also sends SIGXFSZ, which Python ignores.
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 20, usual[1]))
        try:
            with pytest.raises(OSError, match="No space left on device"):
                spool.put(memory(2))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, usual)
        assert (tmp_path / "a.spool.memories").stat().st_size == size
        spool.put(memory(3))
        assert [owed.memory.number for owed in spool.in_state(State.QUEUED)] == [1, 3]


def test_putting_waits_for_nobody(tmp_path: Path) -> None:
    """Not even for somebody who has the database for himself."""
    with closing(Spool(tmp_path / "a.spool")) as spool:
        with spool._mutex, writing(spool._database):
            for number in range(1, 21):
                spool.put(memory(number))
        assert spool.count(State.QUEUED) == 20


def test_a_spool_has_one_owner(tmp_path: Path) -> None:
    """Two would send everything twice. Looking at what is owed needs no ownership."""
    with closing(Spool(tmp_path / "a.spool")) as spool:
        spool.put(memory(1))
        with pytest.raises(SpoolTaken, match="in use"):
            Spool(tmp_path / "a.spool")
        assert owed_by(tmp_path / "a.spool") == 1


def test_an_emptied_spool_leaves_no_file(tmp_path: Path) -> None:
    """One that still owes something stays."""
    spool = Spool(tmp_path / "a.spool")
    spool.put(memory(1))
    spool.close()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.spool", "a.spool.lock", "a.spool.memories"]
    spool = Spool(tmp_path / "a.spool")
    spool.mark([owed.number for owed in spool.in_state(State.QUEUED)], State.VERIFIED)
    spool.close()
    assert list(tmp_path.iterdir()) == []


def test_its_files_are_nobody_elses(tmp_path: Path) -> None:
    """Nor is a folder that is made for them; what an earlier version left open is closed."""
    path = tmp_path / "bench" / "a.spool"
    old = tmp_path / "old.spool"
    old.touch(0o644)
    for each in (path, old):
        with closing(Spool(each)) as spool:
            spool.put(memory(1))
            assert spool.next() is not None
            files = list(each.parent.glob(f"{each.name}*"))
            assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
            assert len(files) > 3
    assert path.parent.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("suffix", ["", ".memories", ".lock"])
def test_a_link_in_its_place_is_not_followed(tmp_path: Path, suffix: str) -> None:
    """It may lead to a file of the user's that somebody else wants to see overwritten."""
    other = tmp_path / "other"
    other.write_text("precious")
    (tmp_path / f"a.spool{suffix}").symlink_to(other)
    with pytest.raises(OSError, match="symbolic links"):
        Spool(tmp_path / "a.spool")
    assert other.read_text() == "precious"


def test_nor_is_another_user_s_database_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its owner could read whatever comes into it."""
    (tmp_path / "a.spool").touch()
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    with pytest.raises(OSError, match="is another user's file"):
        Spool(tmp_path / "a.spool")
    assert (tmp_path / "a.spool").read_bytes() == b""
