"""Ollama's native chat API."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from pytest_koderz.core.arm import ModelSettings
from pytest_koderz.core.iteration import StopReason
from pytest_koderz.core.money import Usage
from pytest_koderz.core.ports import Prompt, Reply

from .backend import OWN_MACHINE, Backend, Environment, Finding, Surroundings, never
from .http.client import HttpClient, ServedModel
from .http.hosts import Service, shown
from .http.retry import CALLING, Caller, MayPass, Refused, Unanswered
from .options import Option

SERVICE = Service("OLLAMA_HOST", "OLLAMA_API_KEY", default="127.0.0.1:11434", port=11434)
DEFAULT_TEMPERATURE = 0.8
"""Ollama's own, to which a prompt's heat is added where koderz.yaml sets none."""

SMALLEST_CONTEXT = 4096
CHARACTERS_PER_TOKEN = 3
"""A low estimate, so that the context window is chosen too large rather than too small."""
MOST_CHARACTERS_PER_TOKEN = 6
"""No current tokenizer reaches this on code and English: fewer prompt tokens than this gives were cut off."""

_SAMPLING = {
    "top_k": Option(int),
    "top_p": Option(float),
    "min_p": Option(float),
    "repeat_penalty": Option(float),
    "num_gpu": Option(int),
    "num_thread": Option(int),
}


def open_model(settings: ModelSettings, surroundings: Surroundings) -> OllamaModel:
    """The model of *settings* on the server of this worker: the K-th, modulo their number.

    The servers are `settings.hosts`, else those in `OLLAMA_HOST`, separated by commas, else http://127.0.0.1:11434.
    """
    return OllamaModel.opened(SERVICE, settings, surroundings)


class OllamaModel(ServedModel):
    """A Model. Several threads may use it."""

    look = "/api/version"

    def __init__(self, settings: ModelSettings, client: HttpClient, caller: Caller) -> None:
        super().__init__(settings, client, caller)
        self._context = settings.context_tokens or SMALLEST_CONTEXT

    def _attempt(self, prompt: Prompt) -> Reply:
        body = self._body(prompt)
        began = time.monotonic()
        answer = self._client.post("/api/chat", body)
        seconds = time.monotonic() - began
        text = self._text(answer)
        usage, warnings = _usage(prompt, text, answer, body["options"]["num_ctx"])
        return Reply(
            text,
            usage,
            str(answer.get("model") or self.settings.model),
            _stop(answer, self.settings.max_tokens),
            seconds,
            _gpu_seconds(answer),
            warnings,
        )

    def _text(self, answer: Mapping[str, Any]) -> str:
        """The reply's text; what a thinking model thought stands beside it and is left out."""
        try:
            text = answer["message"]["content"]
        except (KeyError, TypeError):
            # Ollama reports some failures with status 200 and {"error": ...}.
            words = self._client.redact.quoted(str(answer.get("error", "no error given")))
            raise MayPass(f"it answered without a message ({words})") from None
        if not isinstance(text, str) or answer.get("done") is False:
            raise MayPass("it answered with half a message")
        return text

    def _body(self, prompt: Prompt) -> dict[str, Any]:
        system = [{"role": "system", "content": prompt.system}] if prompt.system else []
        body: dict[str, Any] = {
            "model": self.settings.model,
            "messages": [*system, {"role": "user", "content": prompt.user}],
            "stream": False,
            "options": self._sampling(prompt),
        }
        return body | {name: self._options[name] for name in ("keep_alive", "think") if name in self._options}

    def _sampling(self, prompt: Prompt) -> dict[str, Any]:
        sampling = {name: self._options[name] for name in _SAMPLING if name in self._options}
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
            needed = _characters(prompt) // CHARACTERS_PER_TOKEN + self.settings.max_tokens
            self._context = max(self._context, 1 << (needed - 1).bit_length())
        return self._context

    def _what_to_do(self, refusal: Refused) -> str:
        model, host = self.settings.model, self._caller.host
        if refusal.status == 404:
            return f"{host}: the model {model!r} is not there; run `ollama pull {model}` ({refusal.words})"
        if refusal.status in (401, 403):
            return f"{host}: the server refuses access; check OLLAMA_API_KEY ({refusal.words})"
        return f"{host}: the server refuses the request for {model!r} (status {refusal.status}: {refusal.words})"


