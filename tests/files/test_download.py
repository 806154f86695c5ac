"""Downloads of datasets, from a server on loopback."""

from __future__ import annotations

import errno
import gzip
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread

import pytest

from pytest_koderz.datasets import load, read_suite
from pytest_koderz.datasets.catalogue import DATASETS
from pytest_koderz.datasets.dataset import ToolCache
from pytest_koderz.files import download
from pytest_koderz.files.download import Source, downloaded
from pytest_koderz.files.usage_error import UsageError
from tests.conftest import Run

ROW = {"task_id": "my/0", "prompt": "def f():\n", "entry_point": "f", "test": "assert f() == 1"}
ROWS = (json.dumps(ROW) + "\n").encode()
PACKED = gzip.compress(ROWS, mtime=0)
OTHER = ROWS.replace(b"my/0", b"my/1")


class Shop:
    """What a server offers, and what was asked of it."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {"/rows.jsonl": ROWS, "/rows.jsonl.gz": PACKED}
        self.headers: dict[str, str] = {}
        self.status, self.reason = 200, "OK"
        self.share = 1.0
        """Of a file that is sent before the connection is closed."""
        self.asked: list[str] = []
        self.url = ""


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    for name in (*download.OFFLINE, "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    offer = Shop()
    with _serving(offer) as port:
        offer.url = f"http://127.0.0.1:{port}"
        yield offer


@contextmanager
def _serving(offer: Shop) -> Iterator[int]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            offer.asked.append(self.path)
            content = offer.files.get(self.path)
            if content is None:
                self.send_error(404)
                return
            self.send_response(offer.status, offer.reason)
            self.send_header("Content-Length", str(len(content)))
            for name, value in offer.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content[: int(len(content) * offer.share)])

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
            """Nothing is printed."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = False
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def files_in(folder: Path) -> set[str]:
    """What lies there, without the lock and without the digest in front that keeps places apart."""
    return {path.name.partition("-")[2] for path in folder.iterdir() if path.name != "download.lock"}


def hexed(content: bytes) -> str:
    return sha256(content).hexdigest()


@pytest.mark.parametrize(("file", "content"), [("rows.jsonl", ROWS), ("rows.jsonl.gz", PACKED)])
def test_a_file_is_downloaded_once_and_checked(shop: Shop, tmp_path: Path, file: str, content: bytes) -> None:
    """Packed or not it is kept as it was sent; the second time nothing is asked for and nothing said."""
    lines: list[str] = []
    source = Source(f"{shop.url}/{file}", hexed(content))
    places = {downloaded(source, lines.append, tmp_path / "cache") for _ in range(2)}
    assert [place.read_bytes() for place in places] == [content]
    assert shop.asked == [f"/{file}"]
    assert lines == [
        f"downloading {source.url} into {tmp_path / 'cache'}",
        f"got {len(content)} bytes, sha256 {source.sha256}: as it should be",
    ]
    assert files_in(tmp_path / "cache") == {file, f"{file}.sha256"}


def test_a_packed_file_stays_packed_whatever_the_server_calls_it(shop: Shop, tmp_path: Path) -> None:
    """Some servers declare a .gz file to be packed for the way alone; its sha256 is that of the file all the same."""
    shop.headers = {"Content-Encoding": "gzip"}
    source = Source(f"{shop.url}/rows.jsonl.gz", hexed(PACKED))
    assert downloaded(source, lambda _: None, tmp_path).read_bytes() == PACKED


