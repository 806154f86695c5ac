"""Ollama's native chat API."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from pytest_koderz.core.arm import ModelSettings
from pytest_koderz.core.iteration import StopReason
from pytest_koderz.core.money import Usage
from pytest_koderz.core.ports import Prompt, Reply
from pytest_koderz.core.withdrawal import in_flight

from .backend import OWN_MACHINE, Backend, Environment, Finding, Identity, Surroundings, never
from .completions import begun, characters_of, messages_of
from .http.client import HttpClient
from .http.failures import check_ending, check_error, checked_end
from .http.hosts import Service, shown
from .http.retry import CALLING, Caller, MayPass, Refused, Unanswered, why_for_good
from .options import EXTRA_BODY, KEEP_ALIVE, THINK, Option, fields_of
from .served import CutShort, JsonModel, PooledModel, ServedModel, name_of
from .streamed_replies import ChatPieces
from .token_counts import MOST_TOKENS, ToldCounts, cut_warning, gpu_seconds_of, usage_of

SERVICE = Service("OLLAMA_HOST", "OLLAMA_API_KEY", default="127.0.0.1:11434", port=11434)
DEFAULT_TEMPERATURE = 0.8
"""Ollama's own, to which a prompt's heat is added where koderz.yaml sets none."""

SMALLEST_CONTEXT = 4096
CHARACTERS_PER_TOKEN = 3
"""A low estimate, so that the context window is chosen too large rather than too small."""

_SAMPLING = {
    **{name: Option(int) for name in ("top_k", "num_gpu", "num_thread", "repeat_last_n")},
    **{name: Option(float) for name in ("top_p", "min_p", "repeat_penalty", "frequency_penalty", "presence_penalty")},
}
_FIELDS = {"keep_alive": KEEP_ALIVE, "think": THINK, EXTRA_BODY: Option(dict)}


def open_model(settings: ModelSettings, surroundings: Surroundings) -> ServedModel | PooledModel:
    """The model of *settings* on its servers, of which worker K begins with the K-th, modulo their number.

    The servers are `settings.hosts`, else those in `OLLAMA_HOST`, separated by commas, else http://127.0.0.1:11434.
    """
    return OllamaModel.opened(SERVICE, settings, surroundings)


class OllamaModel(JsonModel):
    """A Model. Several threads may use it."""

    look = "/api/version"
    needed = ServedModel.needed | {"num_ctx"}
    also_called: ClassVar = {"think": ("thinking",)}

    def __init__(self, settings: ModelSettings, client: HttpClient, caller: Caller) -> None:
        super().__init__(settings, client, caller)
        self._context = settings.context_tokens or SMALLEST_CONTEXT

    def _attempt(self, prompt: Prompt) -> Reply:
        body = self._body(prompt)
        began = time.monotonic()
        try:
            answer = self._answer(body)
        except CutShort as cut:
            # It tells its time only at the end, and was at work for no longer than the call lasted.
            seconds = time.monotonic() - began
            return begun(cut.pieces, prompt, self.settings, seconds, seconds)
        seconds = time.monotonic() - began
        text, thought = self._text(answer)
        window, sent = body["options"]["num_ctx"], characters_of(prompt)
        told = ToldCounts(answer.get("prompt_eval_count"), answer.get("eval_count"))
        usage, warnings = usage_of(told, sent, len(text) + thought, window)
        model, stop = name_of(answer.get("model"), self.settings.model), _stop(answer, usage, self.settings.max_tokens)
        reply = Reply(text, usage, model, stop, seconds, _gpu_seconds(answer), warnings)
        if self._density.is_cut(sent, told.prompt, window):
            reply = reply.warned(cut_warning(sent, told.prompt, f" (num_ctx {window})"))
        return checked_end(reply, thought, called=bool(answer["message"].get("tool_calls")))

    def _sent(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        if body["stream"]:
            answer = self._put_together("/api/chat", body, ChatPieces())
        else:
            answer = self._client.post("/api/chat", body)
        check_error(answer, self._client.redact)
        return answer

    def _text(self, answer: Mapping[str, Any]) -> tuple[str, int]:
        """The reply's text, and how many characters a thinking model thought, which stand beside it."""
        message = answer.get("message")
        if not isinstance(message, dict):
            raise MayPass("it answered without a message")
        check_ending(answer, answer.get("done_reason"), self._client.redact)
        text, thought = message.get("content"), message.get("thinking")
        # What it says where it has only loaded the model.
        if not isinstance(text, str) or answer.get("done") is False or answer.get("done_reason") == "load":
            raise MayPass("it answered with half a message")
        return text, len(thought) if isinstance(thought, str) else 0

    def _body(self, prompt: Prompt) -> dict[str, Any]:
        return {
            "model": self.settings.model,
            "messages": messages_of(prompt),
            # What comes in pieces can be cancelled.
            "stream": in_flight.get() is not None,
            "options": self._sampling(prompt),
            **fields_of(self._options, _FIELDS),
        }

    def _sampling(self, prompt: Prompt) -> dict[str, Any]:
        sampling = fields_of(self._options, _SAMPLING)
        sampling |= {
            "num_ctx": self._context_for(prompt),
            "num_predict": self.settings.max_tokens,
            "seed": prompt.seed,
        }
        if self.settings.temperature is not None or prompt.heat:
            base = DEFAULT_TEMPERATURE if self.settings.temperature is None else self.settings.temperature
            sampling["temperature"] = round(base + prompt.heat, 6)
        return sampling

    def _context_for(self, prompt: Prompt) -> int:
        """The window of koderz.yaml, else the power of two that holds prompt and reply.

        It never shrinks again, because the server loads the model anew for each other window.
        """
        if self.settings.context_tokens is None:
            needed = characters_of(prompt) // CHARACTERS_PER_TOKEN + self.settings.max_tokens
            self._context = max(self._context, 1 << (needed - 1).bit_length())
        return self._context

    def _what_to_do(self, refusal: Refused) -> str:
        model, host = self.settings.model, self._caller.host
        if refusal.status == 404:
            return f"{host}: the model {model!r} is not there; run `ollama pull {model}` ({refusal.words})"
        if refusal.status in (401, 403):
            return f"{host}: the server refuses access; check OLLAMA_API_KEY ({refusal.words})"
        return f"{host}: the server refuses the request for {model!r} (status {refusal.status}: {refusal.words})"


