"""The files that a benchmark writes for whoever asked for them."""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from pathlib import Path
from secrets import token_hex
from tempfile import TemporaryFile

from pytest_koderz.files.usage_error import UsageError


def check_output(option: str, path: Path | None) -> None:
    """Refuse a file for the results that cannot be written, before they are paid for. Raises UsageError."""
    if path is None:
        return
    try:
        _refuse_anothers_link(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=path.parent):
            if path.exists():
                path.open("a").close()
    except OSError as fault:
        raise UsageError(f"{option}: {path}: {fault.strerror}") from None


def write_output(path: Path, text: str) -> None:
    """Write all of *text* or nothing, and the folder that it lies in. Raises OSError."""
    _refuse_anothers_link(path)
    path = path.resolve()
    if path.exists() and not path.is_file():  # a terminal or a pipe
        path.write_text(text)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, text)


def _refuse_anothers_link(path: Path) -> None:
    """Raises OSError: in a folder that others can write, it may lead to any file of the user's."""
    if path.is_symlink() and path.lstat().st_uid not in (0, os.geteuid()):
        raise OSError(errno.ELOOP, "is a link of another user", str(path))


def write_asked(option: str, path: Path, text: str) -> None:
    """What *option* asks for of something that is recorded already. Raises UsageError."""
    check_output(option, path)
    try:
        write_output(path, text)
    except OSError as fault:
        raise UsageError(f"{option}: {path}: {fault.strerror}") from None


def write_whole(path: Path, text: str, mode: int = 0o666) -> None:
    """Write all of *text* or nothing: until then an earlier file stays as it was. Raises OSError.

    *mode*: of the file, as far as the umask leaves it.

    Whoever writes the same at the same time, in whatever process or thread, the last one's is there whole.
    """
    beside = path.with_name(f".{path.name}.{token_hex(4)}.part")
    try:
        beside.touch(mode, exist_ok=False)
        beside.write_text(text)
        beside.replace(path)
    except OSError:
        with suppress(OSError):
            beside.unlink()
        raise
