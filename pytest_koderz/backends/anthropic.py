"""Anthropic's Messages API, through the official SDK."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import getproxies

from pytest_koderz.core.arm import ModelSettings, Role
from pytest_koderz.core.errors import ModelRefused
from pytest_koderz.core.iteration import StopReason
from pytest_koderz.core.money import Usage
from pytest_koderz.core.ports import Prompt, Reply, whole

from .backend import Backend, CostRule, Environment, Surroundings, never, ready
from .http.client import REDIRECTS
from .http.hosts import Service, is_loopback, origin_of
from .http.retry import (
    CALLING,
    CONNECT_SECONDS,
    LASTING,
    TRANSIENT,
    UNTOLD,
    Caller,
    MayPass,
    caller_of,
    never_sent,
    retry_after,
)
from .options import Option
from .redaction import Redactor, cause_of

if TYPE_CHECKING:
    import anthropic
    from anthropic.types import Message

KEY = "ANTHROPIC_API_KEY"
SERVICE = Service("ANTHROPIC_BASE_URL", KEY, default="https://api.anthropic.com", port=443)

CACHE_CHARACTERS = 4096
"""A prefix of fewer is not marked for caching: the service ignores marks below 1,024 tokens (4,096 on some models)."""


def _requirements(settings: ModelSettings, environment: Environment) -> str | None:
    """What is missing from the environment; None where nothing is."""
    if SERVICE.key(environment) is None:
        return f"{KEY} is not set; the model {settings.name!r} needs it (in the environment or in .env)"
    return SERVICE.fault(settings, environment)


def open_model(settings: ModelSettings, surroundings: Surroundings) -> AnthropicModel:
    """The model of *settings*, with the key in `ANTHROPIC_API_KEY`.

    It is asked at `settings.hosts`, else at `ANTHROPIC_BASE_URL`, else at Anthropic's own service. The options `cache`
    (false: mark nothing for caching) and `effort` (such as `low`) are this back end's own.
    """
    import anthropic

    environment = surroundings.environment
    url = SERVICE.url(settings, environment, surroundings.worker)
    # The retries are ours: bounded, known, and the same for every back end.
    client = anthropic.Anthropic(
        api_key=SERVICE.key(environment),
        base_url=url,
        max_retries=0,
        timeout=anthropic.Timeout(settings.timeout, connect=CONNECT_SECONDS),
        http_client=_transport(url),
    )
    caller = caller_of(settings, url, surroundings.sleep, surroundings.notify)
    return AnthropicModel(settings, client, caller, SERVICE.redactor(settings, environment))


def _transport(url: str) -> Any:
    """The SDK's own, but for redirects, along which it would send the key to any server.

    It goes straight to our loopback, which a proxy of the environment does not know.
    """
    import anthropic

    direct = is_loopback(url) and getproxies()
    mounts = {f"all://{urlsplit(url).hostname}": None} if direct else {}
    return anthropic.DefaultHttpxClient(follow_redirects=False, mounts=mounts)


class AnthropicModel:
    """A Model. Several threads may use it."""

    def __init__(
        self,
        settings: ModelSettings,
        client: anthropic.Anthropic,
        caller: Caller,
        redact: Redactor,
    ) -> None:
        self.settings = settings
        self._client = client
        self._caller = caller
        self._redact = redact
        self._options = settings.options
        self._takes_temperature = True
        self._warnings = _deprecation(settings.model)

    def admit(self) -> None:
        """Wait for a service that is known not to answer. Raises ModelUnavailable when patience has run out."""
        self._caller.settle()

    def complete(self, prompt: Prompt) -> Reply:
        return self._caller(lambda: self._attempt(prompt))

    def close(self) -> None:
        self._client.close()

    def _attempt(self, prompt: Prompt) -> Reply:
        began = time.monotonic()
        message = self._message(prompt)
        warnings, self._warnings = self._warnings, ()
        return Reply(
            _text(message),
            _usage(message),
            str(message.model),
            _STOPS.get(message.stop_reason or "", StopReason.END),
            time.monotonic() - began,
            warnings=warnings,
        )

    def _message(self, prompt: Prompt) -> Message:
        """The service's message; one refused temperature is left out from then on."""
        body = self._body(prompt)
        try:
            return self._posted(body)
        except _TemperatureRefused:
            self._takes_temperature = False
            self._warnings += (f"{self.settings.model} refuses `temperature`; it was left out",)
            body.pop("temperature")
            return self._posted(body)

    def _posted(self, body: dict[str, Any]) -> Message:
        import anthropic

        try:
            # Not `messages.create`: it warns through the `warnings` module, which threads share, at each call.
            message = self._client.post("/v1/messages", body=body, cast_to=anthropic.types.Message)
        except anthropic.APITimeoutError as fault:
            words = f"nothing came within {self.settings.timeout:g} s"
            raise MayPass(words, timed_out=True, unbilled=never_sent(fault)) from None
        except anthropic.APIConnectionError as fault:
            words = f"the connection failed ({self._redact.quoted(cause_of(fault))})"
            raise MayPass(words, unbilled=never_sent(fault)) from None
        except anthropic.APIStatusError as fault:
            raise self._failure(fault, body) from None
        except ValueError:
            raise MayPass("it answered something that is not JSON") from None
        if not _is_whole(message):
            raise MayPass("it answered something that is no message")
        return message

    def _failure(self, fault: anthropic.APIStatusError, body: Mapping[str, Any]) -> Exception:
        words = self._redact.quoted(fault.api_message or fault.message)
        status = fault.status_code
        if status in TRANSIENT:
            wait = retry_after(fault.response.headers)
            return MayPass(
                f"status {status}: {words}", retry_after=wait, alive=status == 429, unbilled=status not in UNTOLD
            )
        if status == 400 and "temperature" in body and "temperature" in words:
            return _TemperatureRefused()
        location = fault.response.headers.get("location")
        if location is not None:
            words = self._redact.quoted(origin_of(str(fault.response.url), location))
        what_to_do = _ADVICE.get(status, "the request cannot be answered").format(model=self.settings.model)
        lasting = status in LASTING or location is not None
        return ModelRefused(f"{self._caller.host}: {what_to_do} (status {status}: {words})", lasting=lasting)

    def _body(self, prompt: Prompt) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self.settings.model,
            "max_tokens": self.settings.max_tokens,
            "messages": [{"role": "user", "content": self._blocks(prompt)}],
        }
        if prompt.system:
            body["system"] = prompt.system
        if self.settings.temperature is not None and self._takes_temperature:
            body["temperature"] = min(self.settings.temperature + prompt.heat, 1.0)
        if "effort" in self._options:
            body["output_config"] = {"effort": self._options["effort"]}
        return body

    def _blocks(self, prompt: Prompt) -> list[dict[str, Any]]:
        if not (prompt.stable and prompt.text):
            return [{"type": "text", "text": whole(prompt.user)}]
        stable: dict[str, Any] = {"type": "text", "text": whole(prompt.stable) + "\n\n"}
        long = len(prompt.system) + len(prompt.stable) >= CACHE_CHARACTERS
        # A spec is asked for once, and writing a cache that nobody reads costs a quarter more.
        if long and prompt.role is not Role.SPEC and self._options.get("cache", True):
            stable["cache_control"] = {"type": "ephemeral"}
        return [stable, {"type": "text", "text": whole(prompt.text)}]