def _characters(prompt: Prompt) -> int:
    return len(prompt.system) + len(prompt.user)


_CUT = (
    "the server read {read} tokens of a prompt of {sent} characters (num_ctx {context}), so it cut a part off; "
    "raise context_tokens, or choose a model with a larger window"
)


def _usage(prompt: Prompt, text: str, answer: Mapping[str, Any], context: int) -> tuple[Usage, tuple[str, ...]]:
    """The server's counts, with a warning where they show that it read less than it was sent."""
    read, written = answer.get("prompt_eval_count"), answer.get("eval_count")
    sent = _characters(prompt)
    warnings: tuple[str, ...] = ()
    if not isinstance(read, int):
        read = sent // 4
        warnings = ("the server did not count the prompt's tokens; taken as characters / 4",)
    elif read >= context or read * MOST_CHARACTERS_PER_TOKEN < sent:
        warnings = (_CUT.format(read=read, sent=sent, context=context),)
    return Usage(read, written if isinstance(written, int) else len(text) // 4), warnings


def _stop(answer: Mapping[str, Any], max_tokens: int) -> StopReason:
    """A reply shorter than it might have been was cut by the context window."""
    if answer.get("done_reason") != "length":
        return StopReason.END
    written = answer.get("eval_count")
    return StopReason.CONTEXT if isinstance(written, int) and written < max_tokens else StopReason.MAX_TOKENS


def _gpu_seconds(answer: Mapping[str, Any]) -> float | None:
    """Seconds spent on reading and writing, from nanoseconds; loading the model is not counted. None: not reported."""
    durations = [answer.get("prompt_eval_duration"), answer.get("eval_duration")]
    known = [duration for duration in durations if isinstance(duration, int | float)]
    return sum(known) / 1e9 if known else None


LOOK_SECONDS = 5.0
"""How long a server may take to list its models."""


def _findings(settings: ModelSettings, environment: Environment) -> Iterator[Finding]:
    """Of each server: whether it answers, and whether the model is pulled there."""
    for client in _lookouts(settings, environment):
        place = shown(client.url)
        try:
            lack = _lack(client, settings.model)
        except _UNLIKE_OLLAMA:
            yield "missing", f"{place} answers, but not as Ollama does; correct OLLAMA_HOST or OLLAMA_API_KEY"
        else:
            yield ("missing", lack) if lack else ("ok", f"{place} has {_tagged(settings.model)}")


def _why_unreachable(settings: ModelSettings, environment: Environment, workers: int) -> str | None:
    """A server that does not list its models as Ollama does may still answer."""
    for client in _lookouts(settings, environment)[:workers]:
        with suppress(*_UNLIKE_OLLAMA):
            lack = _lack(client, settings.model)
            if lack is not None:
                return lack
    return None


_UNLIKE_OLLAMA = (MayPass, Refused, KeyError, TypeError)
"""What comes of an answer that Ollama would not give."""


def _lookouts(settings: ModelSettings, environment: Environment) -> list[HttpClient]:
    key, redact = SERVICE.key(environment), SERVICE.redactor(settings, environment)
    return [HttpClient(url, LOOK_SECONDS, key, redact) for url in SERVICE.urls(settings, environment)]


def _lack(client: HttpClient, model: str) -> str | None:
    """That the server does not answer or does not have the model, and what to do about it. Raises _UNLIKE_OLLAMA."""
    place = shown(client.url)
    try:
        pulled = {str(each["name"]) for each in client.get("/api/tags")["models"]}
    except Unanswered:
        return f"{place} does not answer; run `ollama serve` there, or correct OLLAMA_HOST"
    if _tagged(model) not in pulled:
        return f"{place} answers, but does not have the model; run `ollama pull {model}` there"
    return None


def _tagged(model: str) -> str:
    return model if ":" in model.rpartition("/")[2] else f"{model}:latest"


BACKEND = Backend(
    name="ollama",
    service=SERVICE,
    options={**CALLING, **_SAMPLING, "keep_alive": Option(str), "think": Option(bool)},
    cost=OWN_MACHINE,
    frontier=False,
    simulated=never,
    requirements=SERVICE.fault,
    findings=_findings,
    open=open_model,
    why_unreachable=_why_unreachable,
)
