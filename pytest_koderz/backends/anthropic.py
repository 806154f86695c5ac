"""Anthropic's Messages API, through the official SDK."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from pytest_koderz.core.arm import ModelSettings, Role
from pytest_koderz.core.iteration import StopReason
from pytest_koderz.core.ports import Prompt, Reply, whole
from pytest_koderz.files.call_deadline import CallDeadline

from .backend import Backend, CostRule, Environment, Finding, Surroundings, never
from .completions import characters_of
from .http.client import REDIRECTS
from .http.failures import check_error, checked_end, failure_of_status, words_of
from .http.hosts import Service, origin_of
from .http.plain_port import plain_port
from .http.retry import CALLING, CONNECT_SECONDS, Caller, MayPass, Refused, never_sent
from .http.sdk_client import bounded_by, bounded_client
from .options import EXTRA_BODY, Option, fields_of
from .redaction import Redactor, cause_of
from .served import PooledModel, ServedModel, name_of, on_servers
from .token_counts import ToldCounts, usage_of

if TYPE_CHECKING:
    import anthropic

KEY = "ANTHROPIC_API_KEY"
SERVICE = Service("ANTHROPIC_BASE_URL", KEY, default="https://api.anthropic.com", port=443)

CACHE_CHARACTERS = 4096
"""A prefix of fewer is not marked for caching: the service ignores marks below 1,024 tokens (4,096 on some models)."""


def _requirements(settings: ModelSettings, environment: Environment) -> str | None:
    """What is missing from the environment; None where nothing is."""
    if SERVICE.key(environment) is None:
        return f"{KEY} is not set; the model {settings.name!r} needs it (in the environment or in .env)"
    return SERVICE.fault(settings, environment)


def _findings(settings: ModelSettings, environment: Environment) -> Iterator[Finding]:  # noqa: ARG001 - as any's
    yield "ok", f"{KEY} is set; whether it is accepted shows with the first call"
    for warning in _deprecation(settings.model):
        yield "note", warning


def open_model(settings: ModelSettings, surroundings: Surroundings) -> ServedModel | PooledModel:
    """The model of *settings*, with the key in `ANTHROPIC_API_KEY`.

    It is asked at `settings.hosts`, else at `ANTHROPIC_BASE_URL`, else at Anthropic's own service. The options `cache`
    (false: mark nothing for caching) and `effort` (such as `low`) are this back end's own.
    """
    import anthropic

    environment = surroundings.environment

    def at(url: str, caller: Caller) -> AnthropicModel:
        # The retries are ours: bounded, known, and the same for every back end.
        client = anthropic.Anthropic(
            api_key=SERVICE.key(environment),
            base_url=url,
            max_retries=0,
            timeout=anthropic.Timeout(settings.timeout, connect=CONNECT_SECONDS),
            http_client=bounded_client(url),
        )
        return AnthropicModel(settings, client, caller, SERVICE.redactor(settings, environment))

    return on_servers(SERVICE, settings, surroundings, at)


class AnthropicModel(ServedModel):
    """A Model. Several threads may use it."""

    needed = ServedModel.needed | {"max_tokens"}
    also_called: ClassVar = {"output_config": ("effort",)}

    def __init__(
        self,
        settings: ModelSettings,
        client: anthropic.Anthropic,
        caller: Caller,
        redact: Redactor,
    ) -> None:
        super().__init__(settings, caller)
        self._client = client
        self._redact = redact
        self._unsaid.extend(_deprecation(settings.model))

    def close(self) -> None:
        self._client.close()

    def _attempt(self, prompt: Prompt) -> Reply:
        began = time.monotonic()
        message = self._answer(self._body(prompt))
        seconds = time.monotonic() - began
        try:
            blocks = message["content"]
            text = "".join(_text(block) for block in blocks if block["type"] == "text")
            thought = sum(len(str(block.get("thinking", "?"))) for block in blocks if "thinking" in block["type"])
        except (KeyError, TypeError):
            raise MayPass("it answered something that is no message") from None
        stop = message.get("stop_reason")
        usage, warnings = usage_of(
            _told(message.get("usage")), characters_of(prompt), len(text) + thought, self.settings.context_tokens
        )
        reply = Reply(
            text,
            usage,
            name_of(message.get("model"), self.settings.model),
            _STOPS.get(stop, StopReason.END) if isinstance(stop, str) else StopReason.END,
            seconds,
            warnings=warnings,
        )
        return checked_end(reply, thought, called=stop == "tool_use")

    def _sent(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        import anthropic

        with CallDeadline(self.settings.timeout) as deadline, bounded_by(deadline):
            try:
                # Not `messages.create`: it warns through the `warnings` module, which threads share, at each call.
                answer = self._client.post("/v1/messages", body=dict(body), cast_to=object)
            except anthropic.APIStatusError as fault:
                raise self._failure(fault) from None
            except anthropic.APIConnectionError as fault:
                raise self._silence(fault, deadline) from None
            except (ValueError, RecursionError):
                raise MayPass("it answered something that is not JSON") from None
        if not isinstance(answer, dict):
            raise MayPass("it answered something that is no message")
        check_error(answer, self._redact)
        return answer

    def _silence(self, fault: anthropic.APIConnectionError, deadline: CallDeadline) -> MayPass | Refused:
        """Why nothing whole came back."""
        import anthropic

        refusal = plain_port(str(self._client.base_url), fault, in_handshake=False)
        if refusal is not None:
            return refusal
        cause, unbilled = fault.__cause__, never_sent(fault)
        if isinstance(fault, anthropic.APITimeoutError) or (deadline.passed and not unbilled):
            return MayPass(f"nothing whole came within {self.settings.timeout:g} s", timed_out=True, unbilled=unbilled)
        if isinstance(cause, MayPass | Refused):
            return cause
        return MayPass(f"the connection failed ({self._redact.quoted(cause_of(fault))})", unbilled=unbilled)

    def _failure(self, fault: anthropic.APIStatusError) -> MayPass | Refused:
        words = self._redact.quoted(words_of(fault.response.text) or f"status {fault.status_code}")
        location = fault.response.headers.get("location")
        if location is not None:
            words = self._redact.quoted(origin_of(str(fault.response.url), location))
        return failure_of_status(fault.status_code, words, fault.response.headers)

    def _what_to_do(self, refusal: Refused) -> str:
        advice = _ADVICE.get(refusal.status or 0, "the request cannot be answered")
        if _MAX_TOKENS in refusal.words:
            advice = "it takes no such `max_tokens`; correct it in koderz.yaml"
        what_to_do = advice.format(model=self.settings.model)
        return f"{self._caller.host}: {what_to_do} (status {refusal.status}: {refusal.words})"

    def _body(self, prompt: Prompt) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self.settings.model,
            "max_tokens": self.settings.max_tokens,
            "messages": [{"role": "user", "content": self._blocks(prompt)}],
        }
        if prompt.system:
            body["system"] = prompt.system
        if self.settings.temperature is not None:
            body["temperature"] = min(self.settings.temperature + prompt.heat, 1.0)
        if "effort" in self._options:
            body["output_config"] = {"effort": self._options["effort"]}
        return body | fields_of(self._options, _FIELDS)

    def _blocks(self, prompt: Prompt) -> list[dict[str, Any]]:
        if not (prompt.stable and prompt.text):
            return [{"type": "text", "text": whole(prompt.user)}]
        stable: dict[str, Any] = {"type": "text", "text": whole(prompt.stable) + "\n\n"}
        long = len(prompt.system) + len(prompt.stable) >= CACHE_CHARACTERS
        # A spec is asked for once, and writing a cache that nobody reads costs a quarter more.
        if long and prompt.role is not Role.SPEC and self._options.get("cache", True):
            stable["cache_control"] = {"type": "ephemeral"}
        return [stable, {"type": "text", "text": whole(prompt.text)}]


_MAX_TOKENS = "max_tokens"
_FIELDS = {
    "top_k": Option(int),
    "top_p": Option(float),
    "thinking": Option(dict),
    "service_tier": Option(str),
    EXTRA_BODY: Option(dict),
}

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


def _text(block: Mapping[str, Any]) -> str:
    """Raises TypeError where there is none."""
    if not isinstance(block.get("text"), str):
        raise TypeError(block)
    return str(block["text"])


def _told(usage: object) -> ToldCounts:
    """The service's input tokens leave out those that were written to or read from its cache."""
    counts = usage if isinstance(usage, dict) else {}
    written, read = counts.get("cache_creation_input_tokens"), counts.get("cache_read_input_tokens")
    return ToldCounts(counts.get("input_tokens"), counts.get("output_tokens"), written, read, apart=True)


BACKEND = Backend(
    name="anthropic",
    service=SERVICE,
    options={**CALLING, "cache": Option(bool), "effort": Option(str), **_FIELDS},
    cost=CostRule("anthropic"),
    frontier=True,
    simulated=never,
    requirements=_requirements,
    findings=_findings,
    open=open_model,
)
