"""A model behind a server that is posted JSON."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, Self

from pytest_koderz.backends.completions import is_too_long, too_long
from pytest_koderz.backends.options import Option, checked
from pytest_koderz.core.arm import ModelSettings
from pytest_koderz.core.errors import ModelUnavailable
from pytest_koderz.core.ports import Prompt, Reply

from .caller import Caller, caller_of
from .client import Refused, Wire, wire_of
from .service import Service


class ServedModel(ABC):
    """A Model. Several threads may use it."""

    def __init__(self, settings: ModelSettings, wire: Wire, caller: Caller, options: Mapping[str, Any]) -> None:
        self.settings = settings
        self._wire = wire
        self._caller = caller
        self._options = options

    @classmethod
    def opened(
        cls,
        service: Service,
        known: Mapping[str, Option],
        settings: ModelSettings,
        environment: Mapping[str, str],
        worker: int,
        notify: Callable[[str], None],
        sleep: Callable[[float], None],
    ) -> Self:
        """The model on the server of *worker*. Raises UsageError for servers or options that are none."""
        options = checked(settings, known)
        wire = wire_of(service, settings, environment, worker)
        return cls(settings, wire, caller_of(settings, options, wire.url, sleep, notify), options)

    def admit(self) -> None:
        """Raise ModelUnavailable where a call would be refused, since the server is known to be dead."""
        self._caller.breaker.check()

    def complete(self, prompt: Prompt) -> Reply:
        try:
            reply = self._caller(lambda: self._attempt(prompt))
        except Refused as refusal:
            if is_too_long(refusal.words):
                return too_long(self.settings.model, refusal.words)
            raise ModelUnavailable(self._what_to_do(refusal)) from None
        return self._wire.redact.reply(reply)

    def close(self) -> None:  # noqa: B027 - not every model has something to close
        """Nothing is kept open between calls."""

    @abstractmethod
    def _attempt(self, prompt: Prompt) -> Reply:
        """Raises MayPass or Refused."""

    @abstractmethod
    def _what_to_do(self, refusal: Refused) -> str:
        """The advice for one who reads why nothing was answered."""