def test_the_first_content_is_trusted_and_told_a_later_one_refused(shop: Shop, tmp_path: Path) -> None:
    """Without a sha256 what was got is said and written down beside the file; other content needs the user's hand."""
    lines: list[str] = []
    source = Source(f"{shop.url}/rows.jsonl")
    place = downloaded(source, lines.append, tmp_path)
    record = place.with_name(f"{place.name}.sha256")
    assert record.read_text() == f"{hexed(ROWS)}  {place.name}\n"
    assert lines[1].startswith(f"got {len(ROWS)} bytes, sha256 {hexed(ROWS)}: remembered in {record}; `sha256:`")
    place.unlink()
    shop.files["/rows.jsonl"] = OTHER
    with pytest.raises(UsageError) as caught:
        downloaded(source, lines.append, tmp_path)
    assert str(caught.value) == (
        f"{source.url} has the sha256 {hexed(OTHER)}, not {hexed(ROWS)} as before; nothing was kept; "
        f"if the change is right, remove {record}"
    )
    assert files_in(tmp_path) == {"rows.jsonl.sha256"}
    record.unlink()
    assert downloaded(source, lines.append, tmp_path).read_bytes() == OTHER


def test_a_file_that_was_changed_afterwards_is_downloaded_anew(shop: Shop, tmp_path: Path) -> None:
    """The file is checked each time it is asked for."""
    source = Source(f"{shop.url}/rows.jsonl")
    place = downloaded(source, lambda _: None, tmp_path)
    place.write_bytes(OTHER)
    with pytest.raises(UsageError, match="was not downloaded yet, which a run of a suite that names it does"):
        downloaded(source, None, tmp_path)
    assert downloaded(source, lambda _: None, tmp_path).read_bytes() == ROWS


def test_files_of_one_name_from_two_places_are_two_files(shop: Shop, tmp_path: Path) -> None:
    """Neither takes the other's place."""
    shop.files["/b/rows.jsonl"] = OTHER
    first, second = (downloaded(Source(f"{shop.url}{at}/rows.jsonl"), lambda _: None, tmp_path) for at in ("", "/b"))
    assert (first.read_bytes(), second.read_bytes()) == (ROWS, OTHER)


def test_another_content_than_stated_is_refused(shop: Shop, tmp_path: Path) -> None:
    """Both sums are told, and nothing of it stays."""
    with pytest.raises(UsageError) as caught:
        downloaded(Source(f"{shop.url}/rows.jsonl", "0" * 64), lambda _: None, tmp_path)
    assert str(caught.value) == (
        f"{shop.url}/rows.jsonl has the sha256 {hexed(ROWS)}, not {'0' * 64}; nothing was kept"
    )
    assert files_in(tmp_path) == set()


@pytest.mark.parametrize("known", [True, False])
def test_a_connection_that_ends_half_way_leaves_nothing(shop: Shop, tmp_path: Path, known: bool) -> None:
    """Whether its sha256 is known or not, half a file is none."""
    shop.share = 0.5
    source = Source(f"{shop.url}/rows.jsonl", hexed(ROWS) if known else None)
    with pytest.raises(UsageError, match=r"rows.jsonl cannot be downloaded \(the connection ended half way\)$"):
        downloaded(source, lambda _: None, tmp_path)
    assert files_in(tmp_path) == set()


FIRST = {
    b"<html>Sign in to this network</html>": "1: not valid JSON: Expecting value (column 1)",
    PACKED[:-5]: "cannot be read: Compressed file ended before the end-of-stream marker was reached",
    b"": "it is empty",
    ROWS + b'{"task_id": ': "2: not valid JSON: Expecting value (column 13)",
}


@pytest.mark.parametrize(("content", "words"), FIRST.items(), ids=["page", "gzip", "empty", "cut"])
def test_what_holds_no_problems_is_not_trusted_at_first_sight(
    shop: Shop, tmp_path: Path, content: bytes, words: str
) -> None:
    """A page of a hotel's network is not remembered as the dataset."""
    shop.files["/rows.jsonl"] = content
    with pytest.raises(UsageError) as caught:
        downloaded(Source(f"{shop.url}/rows.jsonl"), lambda _: None, tmp_path)
    assert str(caught.value) == f"{shop.url}/rows.jsonl is not a file of problems ({words}); nothing was kept"
    assert files_in(tmp_path) == set()


