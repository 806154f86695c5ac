"""Where a back end's servers and their key are named."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pytest_koderz.backends.redaction import key_fault
from pytest_koderz.core.arm import ModelSettings
from pytest_koderz.files.usage_error import UsageError

from .hosts import base_url, listed, shared_out


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

    def url(self, settings: ModelSettings, environment: Mapping[str, str], worker: int) -> str:
        """The base URL of the server that *worker* talks to."""
        return shared_out(self.urls(settings, environment), worker)

    def key(self, environment: Mapping[str, str]) -> str | None:
        """Without the white space around it. None: there is none."""
        return environment.get(self.key_name, "").strip() or None

    def fault(self, settings: ModelSettings, environment: Mapping[str, str]) -> str | None:
        """What is wrong with servers or key as they are written; None where nothing is. A missing key is not wrong."""
        try:
            self.urls(settings, environment)
        except UsageError as fault:
            return str(fault)
        return key_fault(self.key_name, self.key(environment) or "")
