"""Any server that speaks OpenAI's chat completions: vLLM, llama-server, LM Studio, OpenAI itself."""

from __future__ import annotations

import time
from typing import Any

from pytest_koderz.core.arm import ModelSettings
from pytest_koderz.core.ports import Prompt, Reply

from .backend import Backend, CostRule, Environment, Surroundings, never, ready
from .completions import messages_of, reply_of, temperature_of
from .http.client import HttpClient, ServedModel
from .http.hosts import Service
from .http.retry import CALLING, Caller, Refused
from .options import Option

KEY = "OPENAI_API_KEY"
OPENAI = "https://api.openai.com"
# The port is vLLM's own.
SERVICE = Service("OPENAI_BASE_URL", KEY, default=OPENAI, port=8000)

_SAMPLING = {"top_p": Option(float), "frequency_penalty": Option(float), "presence_penalty": Option(float)}


def _requirements(settings: ModelSettings, environment: Environment) -> str | None:
    """What is missing or wrong: only OpenAI's own service must have a key."""
    wrong = SERVICE.fault(settings, environment)
    if wrong is not None or SERVICE.key(environment) is not None:
        return wrong
    if not any(url.startswith(OPENAI) for url in SERVICE.urls(settings, environment)):
        return None
    return (
        f"{KEY} is not set; the model {settings.name!r} needs it for {OPENAI} "
        "(for a server of your own, name it under `hosts:` in koderz.yaml)"
    )


def open_model(settings: ModelSettings, surroundings: Surroundings) -> OpenAIModel:
    """The model of *settings* on the server of this worker; a base URL may end in /v1 or leave it out.

    The servers are `settings.hosts`, else those in `OPENAI_BASE_URL`, separated by commas, else OpenAI's own.
    """
    return OpenAIModel.opened(SERVICE, settings, surroundings)


class OpenAIModel(ServedModel):
    """A Model. Several threads may use it."""

    look = "/v1/models"

    def __init__(self, settings: ModelSettings, client: HttpClient, caller: Caller) -> None:
        super().__init__(settings, client, caller)
        self._refused: frozenset[str] = frozenset()
        """Parameters that this model does not take."""

    def _attempt(self, prompt: Prompt) -> Reply:
        began = time.monotonic()
        answer = self._answer(prompt)
        seconds = time.monotonic() - began
        return reply_of(answer, prompt, self.settings, seconds)

    def _answer(self, prompt: Prompt) -> dict[str, Any]:
        """What the server answers; parameters that it refuses by name are left out from then on."""
        while True:
            body = self._body(prompt)
            try:
                return self._client.post("/v1/chat/completions", body)
            except Refused as refusal:
                named = frozenset(name for name in _DISPENSABLE if name in body and name in refusal.words)
                if refusal.status != 400 or not named or _is_window(refusal.words):
                    raise
                self._refused |= named

    def _body(self, prompt: Prompt) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self.settings.model,
            "messages": messages_of(prompt),
            "max_tokens": self.settings.max_tokens,
            "seed": prompt.seed,
            **{name: self._options[name] for name in _SAMPLING if name in self._options},
            **temperature_of(prompt, self.settings),
        }
        if "max_tokens" in self._refused:
            body["max_completion_tokens"] = body["max_tokens"]
        return {name: value for name, value in body.items() if name not in self._refused}

    def _what_to_do(self, refusal: Refused) -> str:
        model, host = self.settings.model, self._caller.host
        if _is_window(refusal.words):
            advice = "prompt and `max_tokens` do not fit the window; lower `max_tokens`, or set `context_tokens` to it"
            return f"{host}: {advice} (status {refusal.status}: {refusal.words})"
        advice = {
            401: f"the server does not know the key; check {KEY}",
            403: f"the key in {KEY} may not use the model {model!r}",
            429: "the account has nothing left to spend; check its billing",
            404: f"there is no model {model!r} or no /v1/chat/completions; check `model` and `hosts` in koderz.yaml",
        }.get(refusal.status or 0, f"the server refuses the request for {model!r}")
        return f"{host}: {advice} (status {refusal.status}: {refusal.words})"


def _is_window(words: str) -> bool:
    return "context length" in words or "context window" in words


# OpenAI's reasoning models take no temperature, and want `max_completion_tokens` instead of `max_tokens`.
_DISPENSABLE = ("temperature", "max_tokens", "seed")


BACKEND = Backend(
    name="openai",
    service=SERVICE,
    options={**CALLING, **_SAMPLING},
    cost=CostRule("openai"),
    frontier=True,
    simulated=never,
    requirements=_requirements,
    findings=ready("nothing is missing; the server is not asked beforehand"),
    open=open_model,
)
