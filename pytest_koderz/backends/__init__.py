"""Transport to language models, one module for each back end."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from types import ModuleType

from pytest_koderz.core.arm import ModelSettings
from pytest_koderz.files.nearest import nearest
from pytest_koderz.files.usage_error import UsageError

from .options import checked

NAMES = ("anthropic", "embedded", "ollama", "openai", "replay", "simulated")


def backend(name: str) -> ModuleType:
    """The module of a back end. Raises UsageError where there is none of that name."""
    if name not in NAMES:
        raise UsageError(f"no back end named {name!r}{nearest(name, NAMES)}")
    return import_module(f"{__name__}.{name}")


def requirements(settings: ModelSettings, environment: Mapping[str, str]) -> str | None:
    """One line that says what is wrong with this model or missing, such as an option or a key; None where nothing is.

    Asks no server and opens nothing, so that it can be called for every model before anything is spent.
    """
    module = backend(settings.backend)
    try:
        checked(settings, module.OPTIONS)
    except UsageError as fault:
        return str(fault)
    missing: str | None = module.requirements(settings, environment)
    return missing
