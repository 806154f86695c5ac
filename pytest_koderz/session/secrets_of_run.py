"""What a run must not show or keep."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress

from pytest_koderz.backends.backend import Environment, Registry
from pytest_koderz.backends.http.hosts import password_in
from pytest_koderz.core.arm import ModelSettings
from pytest_koderz.files.secret_values import Redaction
from pytest_koderz.settings import Settings


def redaction_of(settings: Settings) -> Redaction:
    return secrets_of(settings.models, settings.backends, settings.environment)


def secrets_of(models: Iterable[ModelSettings], backends: Registry, environment: Environment) -> Redaction:
    """The environment's secrets, the keys of the models' back ends and the passwords of their servers."""
    return Redaction.of(environment, *(secret for model in models for secret in _secrets(model, backends, environment)))


def _secrets(model: ModelSettings, backends: Registry, environment: Environment) -> Iterator[str | None]:
    service = backends.of(model).service
    if service is not None:
        yield service.key(environment)
    for host in model.hosts if service is None else service.hosts(model, environment):
        with suppress(ValueError):  # it is complained of where it is opened
            yield password_in(host if "://" in host else f"http://{host}")