class _TemperatureRefused(Exception):
    """The model takes no other temperature than its own."""


_STOPS = {
    "max_tokens": StopReason.MAX_TOKENS,
    "model_context_window_exceeded": StopReason.CONTEXT,
    "refusal": StopReason.REFUSAL,
}

_ADVICE = {
    400: "the service refuses this request for {model!r}",
    401: f"the service does not know the key; check {KEY}",
    402: "the account cannot pay; check its billing",
    403: f"the key in {KEY} may not use the model {{model!r}}",
    404: "there is no model {model!r}; check its `model` in koderz.yaml",
    413: "the prompt is too large",
    **dict.fromkeys(
        REDIRECTS, "it redirects, which is not followed; correct ANTHROPIC_BASE_URL if you trust the place"
    ),
}


def _deprecation(model: str) -> tuple[str, ...]:
    """The warning for a model whose end the SDK knows; none for others."""
    from anthropic.resources.messages import messages

    end: str | None = getattr(messages, "DEPRECATED_MODELS", {}).get(model)
    return (f"{model} is deprecated and ends on {end}; choose a newer model in koderz.yaml",) if end else ()


def _is_whole(message: object) -> bool:
    """The SDK does not validate what it was sent, so any JSON and even plain text may come here."""
    try:
        counts = (message.usage.input_tokens, message.usage.output_tokens)  # type: ignore[attr-defined]
        texts = [block.text for block in message.content if block.type == "text"]  # type: ignore[attr-defined]
        return all(type(count) is int for count in counts) and all(isinstance(text, str) for text in texts)
    except (AttributeError, TypeError):
        return False


def _text(message: Message) -> str:
    """The reply's text; thinking is left out."""
    return "".join(block.text for block in message.content if block.type == "text")


def _usage(message: Message) -> Usage:
    """The service's input tokens leave out those that were written to or read from its cache."""
    usage = message.usage
    return Usage(
        usage.input_tokens,
        usage.output_tokens,
        usage.cache_creation_input_tokens or 0,
        usage.cache_read_input_tokens or 0,
    )


BACKEND = Backend(
    name="anthropic",
    service=SERVICE,
    options={**CALLING, "cache": Option(bool), "effort": Option(str)},
    cost=CostRule("anthropic"),
    frontier=True,
    simulated=never,
    requirements=_requirements,
    findings=ready(f"{KEY} is set; whether it is accepted shows with the first call"),
    open=open_model,
)
