"""YAML files and their lines."""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_koderz.files import yaml_lines
from pytest_koderz.files.usage_error import UsageError
from pytest_koderz.files.yaml_lines import read_yaml


def written(folder: Path, text: str | bytes) -> Path:
    place = folder / "koderz.yaml"
    place.write_bytes(text if isinstance(text, bytes) else text.encode())
    return place


def test_each_key_knows_its_line(tmp_path: Path) -> None:
    """Keys, list entries and what is not there have a line: their own, or that of what would hold them."""
    found = read_yaml(written(tmp_path, "arms:\n  one:\n    hosts:\n      - a\n      - b\n  two: {local: x}\n"))
    assert found.plain == {"arms": {"one": {"hosts": ["a", "b"]}, "two": {"local": "x"}}}
    assert found.line_of(()) == 1
    assert found.line_of(("arms", "one", "hosts", 1)) == 5
    assert found.line_of(("arms", "two", "local")) == 6
    assert found.line_of(("arms", "one", "hosts", 7)) == 3
    assert found.line_of(("arms", "three")) == 1
    assert found.at(("arms", "one", "hosts", 1)) == f"{found.path}:5: arms.one.hosts[1]"


def test_keys_are_texts_as_written(tmp_path: Path) -> None:
    """Keys that YAML would read as true, a number or nothing stay what was typed; values follow YAML."""
    found = read_yaml(written(tmp_path, "on: no\n42: 010\nnull: 1e3\n2026-01-02: 2026-01-02\n"))
    assert list(found.plain) == ["on", "42", "null", "2026-01-02"]
    assert found.plain["on"] is False
    assert found.plain["42"] == 8
    assert found.written(("42",)) == "010"
    assert found.written(("on",)) == "no"
    assert found.written(("off",)) is None
    assert found.line_of(("null",)) == 3


def test_merged_keys_have_the_line_where_they_stand(tmp_path: Path) -> None:
    """`<<` brings keys in; own ones win, and each keeps its line."""
    found = read_yaml(written(tmp_path, "base: &base\n  x: 1\n  y: 2\narm:\n  <<: *base\n  y: 3\n"))
    assert found.plain["arm"] == {"x": 1, "y": 3}
    assert found.line_of(("arm", "x")) == 2
    assert found.line_of(("arm", "y")) == 6


def test_an_empty_file_is_nothing(tmp_path: Path) -> None:
    """A file with nothing but remarks holds None."""
    assert read_yaml(written(tmp_path, "# nothing yet\n")).plain is None


FAULTS = {
    "a: 1\nb: [1, 2\nc: 3\n": ":3: not valid YAML: while parsing a flow sequence",
    "a: 1\n\tb: 2\n": ":2: not valid YAML: while scanning for the next token, found character '\\t'",
    "a: 1\nb: 2\na: 3\n": ":3: a: given twice, first in line 1",
    "a:\n  b: .nan\n": ":2: '.nan' is no number",
    "a: 2026-13-01\n": ":1: '2026-13-01' is no valid timestamp; quote it",
    "a: !!int x\n": ":1: 'x' is no valid int; quote it",
    "a: 1\nb: !!python/name:os.system\n": ":2: not valid YAML: could not determine a constructor",
    "a: &x [*x]\n": ":1: an alias that holds itself",
    "? [a, b]\n: 1\n": ":1: a key must be a name",
    "a: 1\n---\nb: 2\n": ":2: not valid YAML: expected a single document",
    "a: b\nc: \x07\n": ":2: not valid YAML: special characters are not allowed",
    "[" * 5000: ":1: nested too deeply",
}


@pytest.mark.parametrize(("text", "words"), FAULTS.items(), ids=range(len(FAULTS)))
def test_a_fault_is_told_in_one_line_with_its_place(tmp_path: Path, text: str, words: str) -> None:
    """What cannot be read is a usage error that starts with file and line."""
    place = written(tmp_path, text)
    with pytest.raises(UsageError) as caught:
        read_yaml(place)
    assert str(caught.value).startswith(f"{place}{words}")
    assert "\n" not in str(caught.value)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    """A missing file, a folder and a text that is not UTF-8 are usage errors too."""
    for place, words in (
        (tmp_path / "none.yaml", "no such file"),
        (tmp_path, "cannot be read: Is a directory"),
        (written(tmp_path, b"a: 1\nb: \xff\n"), "not UTF-8 text (byte 0xff)"),
    ):
        with pytest.raises(UsageError, match=r"^\S+: ") as caught:
            read_yaml(place)
        assert words in str(caught.value)


NO_FILES: dict[str, tuple[Callable[[Path], object], str]] = {
    "pipe": (os.mkfifo, "cannot be read: Is a pipe"),
    "device": (lambda place: place.symlink_to("/dev/zero"), "cannot be read: Is a device"),
    "folder": (os.mkdir, "cannot be read: Is a directory"),
    "link to nothing": (lambda place: place.symlink_to("nowhere"), "a link to what is not there"),
    "link to itself": (lambda place: place.symlink_to(place), "cannot be read: Too many levels of symbolic links"),
}


@pytest.mark.parametrize(("make", "words"), NO_FILES.values(), ids=NO_FILES)
def test_what_is_no_file_is_neither_waited_for_nor_read_without_end(
    tmp_path: Path, make: Callable[[Path], object], words: str
) -> None:
    """It is told in one line what it is."""
    make(tmp_path / "a.yaml")
    with pytest.raises(UsageError) as caught:
        read_yaml(tmp_path / "a.yaml")
    assert str(caught.value) == f"{tmp_path / 'a.yaml'}: {words}"


@pytest.mark.parametrize("packed", [False, True])
def test_a_file_that_is_too_long_is_refused(tmp_path: Path, packed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted as it is unpacked: a few packed bytes may stand for any number."""
    monkeypatch.setattr(yaml_lines, "MOST_BYTES", 1 << 20)
    content = b" " * (1 << 20)
    assert read_yaml(written(tmp_path, gzip.compress(content) if packed else content)).plain is None
    place = written(tmp_path, gzip.compress(content + b" ") if packed else content + b" ")
    with pytest.raises(UsageError, match=r"cannot be read: it is longer than 1 MB$"):
        read_yaml(place)


@settings(deadline=None)
@given(st.text(alphabet="ab:-[]{}&*!<>|#'\"%@\n\t ,?0.~é\x00", max_size=60))
def test_any_text_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    """No file content raises anything but a usage error in one line."""
    place = written(tmp_path_factory.mktemp("yaml"), text)
    try:
        read_yaml(place)
    except UsageError as error:
        told = str(error)
    else:
        told = ""
    assert "\n" not in told


@pytest.mark.parametrize("digits", ["00110000", "FFFFFFFF"])
def test_an_escape_of_no_character_is_refused_with_its_line(tmp_path: Path, digits: str) -> None:
    """The parser itself raises something else for it."""
    with pytest.raises(UsageError, match=r":2: not valid YAML: "):
        read_yaml(written(tmp_path, f'a: 1\nb: "\\U{digits}"\n'))
