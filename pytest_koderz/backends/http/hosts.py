"""Where a back end's servers and key are named, and which of them a model is asked on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import SplitResult, urljoin, urlsplit

from pytest_koderz.backends.redaction import Redactor, key_fault
from pytest_koderz.core.arm import ModelSettings
from pytest_koderz.files.usage_error import UsageError

_SCHEME_PORTS = {"http": 80, "https": 443}


def listed(text: str) -> tuple[str, ...]:
    """The hosts of an environment variable that separates them by commas."""
    return tuple(part for each in unquoted(text).split(",") if (part := unquoted(each)))


def unquoted(text: str) -> str:
    """*text* without the quotation marks that some readers of `.env` files leave around a value."""
    return text.strip().strip("\"'").strip()


def turned(hosts: Sequence[str], worker: int) -> tuple[str, ...]:
    """The hosts as *worker* takes them, counted from 0: first its own as long as there are enough, else in turn."""
    first = worker % len(hosts)
    return (*hosts[first:], *hosts[:first])


def base_url(host: str, port: int) -> str:
    """The base URL of *host*, without a closing slash; *port* is taken where neither scheme nor port is written.

    The syntax is that of Ollama's `OLLAMA_HOST`: `[scheme://]host[:port][/path]`; a written scheme brings its own port.
    An address that a server listens on, such as 0.0.0.0, is asked at this machine's own. Raises UsageError for what is
    no host.
    """
    host = unquoted(host)
    scheme, mark, rest = host.partition("://")
    if not mark:
        scheme, rest = "http", host
    if _is_bare_ipv6(rest):
        rest = f"[{rest}]"
    if scheme not in _SCHEME_PORTS:
        raise UsageError(f"{shown(host)}: the scheme of a server is http or https")
    try:
        parts = urlsplit(f"{scheme}://{rest}")
        number = parts.port or (_SCHEME_PORTS[scheme] if mark else port)
    except ValueError:
        raise UsageError(f"{shown(host)!r} is no host; write it as host:port or http://host:port") from None
    if any(character.isspace() for character in rest):
        raise UsageError(f"{shown(host)!r} is no host: there is a space in it; separate several hosts by commas")
    user = parts.netloc.rpartition("@")[0]
    path = parts.path.strip("/")
    return f"{scheme}://{user + '@' if user else ''}{_bracketed(parts.hostname)}:{number}{'/' + path if path else ''}"


def shown(url: str) -> str:
    """*url* as it may be told: without the user and password that can stand in it."""
    scheme, mark, rest = url.rpartition("://")
    place, slash, path = rest.partition("/")
    return f"{scheme}{mark}{place.rpartition('@')[2]}{slash}{path}"


def password_in(url: str) -> str | None:
    return urlsplit(url).password


def is_loopback(url: str) -> bool:
    name = urlsplit(url).hostname or ""
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return name == "localhost"


def redirected(url: str, location: str) -> str | None:
    """The URL that a redirect of *url* names, with the same user and password. None: it is on another server.

    The same server may ask for https where it was asked by http, never the other way round.
    """
    try:
        was, goes = urlsplit(url), urlsplit(urljoin(url, location))
        if _place(goes) not in (_place(was), _secured(was)):
            return None
    except ValueError:
        return None
    user = was.netloc.rpartition("@")[0]
    return goes._replace(netloc=f"{user}@" * bool(user) + goes.netloc.rpartition("@")[2]).geturl()


def origin_of(url: str, location: str) -> str:
    """The server that a redirect of *url* names, without path and password."""
    try:
        goes = urlsplit(urljoin(url, location))
    except ValueError:
        return "what is no address"
    return f"{goes.scheme}://{goes.netloc.rpartition('@')[2]}"


_Place = tuple[str, str | None, int | None]


def _place(parts: SplitResult) -> _Place:
    return parts.scheme, parts.hostname, parts.port or _SCHEME_PORTS.get(parts.scheme)


def _secured(parts: SplitResult) -> _Place:
    """The same server by https: on https's own port where *parts* has that of http."""
    _, name, port = _place(parts)
    return "https", name, _SCHEME_PORTS["https"] if port == _SCHEME_PORTS["http"] else port


_ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - nothing is bound to them


def _bracketed(name: str | None) -> str:
    """An IPv6 address gets its brackets back, which urlsplit takes off."""
    name = name or "127.0.0.1"
    name = _ANYWHERE.get(name, name)
    return f"[{name}]" if ":" in name else name


def _is_bare_ipv6(rest: str) -> bool:
    """Whether it is an IPv6 address without brackets, and so without a port."""
    try:
        return ip_address(rest).version == 6
    except ValueError:
        return False


def is_own(url: str) -> bool:
    """Whether it is an address of one's own network: private, or a name that only this network can know."""
    name = urlsplit(url).hostname or ""
    try:
        return ip_address(name).is_private
    except ValueError:
        return "." not in name or name.endswith((".local", ".lan", ".internal", ".home.arpa", ".localhost"))


@dataclass(frozen=True, slots=True)
class Service:
    """What a back end takes from the environment."""

    hosts_name: str
    """Of the variable that names the servers, separated by commas."""
    key_name: str
    default: str
    """The server where none is named."""
    port: int
    """Where neither scheme nor port is written."""

    def hosts(self, settings: ModelSettings, environment: Mapping[str, str]) -> tuple[str, ...]:
        """As they were written, in the order in which workers take them: those of *settings* before any others."""
        return settings.hosts or listed(environment.get(self.hosts_name, "")) or (self.default,)

    def urls(self, settings: ModelSettings, environment: Mapping[str, str]) -> tuple[str, ...]:
        """The base URLs of all servers, without the /v1 that some are written with.

        Raises UsageError, with the place where a host is named, for what is none.
        """
        try:
            hosts = self.hosts(settings, environment)
            return tuple(base_url(host, self.port).removesuffix("/v1") for host in hosts)
        except UsageError as fault:
            raise UsageError(f"{'hosts' if settings.hosts else self.hosts_name}: {fault}") from None

    def turned(self, settings: ModelSettings, environment: Mapping[str, str], worker: int) -> tuple[str, ...]:
        """The base URLs as *worker* takes them; one that is named twice counts once."""
        return turned(tuple(dict.fromkeys(self.urls(settings, environment))), worker)

    def key(self, environment: Mapping[str, str]) -> str | None:
        """Without white space and quotation marks around it. None: there is none."""
        return unquoted(environment.get(self.key_name, "")) or None

    def redactor(self, settings: ModelSettings, environment: Mapping[str, str]) -> Redactor:
        """Of the key and the servers' passwords. Raises UsageError for a host that is none."""
        return Redactor(self.key(environment), *map(password_in, self.urls(settings, environment)))

    def fault(self, settings: ModelSettings, environment: Mapping[str, str]) -> str | None:
        """What is wrong with servers or key as they are written; None where nothing is. A missing key is not wrong."""
        try:
            self.urls(settings, environment)
        except UsageError as fault:
            return str(fault)
        return key_fault(self.key_name, self.key(environment) or "")
