"""What lies beneath the environment."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pytest_koderz.commands.init import begin
from pytest_koderz.files.usage_error import UsageError
from pytest_koderz.settings.precedence import MOST_OF_DOTENV, environment_of

BAD: dict[str, tuple[Callable[[Path], object], str]] = {
    "pipe": (os.mkfifo, "cannot be read: Is a pipe"),
    "folder": (Path.mkdir, "cannot be read: Is a directory"),
    "device": (lambda place: place.symlink_to("/dev/zero"), "cannot be read: Is a device"),
    "link": (lambda place: place.symlink_to("nowhere"), "a link to what is not there"),
    "long": (lambda place: place.write_bytes(b"#" * (MOST_OF_DOTENV + 1)), "cannot be read: it is longer than 1 MB"),
    "bytes": (lambda place: place.write_bytes(b"A=1\nB=\xff\n"), "not UTF-8 text (byte 0xff)"),
}


@pytest.mark.parametrize(("made", "words"), BAD.values(), ids=list(BAD))
def test_an_env_file_that_cannot_be_read_is_told(tmp_path: Path, made: Callable[[Path], object], words: str) -> None:
    """In one line, whoever asks for it; a pipe and a device are not waited for."""
    made(tmp_path / ".env")
    with pytest.raises(UsageError) as caught:
        environment_of(tmp_path, {})
    place, line = str(tmp_path / ".env"), ":2" if "0xff" in words else ""
    assert str(caught.value) == f"{place}{line}: {words}"
    config: Any = SimpleNamespace(
        rootpath=tmp_path, invocation_params=SimpleNamespace(args=()), option=SimpleNamespace()
    )
    with pytest.raises(pytest.UsageError, match=r"\.env"):
        begin(config)


def test_a_virtual_environment_of_that_name_is_none(tmp_path: Path) -> None:
    """Many call theirs so, and mean nothing by it."""
    (tmp_path / ".env").mkdir()
    (tmp_path / ".env" / "pyvenv.cfg").touch()
    assert environment_of(tmp_path, {"A": "1"}) == {"A": "1"}


def test_an_env_file_is_read_as_shells_read_one(tmp_path: Path) -> None:
    """With any ends of lines, quotes and references, and as some editors begin one; what is empty is not there."""
    (tmp_path / ".env").write_bytes(b"\xef\xbb\xbfA=1\r\nexport B='two'\r\nC=${A}${B}\r\nD=\r\nE=5")
    assert environment_of(tmp_path, {"E": "6"}) == {"A": "1", "B": "two", "C": "1two", "E": "6"}