def test_what_the_server_answers_is_told(shop: Shop, tmp_path: Path) -> None:
    """A file that is not there, a server that is not there, and a user who wants no downloads, in one line each."""
    for url, words in (
        (f"{shop.url}/none.jsonl", "none.jsonl cannot be downloaded (404 Not Found)"),
        ("http://127.0.0.1:9/rows.jsonl", "rows.jsonl cannot be downloaded (no connection)"),
    ):
        with pytest.raises(UsageError) as caught:
            downloaded(Source(url), lambda _: None, tmp_path)
        assert str(caught.value).endswith(words)
    assert files_in(tmp_path) == set()


def test_what_the_library_stumbles_over_is_told(shop: Shop, tmp_path: Path) -> None:
    """A chunk of less than nothing, for which it raises a ValueError."""
    shop.headers["Transfer-Encoding"] = "chunked"
    shop.files["/rows.jsonl"] = b"-5\r\nhello\r\n"
    with pytest.raises(UsageError, match=f"{shop.url}/rows.jsonl cannot be downloaded"):
        download.downloaded(download.Source(f"{shop.url}/rows.jsonl"), print, tmp_path)
    assert files_in(tmp_path) == set()


HEAD = b"HTTP/1.1 200 OK\r\n"
ENDLESS = {
    "body": (HEAD + b"\r\n", b"a"),
    "promised": (HEAD + b"Content-Length: 99999999\r\n\r\n", b"a"),
    "chunks": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\na\r\n"),
    "head": (HEAD, b"X"),
    "no head yet": (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "nothing": (b"", b""),
}


@contextmanager
def _dripping(head: bytes, drop: bytes) -> Iterator[str]:
    """The address of a server that sends *head*, and then *drop* again and again, until it is left."""
    left = Event()

    def serve() -> None:
        with suppress(OSError), listening.accept()[0] as there:
            there.sendall(head)
            while not left.wait(0.01):
                there.sendall(drop)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/rows.jsonl"
        left.set()
        thread.join()


@pytest.mark.parametrize(("head", "drop"), ENDLESS.values(), ids=ENDLESS)
def test_a_download_has_one_deadline(
    tmp_path: Path, shop: Shop, monkeypatch: pytest.MonkeyPatch, head: bytes, drop: bytes
) -> None:
    """However much comes, and however slowly: what was cut off is not taken for the whole."""
    monkeypatch.setattr(download, "SECONDS", 0.3)
    with _dripping(head, drop) as url, pytest.raises(UsageError) as caught:
        downloaded(Source(url), lambda _: None, tmp_path)
    assert str(caught.value) == f"{url} cannot be downloaded (it was not whole within 0.3 s)"
    assert files_in(tmp_path) == set()


def test_the_body_of_a_redirect_is_not_read(tmp_path: Path, shop: Shop) -> None:
    """It may have no end."""
    head = b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 99999999\r\n\r\n"
    with _dripping(head, b"a") as url, pytest.raises(UsageError, match=r"cannot be downloaded \(no connection\)$"):
        downloaded(Source(url), lambda _: None, tmp_path)


LONG = b" " * (3 << 20)
LARGE = {
    "long": (LONG, "it is longer than 2 MB"),
    "bomb": (gzip.compress(LONG), "it is longer than 2 MB"),
    "bomb behind others": (PACKED * 9 + b"\0" * 8 + gzip.compress(LONG), "it is longer than 2 MB"),
    "pieces": (gzip.compress(b"") * 200 + PACKED, "it is packed in more than 100 pieces"),
}


@pytest.mark.parametrize(("content", "words"), LARGE.values(), ids=LARGE)
@pytest.mark.parametrize("known", [True, False])
def test_a_download_has_one_limit_of_size(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, words: str, known: bool
) -> None:
    """Counted as it comes, and unpacked: a few packed bytes may stand for any number."""
    monkeypatch.setattr(download, "MOST_BYTES", 2 << 20)
    monkeypatch.setattr(download, "MOST_MEMBERS", 100)
    shop.files["/rows.jsonl"] = content
    source = Source(f"{shop.url}/rows.jsonl", hexed(content) if known else None)
    with pytest.raises(UsageError) as caught:
        downloaded(source, lambda _: None, tmp_path)
    assert str(caught.value) == f"{source.url} cannot be downloaded ({words})"
    assert files_in(tmp_path) == set()


def test_packed_in_pieces_is_as_good(shop: Shop, tmp_path: Path) -> None:
    """And so are bytes that come one by one, which do not tell at first what they are."""
    shop.files["/rows.jsonl"] = b"".join(b"1\r\n%c\r\n" % byte for byte in PACKED * 3) + b"0\r\n\r\n"
    shop.headers["Transfer-Encoding"] = "chunked"
    source = Source(f"{shop.url}/rows.jsonl", hexed(PACKED * 3))
    assert gzip.decompress(downloaded(source, lambda _: None, tmp_path).read_bytes()) == ROWS * 3


NOWHERE = {
    "http://127.0.0.1:9/x": "no connection",
    "gopher://127.0.0.1/x": "InvalidSchema: ",
    "file:///etc/passwd": "InvalidSchema: ",
    "http://[::1/x": "ValueError: ",
    "/rows.jsonl": "it redirects again and again",
}


@pytest.mark.parametrize(("where", "words"), NOWHERE.items(), ids=NOWHERE)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_to_nowhere_is_told(shop: Shop, tmp_path: Path, where: str, words: str, status: int) -> None:
    """In one line."""
    shop.status, shop.headers["Location"] = status, where
    with pytest.raises(UsageError) as caught:
        downloaded(Source(f"{shop.url}/rows.jsonl"), lambda _: None, tmp_path)
    assert str(caught.value).startswith(f"{shop.url}/rows.jsonl cannot be downloaded ({words}")
    assert len(str(caught.value).splitlines()) == 1
    assert files_in(tmp_path) == set()


def test_a_redirect_to_another_server_is_followed(shop: Shop, tmp_path: Path) -> None:
    """As publishers' own do, which keep their files elsewhere."""
    with _serving(other := Shop()) as port:
        shop.status, shop.headers["Location"] = 302, f"http://localhost:{port}/rows.jsonl"
        assert downloaded(Source(f"{shop.url}/rows.jsonl"), lambda _: None, tmp_path).read_bytes() == ROWS
    assert other.asked == ["/rows.jsonl"]


def test_a_servers_long_words_are_cut(shop: Shop, tmp_path: Path) -> None:
    """And none of them acts on a terminal."""
    shop.status, shop.reason = 500, "\x1b]0;title\x07" + "very " * 1000
    with pytest.raises(UsageError, match=r"500 \\x1b\]0;title\\x07very very") as caught:
        downloaded(Source(f"{shop.url}/rows.jsonl"), lambda _: None, tmp_path)
    assert len(str(caught.value)) < 500


def test_a_full_disk_leaves_nothing(shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even half a checksum, with which nothing would ever agree."""

    def full(_: Path, text: str, **named: str) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(UsageError, match=r"no dataset can be kept there \(No space left on device\)"):
        downloaded(Source(f"{shop.url}/rows.jsonl"), lambda _: None, tmp_path)
    assert files_in(tmp_path) == set()


@pytest.mark.parametrize("name", download.OFFLINE)
def test_offline_nothing_is_asked(shop: Shop, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The variables that keep other tools from downloading keep this one from it; what is here is used."""
    source = Source(f"{shop.url}/rows.jsonl")
    monkeypatch.setenv(name, "1")
    with pytest.raises(UsageError, match=f"is not downloaded, since {name} is set"):
        downloaded(source, lambda _: None, tmp_path)
    assert shop.asked == []
    monkeypatch.setenv(name, "0")
    place = downloaded(source, lambda _: None, tmp_path)
    monkeypatch.setenv(name, "1")
    assert downloaded(source, lambda _: None, tmp_path) == place


def test_long_downloads_tell_how_far_they_are(shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line for each step."""
    monkeypatch.setattr(download, "STEP", 1 << 20)
    lines: list[str] = []
    shop.files["/rows.jsonl"] = ROWS + b" " * (5 << 19)
    downloaded(Source(f"{shop.url}/rows.jsonl"), lines.append, tmp_path)
    assert lines[1:-1] == ["1 MB so far", "2 MB so far"]


def test_many_at_once_download_once(shop: Shop, tmp_path: Path) -> None:
    """Whoever comes later waits for the lock and finds the file."""
    source = Source(f"{shop.url}/rows.jsonl")
    with ThreadPoolExecutor(8) as threads:
        jobs = [threads.submit(downloaded, source, lambda _: None, tmp_path) for _ in range(8)]
        assert len({job.result() for job in jobs}) == 1
    assert len(shop.asked) == 1


KILLED = """
import os, signal, sys
from pathlib import Path
from pytest_koderz.files import download

def received(url, part, notify):
    part.write_bytes(b"half a file")
    os.kill(os.getpid(), signal.SIGKILL)

download._received = received
download.downloaded(download.Source(sys.argv[1]), print, Path(sys.argv[2]))
"""


def test_a_process_killed_half_way_leaves_nothing_that_is_trusted(shop: Shop, tmp_path: Path) -> None:
    """The next one gets the lock, and what was begun is gone afterwards."""
    url = f"{shop.url}/rows.jsonl"
    killed = subprocess.run([sys.executable, "-c", KILLED, url, str(tmp_path)], check=False, stdout=subprocess.DEVNULL)
    assert killed.returncode == -signal.SIGKILL
    assert files_in(tmp_path) == {"rows.jsonl.part"}
    assert downloaded(Source(url), lambda _: None, tmp_path).read_bytes() == ROWS
    assert files_in(tmp_path) == {"rows.jsonl", "rows.jsonl.sha256"}


def test_a_folder_that_cannot_be_written_is_named(shop: Shop, tmp_path: Path) -> None:
    """One line with the folder and the reason."""
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match=r"file/cache: no dataset can be kept there \(Not a directory\)"):
        downloaded(Source(f"{shop.url}/rows.jsonl"), lambda _: None, tmp_path / "file" / "cache")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which all tools keep their caches, empty."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    monkeypatch.setattr("platformdirs.user_cache_dir", lambda tool: str(tmp_path / "caches" / tool))
    monkeypatch.setattr("platformdirs.user_cache_path", lambda tool: tmp_path / "caches" / tool)
    for name in ("HUMANEVAL_OVERRIDE_PATH", "MBPP_OVERRIDE_PATH", "BIGCODEBENCH_OVERRIDE_PATH"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "caches"


def cache_of(name: str) -> ToolCache:
    found = DATASETS[name].home
    assert isinstance(found, ToolCache)
    return found


def test_a_suite_names_where_its_file_comes_from(shop: Shop, tmp_path: Path, home: Path) -> None:
    """`url` and `sha256` of a suite; without someone who is told nothing is downloaded."""
    place = tmp_path / "suite.yaml"
    place.write_text(f"dataset: jsonl\nurl: {shop.url}/rows.jsonl.gz\nsha256: {hexed(PACKED).upper()}\n")
    with pytest.raises(UsageError, match=r"suite.yaml:1: dataset: http://.* was not downloaded yet, which a run"):
        read_suite(place)
    assert shop.asked == []
    (problem,) = read_suite(place, lambda _: None)
    assert problem.id == "my/0"
    place.write_text(f"dataset: jsonl\nurl: {shop.url}/rows.jsonl\nsha256: {'0' * 64}\n")
    with pytest.raises(UsageError, match=rf"suite.yaml:1: dataset: http://.* has the sha256 {hexed(ROWS)}, not 000"):
        read_suite(place, lambda _: None)


def test_a_file_of_this_machine_is_held_to_its_sha256(tmp_path: Path) -> None:
    """`sha256` counts for `path` too."""
    (tmp_path / "rows.jsonl").write_bytes(ROWS)
    place = tmp_path / "suite.yaml"
    place.write_text(f"dataset: rows.jsonl\nsha256: {hexed(ROWS)}\n")
    assert len(read_suite(place)) == 1
    place.write_text(f"dataset: jsonl\npath: rows.jsonl\nsha256: {hexed(OTHER)}\n")
    with pytest.raises(UsageError, match=rf"suite.yaml:1: dataset: .*rows.jsonl: has the sha256 {hexed(ROWS)}, not "):
        read_suite(place)


def test_a_published_dataset_is_downloaded_where_it_is_not_at_hand(
    shop: Shop, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It goes into our own folder of the user's cache; the publisher's tool's is left alone."""
    from dataclasses import replace

    row = {"task_id": 7, "prompt": "Do.", "code": "def f():\n  return 1", "test_list": ["assert f() == 1"]}
    shop.files["/mbpp.json"] = json.dumps([row]).encode()
    source = Source(f"{shop.url}/mbpp.json", hexed(shop.files["/mbpp.json"]))
    home_of_mbpp = replace(cache_of("mbpp"), source=source)
    monkeypatch.setitem(DATASETS, "mbpp", replace(DATASETS["mbpp"], home=home_of_mbpp))
    with pytest.raises(UsageError, match=r"was not downloaded yet, which a run of a suite that names it does"):
        load("mbpp")
    (problem,) = load("mbpp", notify=lambda _: None)
    assert problem.id == "Mbpp/7"
    assert load("mbpp") == (problem,)
    assert len(shop.asked) == 1
    assert [folder.name for folder in home.iterdir()] == ["pytest-koderz"]


def test_where_the_files_are_looked_for(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment's path comes first, then the newest file in the tool's cache."""
    for tool, stem, name, variable in (
        ("evalplus", "HumanEvalPlus", "humanevalplus", "HUMANEVAL_OVERRIDE_PATH"),
        ("evalplus", "MbppPlus", "mbppplus", "MBPP_OVERRIDE_PATH"),
        ("bigcodebench", "BigCodeBench-Hard", "bigcodebench-hard", "BIGCODEBENCH_OVERRIDE_PATH"),
    ):
        (home / tool).mkdir(parents=True, exist_ok=True)
        for version in ("v0.1.9", "v0.1.10"):
            (home / tool / f"{stem}-{version}.jsonl").touch()
        (home / tool / f"{stem}-Mini-v0.1.11.jsonl").touch()
        place_of = cache_of(name)
        assert place_of(name, None) == home / tool / f"{stem}-v0.1.10.jsonl"
        monkeypatch.setenv(variable, str(tmp_path / "mine.jsonl"))
        with pytest.raises(UsageError, match=rf"{variable} names .*mine.jsonl, and no such file is there"):
            place_of(name, None)
        (tmp_path / "mine.jsonl").touch()
        assert place_of(name, None) == tmp_path / "mine.jsonl"
        (tmp_path / "mine.jsonl").unlink()


def test_who_has_no_network_is_told_what_to_do(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line: the dataset, the places looked in, the address that was tried, and what would be right."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(UsageError) as caught:
        load("humanevalplus", notify=lambda _: None)
    assert str(caught.value) == (
        f"dataset: humanevalplus is not at {home}/evalplus/HumanEvalPlus-v*.jsonl* nor at the path in "
        "HUMANEVAL_OVERRIDE_PATH, and https://github.com/evalplus/humanevalplus_release/releases/download/v0.1.10/"
        "HumanEvalPlus.jsonl.gz is not downloaded, since HF_HUB_OFFLINE is set: "
        "put it at one of these places, or name it under `path:` in the suite"
    )
    with pytest.raises(UsageError, match=r"^dataset: mbpp is not at \S+/sanitized-mbpp.json, and https://"):
        load("mbpp", notify=lambda _: None)
    with pytest.raises(
        UsageError, match=r"nor at the path in BIGCODEBENCH_OVERRIDE_PATH: its publisher offers Parquet"
    ):
        load("bigcodebench-hard", notify=lambda _: None)


SHARED = Path(__file__).parents[2].parent / "shared" / "data"


@pytest.mark.parametrize(
    ("name", "file"), [("humanevalplus", "HumanEvalPlus.jsonl.gz"), ("mbppplus", "MbppPlus.jsonl.gz")]
)
def test_the_sums_are_those_of_the_released_files(name: str, file: str) -> None:
    """What would be downloaded is checked against the file as it was released."""
    place = SHARED / file
    if not place.is_file():
        pytest.skip(f"the released file is not at {place}")
    source = cache_of(name).source
    assert source is not None
    assert download.sha256_of(place) == source.sha256


def test_the_sum_of_mbpp_is_that_of_its_rows() -> None:
    """Its publisher writes the rows without line breaks."""
    place = SHARED / "sanitized-mbpp.json"
    if not place.is_file():
        pytest.skip(f"the rows are not at {place}")
    source = cache_of("mbpp").source
    assert source is not None
    assert hexed(json.dumps(json.loads(place.read_text())).encode()) == source.sha256


@pytest.mark.parametrize(
    "workers", [(), pytest.param(("-n", "2"), marks=pytest.mark.slow)], ids=["alone", "two workers"]
)
def test_a_run_downloads_what_its_suite_names(
    shop: Shop, home: Path, run: Run, pytester: pytest.Pytester, workers: tuple[str, ...]
) -> None:
    """Once, however many workers collect it, and the user is told."""
    (pytester.path / "problems").mkdir()
    suite = pytester.path / "problems" / "mine.yaml"
    suite.write_text(f"dataset: jsonl\nurl: {shop.url}/rows.jsonl\n")
    options = ("--koderz", "--koderz-profile=simulated", "--koderz-problems=*", "--koderz-arm=frontier-only")
    result = run(*options, *workers, "-v")
    assert shop.asked == ["/rows.jsonl"]
    result.stdout.fnmatch_lines(["*problems/mine.yaml::my/0?frontier-only?*"])
    assert result.ret in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
    if not workers:
        result.stdout.fnmatch_lines([f"*koderz: downloading {shop.url}/rows.jsonl into *", "koderz: got *, sha256 *"])


@pytest.mark.slow
def test_the_doctor_downloads_nothing(shop: Shop, home: Path, run: Run, pytester: pytest.Pytester) -> None:
    """It says that the file is missing, and how it comes here."""
    (pytester.path / "problems").mkdir()
    (pytester.path / "problems" / "mine.yaml").write_text(f"dataset: jsonl\nurl: {shop.url}/rows.jsonl\n")
    result = run("--koderz", "--koderz-profile=simulated", "--koderz-doctor")
    result.stdout.fnmatch_lines(
        ["missing problems: *", "*mine.yaml:1: dataset: * was not downloaded yet, which a run*"]
    )
    assert shop.asked == []


def test_a_run_without_network_says_what_to_do(
    home: Path, run: Run, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line, with the suite's file and line, and no traceback."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    (pytester.path / "problems").mkdir()
    (pytester.path / "problems" / "plus.yaml").write_text("# plus\ndataset: mbppplus\n")
    result = run("--koderz", "--koderz-profile=simulated", "--koderz-problems=*")
    told = [line for line in result.outlines if "mbppplus is not" in line]
    assert len(told) == 1
    assert "problems/plus.yaml:2: dataset: mbppplus is not at " in told[0]
    assert told[0].endswith("put it at one of these places, or name it under `path:` in the suite")
    assert "Traceback" not in result.stdout.str()
