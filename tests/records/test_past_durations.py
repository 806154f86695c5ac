"""How long experiments took before, as journals tell."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_koderz.core.experiment import Status
from pytest_koderz.records.journal import Journal
from pytest_koderz.records.past_durations import BENCHMARKS, past_durations
from tests.core.worlds import START

HEAD = {"arms": ["koderz"], "simulated": False}


def _benchmark(parent: Path, number: int, *ends: tuple[str, float, Status], **head: object) -> Path:
    """The one with the highest number is the latest."""
    folder = parent / f"bench_{number:08x}"
    journal = Journal(folder, "main", {**HEAD, "id": folder.name, **head})
    for epoch, (problem, seconds, status) in enumerate(ends, 1):
        one = replace(START, id=f"exp_{epoch:08x}", problem_id=problem, arm="koderz", epoch=epoch)
        journal.pytest_koderz_ended(one.ended(status, seconds, "" if status.settled else "the server is down"))
    journal.close()
    os.utime(journal.path, (1e9 + number, 1e9 + number))
    return journal.path


def test_the_latest_that_settled_it_counts_and_epochs_are_one(tmp_path: Path) -> None:
    """What was invalid tells nothing of how long it takes."""
    _benchmark(tmp_path, 1, ("add", 9.0, Status.SOLVED), ("sub", 4.0, Status.UNSOLVED))
    _benchmark(tmp_path, 2, ("add", 1.0, Status.SOLVED), ("add", 2.0, Status.UNSOLVED), ("sub", 700.0, Status.INVALID))
    assert past_durations(tmp_path, ["koderz"], simulated=False) == {"koderz": {"add": 1.5, "sub": 4.0}}


@pytest.mark.parametrize("head", [{"simulated": True}, {"arms": ["other"]}])
def test_what_ran_in_another_world_tells_nothing(tmp_path: Path, head: dict[str, object]) -> None:
    _benchmark(tmp_path, 1, ("add", 9.0, Status.SOLVED), **head)
    assert past_durations(tmp_path, ["koderz"], simulated=False) == {}


def test_a_bounded_number_of_journals_is_read_and_nothing_in_them_is_in_the_way(tmp_path: Path) -> None:
    """Torn, mad or of no benchmark: the order is as good as the rest knows."""
    _benchmark(tmp_path, 1, ("old", 9.0, Status.SOLVED))
    for number in range(2, BENCHMARKS + 2):
        _benchmark(tmp_path, number, ("add", float(number), Status.SOLVED))
    journal = _benchmark(tmp_path, 50, ("sub", 3.0, Status.SOLVED))
    end = journal.read_bytes().splitlines()[-1]
    mad = (end.replace(b'"seconds":3.0', b'"seconds":' + value) for value in (b'"long"', b"-1", b"1e999", b"null"))
    journal.write_bytes(b"\n".join([*journal.read_bytes().splitlines(), *mad, b"[" * 9999, end[:200]]))
    (tmp_path / "bench_ffffffff").mkdir()
    (tmp_path / "bench_ffffffff" / "main.jsonl").write_text("no journal\n")
    found = past_durations(tmp_path, ["koderz"], simulated=False)
    assert found == {"koderz": {"sub": 3.0, "add": float(BENCHMARKS + 1)}}