def _stop(answer: Mapping[str, Any], usage: Usage, max_tokens: int) -> StopReason:
    """A reply shorter than it might have been was cut by the context window."""
    if answer.get("done_reason") != "length":
        return StopReason.END
    return StopReason.CONTEXT if usage.output < max_tokens else StopReason.MAX_TOKENS


def _gpu_seconds(answer: Mapping[str, Any]) -> float | None:
    """Seconds spent on reading and writing, from nanoseconds; loading the model is not counted. None: not reported."""
    return gpu_seconds_of((answer.get("prompt_eval_duration"), answer.get("eval_duration")), 1e9)


LOOK_SECONDS = 5.0
"""How long a server may take to list its models."""


def _findings(settings: ModelSettings, environment: Environment) -> Iterator[Finding]:
    """Of each server: whether it answers, and whether the model is pulled there."""
    for client in _lookouts(settings, environment):
        place = shown(client.url)
        try:
            lack = _lack(client, settings.model)
        except _UNLIKE_OLLAMA:
            yield "note", f"{place} answers, but not as Ollama does; if nothing is solved, correct OLLAMA_HOST"
        else:
            yield ("missing", lack) if lack else ("ok", f"{place} has {_tagged(settings.model)}")


def _why_unreachable(settings: ModelSettings, environment: Environment, workers: int) -> str | None:  # noqa: ARG001
    """As the first of the servers lacks it, where all do. One that does not list its models as Ollama does may still
    answer.
    """
    lacks = []
    for client in _lookouts(settings, environment):
        try:
            lack = _lack(client, settings.model)
        except _UNLIKE_OLLAMA:
            return None
        if lack is None:
            return None
        lacks.append(lack)
    return lacks[0]


