"""What a run must not show or keep."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from pytest_koderz.backends.http.hosts import password_in
from pytest_koderz.core.arm import ModelSettings
from pytest_koderz.files.secret_values import Redaction
from pytest_koderz.settings import Settings


def redaction_of(settings: Settings) -> Redaction:
    """Of the environment's secrets, the keys of the arms' back ends and the passwords of their servers."""
    models = {model.name: model for arm in settings.arms for _, model in arm.cast}.values()
    return Redaction.of(settings.environment, *(secret for model in models for secret in _secrets(settings, model)))


def _secrets(settings: Settings, model: ModelSettings) -> Iterator[str | None]:
    service = settings.backend_of(model).service
    if service is not None:
        yield service.key(settings.environment)
    for host in model.hosts if service is None else service.hosts(model, settings.environment):
        with suppress(ValueError):  # it is complained of where it is opened
            yield password_in(host if "://" in host else f"http://{host}")
