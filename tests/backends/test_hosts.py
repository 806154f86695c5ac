"""How servers are named."""

from __future__ import annotations

import pytest
from ollama._client import _parse_host

from pytest_koderz.backends.http.hosts import base_url, is_loopback, listed, redirected, shared_out, shown
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


@pytest.mark.parametrize("host", ["ftp://box", "box:port", "box:99999", "http://[::1", "box one"])
def test_what_is_no_host_is_a_usage_error(host: str) -> None:
    """The error repeats what was written."""
    with pytest.raises(UsageError, match=r"box|::1"):
        base_url(host, 11434)


def test_hosts_are_separated_by_commas() -> None:
    """Spaces and empty places do not count."""
    assert listed(" a:1, b:2 ,,") == ("a:1", "b:2")


def test_workers_take_turns() -> None:
    """More workers than hosts begin again with the first."""
    assert [shared_out(("a", "b"), worker) for worker in range(5)] == ["a", "b", "a", "b", "a"]


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
