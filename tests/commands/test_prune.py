"""Old benchmarks are listed and removed."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from pytest_koderz.records.folder_lock import FolderLock
from tests.conftest import Run


@pytest.fixture
def three(pytester: pytest.Pytester) -> list[Path]:
    """Benchmarks of 0, 20 and 40 days."""
    folders = []
    for number in range(3):
        folder = pytester.path / ".koderz" / f"bench_0000000{number}"
        (folder / "specs").mkdir(parents=True)
        (folder / "specs" / "one.json").write_text("{}")
        (folder / "main.jsonl").write_text("{}\n")
        then = time.time() - number * 20 * 86_400 - 10
        os.utime(folder / "main.jsonl", (then, then))
        folders.append(folder)
    return folders


def _said(result: pytest.RunResult) -> list[str]:
    return [line for line in result.outlines if "bench" in line]


def test_without_a_number_they_are_listed(run: Run, three: list[Path]) -> None:
    """And all stay."""
    said = _said(run("--koderz-prune"))
    assert said[:3] == [f"{folder.name}  {20 * age} days old, 0 kB" for age, folder in enumerate(three)]
    assert said[3].startswith("3 benchmarks in ")
    assert all(folder.exists() for folder in three)


def test_the_old_ones_are_removed(run: Run, three: list[Path]) -> None:
    """The rest of the folder stays."""
    said = _said(run("--koderz-prune", "30"))
    assert said[2].endswith("40 days old, 0 kB: removed")
    assert [folder.exists() for folder in three] == [True, True, False]
    assert said[3].endswith("1 removed")


def test_what_is_in_use_or_owed_is_kept(run: Run, three: list[Path]) -> None:
    """A benchmark at work, and one whose memories cortex has not got yet."""
    (three[1] / "main.spool").write_text("")
    lock = FolderLock(three[2])
    lock.take()
    try:
        said = _said(run("--koderz-prune", "10"))
    finally:
        lock.release()
    assert "cortex is owed" in said[1]
    assert "another run is at work" in said[2]
    assert all(folder.exists() for folder in three)


def test_a_number_of_days_is_one(run: Run) -> None:
    """Such as 90."""
    result = run("--koderz-prune", "old")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --koderz-prune: 'old' is no number of days such as 90"])
