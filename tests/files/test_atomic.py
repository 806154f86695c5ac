"""Files that are whole or not there."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pytest_koderz.files.atomic import write_whole


def test_writers_of_one_file_do_not_meet(tmp_path: Path) -> None:
    """Many threads write one file at once: it holds what one of them wrote, and nothing lies beside it."""
    texts = [str(number) * 100_000 for number in range(8)]
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda text: write_whole(tmp_path / "file", text), texts * 5))
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_text() in texts
