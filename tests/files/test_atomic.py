"""Files that are whole or not there."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pytest_koderz.files.atomic import check_output, write_output, write_whole
from pytest_koderz.files.usage_error import UsageError


def test_writers_of_one_file_do_not_meet(tmp_path: Path) -> None:
    """Many threads write one file at once: it holds what one of them wrote, and nothing lies beside it."""
    texts = [str(number) * 100_000 for number in range(8)]
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda text: write_whole(tmp_path / "file", text), texts * 5))
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_text() in texts


def test_a_link_of_another_user_is_not_followed(tmp_path: Path) -> None:
    """It may lead to any file of this one's; one's own link, such as that to another disk, is."""
    kept, link = tmp_path / "kept", tmp_path / "page.html"
    kept.write_text("kept")
    link.symlink_to(kept)
    write_output(link, "page")
    assert (kept.read_text(), link.is_symlink()) == ("page", True)
    try:
        os.lchown(link, 65534, 65534)
    except PermissionError:
        pytest.skip("only root gives files away")
    with pytest.raises(UsageError, match=r"--koderz-html: .*page.html: is a link of another user$"):
        check_output("--koderz-html", link)
    with pytest.raises(OSError, match="is a link of another user"):
        write_output(link, "other")
    assert kept.read_text() == "page"
