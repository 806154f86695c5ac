"""Files that are their owner's alone."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from pytest_koderz.files.usage_error import UsageError
from pytest_koderz.records.folder_lock import FolderLock
from pytest_koderz.records.private_files import check_folder, make_private_database, open_private

WRITING = """
import sqlite3, sys
try:
    sqlite3.connect(sys.argv[1], timeout=0, isolation_level=None).execute("BEGIN IMMEDIATE")
except sqlite3.OperationalError as fault:
    print(fault, end="")
"""


def test_a_database_is_private_from_the_beginning(tmp_path: Path) -> None:
    """With the folder that is made for it; an earlier version's is closed, and keeps what it holds."""
    new, old = tmp_path / "new" / "a.db", tmp_path / "old.db"
    old.write_bytes(b"content")
    old.chmod(0o644)
    for path in (new, old):
        make_private_database(path)
        assert path.stat().st_mode & 0o777 == 0o600
    assert new.parent.stat().st_mode & 0o777 == 0o700
    assert (new.read_bytes(), old.read_bytes()) == (b"", b"content")


@pytest.mark.parametrize("target", ["there", "missing"])
def test_a_link_is_not_followed(tmp_path: Path, target: str) -> None:
    """Whether it leads anywhere or not."""
    (tmp_path / "there").write_text("precious")
    link = tmp_path / "link"
    link.symlink_to(tmp_path / target)
    with pytest.raises(OSError, match="symbolic links"):
        make_private_database(link)
    with pytest.raises(OSError, match="symbolic links"):
        open_private(link, os.O_RDWR | os.O_CREAT)
    assert [path.name for path in tmp_path.iterdir() if not path.is_symlink()] == ["there"]
    assert (tmp_path / "there").read_text() == "precious"


def test_what_another_user_has_laid_in_the_place_of_results_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A link, wherever it leads, or a folder for everybody, as in a folder like /tmp; one that a group shares is."""
    kinds = {"leading": tmp_path / "kept", "dangling": tmp_path / "nowhere"}
    for name, target in kinds.items():
        (tmp_path / name).symlink_to(target)
    for name, mode in (("kept", 0o770), ("open", 0o777)):
        (tmp_path / name).mkdir()
        (tmp_path / name).chmod(mode)
    if os.geteuid() == 0:
        for path in tmp_path.iterdir():
            os.lchown(path, 65534, 65534)
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    for name in kinds:
        with pytest.raises(UsageError, match=rf"nothing can be recorded there \({name} is a link of another user\)$"):
            FolderLock(tmp_path / name / "bench_1").take()
    with pytest.raises(UsageError, match=r"\(open is another user's, and everybody can write in it\)$"):
        FolderLock(tmp_path / "open" / "bench_1").take()
    check_folder(tmp_path / "kept")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    for path in tmp_path.iterdir():
        check_folder(path)
    assert not [path for path in tmp_path.rglob("*") if path.parent != tmp_path]


def test_a_database_at_work_keeps_its_locks(tmp_path: Path) -> None:
    """Another thread of this process may be writing: who closed the file would let other processes in beside it."""
    path = tmp_path / "a.db"
    make_private_database(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("CREATE TABLE told (x)")
        database.execute("BEGIN IMMEDIATE")
        make_private_database(path)
        done = subprocess.run([sys.executable, "-c", WRITING, path], capture_output=True, text=True, check=True)
    assert done.stdout == "database is locked"
