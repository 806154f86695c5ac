"""A file of problems, downloaded once into the user's cache and known by its sha256 from then on."""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from hashlib import file_digest, sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from .atomic import write_whole
from .call_deadline import CallDeadline, session_over, watched
from .jsonl import read_rows
from .locks import locked
from .usage_error import UsageError
from .visible_text import quoted

if TYPE_CHECKING:
    import requests

Notify = Callable[[str], None]
"""Takes what is said to the user who waits."""

OFFLINE = ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE")
"""Environment variables that forbid downloads of datasets, by the convention of Hugging Face's tools."""

PATIENCE = 30.0
"""Seconds in which the server must answer, and go on."""
SECONDS = 300.0
"""For all of a download."""
MOST_BYTES = 256 << 20
"""Of a file, unpacked: thirty times what the largest published set of problems has."""
MOST_MEMBERS = 10_000
"""Of a gzipped file, each of which takes its time to unpack, however little is in it."""
MOST_REDIRECTS = 10
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
        write_whole(_record(target), f"{found}  {target.name}\n")
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
    with CallDeadline(SECONDS) as deadline:
        try:
            found = _streamed(url, part, notify, deadline)
        except _Unfit as fault:
            raise UsageError(f"{url} cannot be downloaded ({fault})") from None
        # ValueError: what they make of a chunk of less than nothing, and of an address that is none.
        except (requests.RequestException, urllib3.exceptions.HTTPError, ValueError) as fault:
            words = _late() if deadline.passed else _described(fault)
            raise UsageError(f"{url} cannot be downloaded ({words})") from None
    if deadline.passed:
        # Where no length was promised, a file that was cut off here looks like a whole one.
        raise UsageError(f"{url} cannot be downloaded ({_late()})")
    return found


def _streamed(url: str, part: Path, notify: Notify, deadline: CallDeadline) -> str:
    digest, size = sha256(), _Size()
    with session_over(partial(watched, deadline=deadline)) as session, _opened(session, url) as response:
        response.raise_for_status()
        with part.open("wb") as sink:
            # As they are sent: some servers call a packed file packed on the way, and requests would unpack it.
            for chunk in response.raw.stream(1 << 16, decode_content=False):
                size.add(chunk)
                if sink.tell() // STEP < (sink.tell() + len(chunk)) // STEP:
                    notify(f"{(sink.tell() + len(chunk)) >> 20} MB so far")
                sink.write(chunk)
                digest.update(chunk)
            sink.flush()
            os.fsync(sink.fileno())
    return digest.hexdigest()


def _opened(session: requests.Session, url: str) -> requests.Response:
    """The answer at the end of redirects, whose own bodies are not read."""
    for _ in range(MOST_REDIRECTS + 1):
        headers = {"Accept-Encoding": "identity"}
        response = session.get(url, stream=True, timeout=PATIENCE, headers=headers)
        if not response.is_redirect:
            return response
        response.close()
        url = urljoin(url, response.headers["location"].encode("latin-1").decode(errors="replace"))
    raise _Unfit("it redirects again and again")


class _Unfit(Exception):
    """What comes is no file of problems; its words say why."""


class _Size:
    """Of a file as it comes, unpacked where it is gzipped: a few packed bytes may stand for any number."""

    def __init__(self) -> None:
        self._head = b""
        self._sent = self._unpacked = self._members = 0
        self._unpack: Any = None
        """None: it is not known yet whether it is packed, or it is not."""

    def add(self, chunk: bytes) -> None:
        """Raises _Unfit."""
        self._sent += len(chunk)
        if len(self._head) < len(_GZIP):
            chunk = self._head = self._head + chunk
            self._unpack = zlib.decompressobj(_AS_GZIP) if chunk.startswith(_GZIP) else None
        while chunk and self._unpack is not None and self._unpacked <= MOST_BYTES:
            chunk = self._rest(chunk)
        if max(self._sent, self._unpacked) > MOST_BYTES:
            raise _Unfit(f"it is longer than {MOST_BYTES >> 20} MB")

    def _rest(self, chunk: bytes) -> bytes:
        """What is left of it when a step's bytes were unpacked, or one member of several, with noughts between them."""
        if self._unpack.eof and not (chunk := chunk.lstrip(b"\0")):
            return b""
        if self._unpack.eof:
            self._members += 1
            self._unpack = zlib.decompressobj(_AS_GZIP)
        if self._members >= MOST_MEMBERS:
            raise _Unfit(f"it is packed in more than {MOST_MEMBERS:,} pieces")
        try:
            self._unpacked += len(self._unpack.decompress(chunk, STEP))
        except zlib.error:  # no whole file, which its reader finds
            self._unpack = None
            return b""
        return bytes(self._unpack.unused_data or self._unpack.unconsumed_tail)


_GZIP, _AS_GZIP = b"\x1f\x8b", 16 + 15


def _late() -> str:
    return f"it was not whole within {SECONDS:g} s"


def _described(fault: Exception) -> str:
    """In a few words; what the libraries say is long, and names their own objects."""
    import requests
    import urllib3

    if isinstance(fault, requests.HTTPError) and fault.response is not None:
        return f"{fault.response.status_code} {quoted(fault.response.reason)}"
    if isinstance(fault, requests.Timeout | urllib3.exceptions.TimeoutError):
        return f"no answer within {PATIENCE:g} s"
    if isinstance(fault, urllib3.exceptions.ProtocolError):
        return "the connection ended half way"
    if isinstance(fault, requests.ConnectionError):
        return "no connection"
    return f"{type(fault).__name__}: {quoted(str(fault))}"
