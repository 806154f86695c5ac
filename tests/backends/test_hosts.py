"""How servers are named."""

from __future__ import annotations

import pytest
from ollama._client import _parse_host

from pytest_koderz.backends.http.hosts import (
    Service,
    base_url,
    is_loopback,
    is_own,
    listed,
    redirected,
    shown,
    turned,
)
from pytest_koderz.files.usage_error import UsageError


@pytest.mark.parametrize(
    "host",
    [
        "1.2.3.4",
        ":56789",
        "1.2.3.4:56789",
        "http://1.2.3.4",
        "https://1.2.3.4",
        "example.com/path",
        "https://example.com:56789/path/",
        "[0001:002:003:0004::1]",
        "http://[::1]:56789",
    ],
)
def test_a_host_is_read_as_by_ollamas_own_client(host: str) -> None:
    """Scheme, port and path are optional, and the defaults are Ollama's."""
    assert base_url(host, 11434) == _parse_host(host)


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("0.0.0.0", "http://127.0.0.1:11434"),  # noqa: S104 - nothing is bound to it
        ("0.0.0.0:8000", "http://127.0.0.1:8000"),
        ("https://0.0.0.0", "https://127.0.0.1:443"),
        ("::1", "http://[::1]:11434"),
        ("::", "http://[::1]:11434"),
        ("[::]:8000", "http://[::1]:8000"),
        ("http://::1", "http://[::1]:80"),
        ('"127.0.0.1:8000"', "http://127.0.0.1:8000"),
        ("'http://box'", "http://box:80"),
        (' "box" ', "http://box:11434"),
    ],
)
def test_what_a_server_listens_on_is_asked_at_this_machine(host: str, url: str) -> None:
    """And quotation marks around it, an IPv6 address without brackets, are understood as Ollama does."""
    assert base_url(host, 11434) == url


def test_quotation_marks_around_several_hosts_and_a_key_do_not_count() -> None:
    """As a reader of `.env` files may leave them."""
    assert listed("\"a:1, 'b:2'\"") == ("a:1", "b:2")
    assert Service("H", "K", "x", 1).key({"K": ' "secret" '}) == "secret"


@pytest.mark.parametrize(
    ("url", "own"),
    [
        ("http://127.0.0.1:1", True),
        ("http://[::1]:1", True),
        ("http://192.168.1.7:8000", True),
        ("http://10.1.2.3", True),
        ("http://gpu-box:8000", True),
        ("http://gpu.local", True),
        ("https://api.example.com", False),
        ("http://8.8.8.8", False),
    ],
)
def test_an_address_of_ones_own_is_known(url: str, *, own: bool) -> None:
    """Without asking anyone."""
    assert is_own(url) is own


@pytest.mark.parametrize("host", ["ftp://box", "box:port", "box:99999", "http://[::1", "box one"])
def test_what_is_no_host_is_a_usage_error(host: str) -> None:
    """The error repeats what was written."""
    with pytest.raises(UsageError, match=r"box|::1"):
        base_url(host, 11434)


def test_hosts_are_separated_by_commas() -> None:
    """Spaces and empty places do not count."""
    assert listed(" a:1, b:2 ,,") == ("a:1", "b:2")


def test_workers_take_turns() -> None:
    """Each begins with its own host, and has all; more workers than hosts begin again with the first."""
    assert [turned(("a", "b"), worker) for worker in range(3)] == [("a", "b"), ("b", "a"), ("a", "b")]


def test_a_password_in_a_url_is_used_but_not_shown() -> None:
    """It stays in the base URL and is left out of what is told."""
    url = base_url("https://me:hidden@box/ollama", 11434)
    assert url == "https://me:hidden@box:443/ollama"
    assert shown(url) == "https://box:443/ollama"


@pytest.mark.parametrize(
    ("url", "local"),
    [
        ("http://127.0.0.1:1", True),
        ("http://localhost", True),
        ("http://[::1]:1", True),
        ("http://10.0.0.1", False),
        ("http://box", False),
    ],
)
def test_loopback_is_known(url: str, *, local: bool) -> None:
    """By address or by its usual name."""
    assert is_loopback(url) is local


@pytest.mark.parametrize(
    ("location", "target"),
    [
        ("/other", "http://me:pw@box:80/other"),
        ("http://box/v1/chat/", "http://me:pw@box/v1/chat/"),
        ("https://box/v1/chat", "https://me:pw@box/v1/chat"),
        ("http://you:too@box:80/", "http://me:pw@box:80/"),
        ("http://box:8080/", None),
        ("http://box.example.com/", None),
        ("//elsewhere/v1/chat", None),
        ("https://box:8443/", None),
        ("ftp://box/", None),
        ("http://[box/", None),
        ("http://box:eighty/", None),
    ],
)
def test_a_redirect_stays_on_its_server(location: str, target: str | None) -> None:
    """By name and port, and may only become safer; the password that we have is kept, that of others is not taken."""
    assert redirected("http://me:pw@box:80/v1/chat", location) == target


def test_a_redirect_never_takes_the_encryption_off() -> None:
    """Not on the same server either."""
    assert redirected("https://box/v1", "http://box/v1") is None
    assert redirected("https://box:8443/v1", "http://box:8443/v1") is None
