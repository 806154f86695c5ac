"""A file of problems, downloaded once into the user's cache and known by its sha256 from then on."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from hashlib import file_digest, sha256
from pathlib import Path
from urllib.parse import urlsplit

from .jsonl import read_rows
from .locks import locked
from .usage_error import UsageError

Notify = Callable[[str], None]
"""Takes what is said to the user who waits."""

OFFLINE = ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE")
"""Environment variables that forbid downloads of datasets, by the convention of Hugging Face's tools."""

PATIENCE = 30.0
"""Seconds in which the server must answer, and go on."""
STEP = 10 << 20
"""Bytes from one word of progress to the next."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where a file comes from."""

    url: str
    sha256: str | None = None
    """Of the file as it is sent. None: not known beforehand; what comes first is remembered, and asked for later."""


def downloaded(source: Source, notify: Notify | None, cache: Path | None = None) -> Path:
    """The file of *source* in the user's cache, fetched unless it is there as it should be. Raises UsageError.

    Without *notify* nothing is fetched: nobody downloads behind the user's back.
    Any number of processes may ask at once; one that is killed half way leaves nothing that a later one would trust.
    """
    target = _target(source, cache)
    if _is_kept(source, target):
        return target
    if notify is None:
        raise UsageError(f"{source.url} was not downloaded yet, which a run of a suite that names it does")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with locked(target.parent / "download.lock"):
            if not _is_kept(source, target):
                _fetch(source, target, notify)
    except OSError as fault:
        raise UsageError(f"{target.parent}: no dataset can be kept there ({fault.strerror or fault})") from None
    return target


def sha256_of(path: Path) -> str:
    """Of the file's bytes as they are, in hex."""
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def _is_kept(source: Source, target: Path) -> bool:
    try:
        wanted = source.sha256 or _remembered(target)
        return wanted is not None and sha256_of(target) == wanted
    except OSError:
        return False


def _target(source: Source, cache: Path | None) -> Path:
    """Files of one name from two places are two files."""
    name = Path(urlsplit(source.url).path).name or "problems"
    return (cache or _user_cache()) / f"{sha256(source.url.encode()).hexdigest()[:8]}-{name}"


def _user_cache() -> Path:
    import platformdirs

    return platformdirs.user_cache_path("pytest-koderz") / "datasets"


def _record(target: Path) -> Path:
    return target.with_name(f"{target.name}.sha256")


def _remembered(target: Path) -> str | None:
    with suppress(FileNotFoundError):
        return _record(target).read_text(encoding="utf-8").split(" ")[0]
    return None


def _fetch(source: Source, target: Path, notify: Notify) -> None:
    part = target.with_name(f"{target.name}.part")
    try:
        notify(f"downloading {source.url} into {target.parent}")
        found = _received(source.url, part, notify)
        _check(source, target, part, found)
        _record(target).write_text(f"{found}  {target.name}\n", encoding="utf-8")
        size = part.stat().st_size
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    seen = "as it should be" if source.sha256 else f"remembered in {_record(target)}; `sha256:` in the suite states it"
    notify(f"got {size:,} bytes, sha256 {found}: {seen}")


def _check(source: Source, target: Path, part: Path, found: str) -> None:
    """Refuse what is not what was published, stated or seen before; of the first that is seen, what holds no rows."""
    known = _remembered(target)
    if source.sha256 is not None and found != source.sha256:
        raise UsageError(f"{source.url} has the sha256 {found}, not {source.sha256}; nothing was kept")
    if source.sha256 is None and known is not None and found != known:
        raise UsageError(
            f"{source.url} has the sha256 {found}, not {known} as before; nothing was kept; "
            f"if the change is right, remove {_record(target)}"
        )
    if source.sha256 is None and known is None:
        try:
            rows = sum(1 for _ in read_rows(part))
        except UsageError as error:
            words = str(error).removeprefix(f"{part}:").strip()
            raise UsageError(f"{source.url} is not a file of problems ({words}); nothing was kept") from None
        if not rows:
            raise UsageError(f"{source.url} is not a file of problems (it is empty); nothing was kept")


def _received(url: str, part: Path, notify: Notify) -> str:
    """The sha256 of what was received into *part*."""
    import requests
    import urllib3

    if forbidding := [name for name in OFFLINE if os.environ.get(name, "0").lower() not in {"", "0", "false", "no"}]:
        raise UsageError(f"{url} is not downloaded, since {forbidding[0]} is set")
    digest = sha256()
    try:
        headers = {"Accept-Encoding": "identity"}
        with requests.get(url, stream=True, timeout=PATIENCE, headers=headers) as response, part.open("wb") as sink:
            response.raise_for_status()
            # As they are sent: some servers call a packed file packed on the way, and requests would unpack it.
            for chunk in response.raw.stream(1 << 16, decode_content=False):
                if sink.tell() // STEP < (sink.tell() + len(chunk)) // STEP:
                    notify(f"{(sink.tell() + len(chunk)) >> 20} MB so far")
                sink.write(chunk)
                digest.update(chunk)
            sink.flush()
            os.fsync(sink.fileno())
    # ValueError: what they make of a chunk of less than nothing, and of an address that is none.
    except (requests.RequestException, urllib3.exceptions.HTTPError, ValueError) as fault:
        raise UsageError(f"{url} cannot be downloaded ({_described(fault)})") from None
    return digest.hexdigest()


def _described(fault: Exception) -> str:
    """In a few words; what the libraries say is long, and names their own objects."""
    import requests
    import urllib3

    if isinstance(fault, requests.HTTPError) and fault.response is not None:
        return f"{fault.response.status_code} {fault.response.reason}"
    if isinstance(fault, requests.Timeout | urllib3.exceptions.TimeoutError):
        return f"no answer within {PATIENCE:g} s"
    if isinstance(fault, urllib3.exceptions.ProtocolError):
        return "the connection ended half way"
    if isinstance(fault, requests.ConnectionError):
        return "no connection"
    return f"{type(fault).__name__}: {' '.join(str(fault).split())}"