_UNLIKE_OLLAMA = (MayPass, Refused, KeyError, TypeError)
"""What comes of an answer that Ollama would not give."""


def _lookouts(settings: ModelSettings, environment: Environment) -> list[HttpClient]:
    key, redact = SERVICE.key(environment), SERVICE.redactor(settings, environment)
    return [HttpClient(url, LOOK_SECONDS, key, redact) for url in SERVICE.urls(settings, environment)]


def _lack(client: HttpClient, model: str) -> str | None:
    """That the server does not answer or does not have the model, and what to do about it. Raises _UNLIKE_OLLAMA."""
    place = shown(client.url)
    try:
        pulled = {plain_tag(name_of(each["name"], "")) for each in client.get("/api/tags")["models"]}
    except Unanswered:
        return f"{place} does not answer; run `ollama serve` there, or correct OLLAMA_HOST"
    except Refused as refusal:
        why = why_for_good(refusal, "OLLAMA_API_KEY")
        if why is None:
            raise
        return f"{place}{why}"
    if plain_tag(model) not in pulled:
        return f"{place} answers, but does not have the model; run `ollama pull {model}` there"
    return None


def _tagged(model: str) -> str:
    return model if ":" in model.rpartition("/")[2] else f"{model}:latest"


def _window_at(settings: ModelSettings, environment: Environment, url: str) -> int | None:
    """That of the model: the server takes no more of a prompt, whatever it is asked for."""
    key, redact = SERVICE.key(environment), SERVICE.redactor(settings, environment)
    try:
        shown_of = HttpClient(url, LOOK_SECONDS, key, redact).post("/api/show", {"model": settings.model})
    except (MayPass, Refused):
        return None
    about = _mapping(shown_of.get("model_info"))
    told = about.get(f"{about.get('general.architecture')}.context_length")
    return told if type(told) is int and 0 < told <= MOST_TOKENS else None


def _identity(settings: ModelSettings, environment: Environment) -> Identity:
    """A tag may be pulled anew at any time, with other weights behind it."""
    return sum((_identity_at(client, settings.model) for client in _lookouts(settings, environment)), Identity())


def _identity_at(client: HttpClient, model: str) -> Identity:
    try:
        listed = client.get("/api/tags")["models"]
        found: Mapping[str, Any] = next(
            (each for each in listed if plain_tag(name_of(each["name"], "")) == plain_tag(model)), {}
        )
        told = {"digest": found.get("digest"), "quantization": _mapping(found.get("details")).get("quantization_level")}
        version = client.get("/api/version").get("version")
    except _UNLIKE_OLLAMA:
        return Identity()
    weights = {name: name_of(text, "") for name, text in told.items() if isinstance(text, str) and text.strip()}
    return Identity(weights, f"Ollama {name_of(version, '')}".strip())


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def plain_tag(model: str) -> str:
    """The same for all that Ollama takes for the same name: its case, its default place and tag do not count."""
    name = model.lower()
    for place in ("https://", "http://", "registry.ollama.ai/", "ollama.com/", "library/"):
        name = name.removeprefix(place)
    return _tagged(name)


BACKEND = Backend(
    name="ollama",
    service=SERVICE,
    options={**CALLING, **_SAMPLING, **_FIELDS},
    cost=OWN_MACHINE,
    frontier=False,
    simulated=never,
    requirements=SERVICE.fault,
    findings=_findings,
    open=open_model,
    why_unreachable=_why_unreachable,
    window_at=_window_at,
    identity=_identity,
)
