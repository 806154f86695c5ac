"""Any server that speaks OpenAI's chat completions: vLLM, llama-server, LM Studio, OpenAI itself."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, ClassVar
from urllib.parse import urlsplit

from pytest_koderz.core.arm import ModelSettings
from pytest_koderz.core.ports import Prompt, Reply
from pytest_koderz.core.withdrawal import in_flight
from pytest_koderz.files.usage_error import UsageError

from .backend import OWN_MACHINE, Backend, CostRule, Environment, Finding, Identity, Surroundings, never
from .completions import begun, characters_of, gpu_seconds, messages_of, reply_of, temperature_of
from .http.client import HttpClient
from .http.failures import check_error, is_window
from .http.hosts import Service, is_own, shown
from .http.retry import CALLING, Caller, MayPass, Refused, why_for_good
from .kinds_of_server import (
    LLAMA_CPP,
    LOOK_SECONDS,
    WEIGHTS,
    answers_by_itself,
    identity_at,
    listing_of,
    slots_at,
    window_at,
)
from .options import EXTRA_BODY, KEEP_ALIVE, THINK, Option, fields_of
from .served import CutShort, JsonModel, PooledModel, ServedModel, is_same_model, listed_in, name_of
from .streamed_replies import CompletionPieces, Pieces
from .token_counts import cut_warning, told_by_openai

KEY = "OPENAI_API_KEY"
OPENAI = "https://api.openai.com"
# The port is vLLM's own.
SERVICE = Service("OPENAI_BASE_URL", KEY, default=OPENAI, port=8000)

MAX_TOKENS = "max_completion_tokens"
STREAM_OPTIONS = "stream_options"

SHOWN = 3
"""Models of a server that the doctor names, where the one that it was asked for is not among them."""

_FIELDS = {
    **{name: Option(float) for name in ("top_p", "min_p", "frequency_penalty", "presence_penalty")},
    # llama-server's name and vLLM's.
    **{name: Option(float) for name in ("repeat_penalty", "repetition_penalty")},
    "top_k": Option(int),
    **{name: Option(str) for name in ("reasoning_effort", "verbosity", "service_tier")},
    "chat_template_kwargs": Option(dict),
    # Of Ollama's /v1.
    "think": THINK,
    "keep_alive": KEEP_ALIVE,
    EXTRA_BODY: Option(dict),
}
"""What the request may hold besides."""


def _requirements(settings: ModelSettings, environment: Environment) -> str | None:
    """What is missing or wrong: only OpenAI's own service must have a key."""
    wrong = SERVICE.fault(settings, environment)
    if wrong is not None or SERVICE.key(environment) is not None:
        return wrong
    if not any(map(_is_openais, SERVICE.urls(settings, environment))):
        return None
    return (
        f"{KEY} is not set; the model {settings.name!r} needs it for {OPENAI} "
        "(for a server of your own, name it under `hosts:` in koderz.yaml)"
    )


def open_model(settings: ModelSettings, surroundings: Surroundings) -> ServedModel | PooledModel:
    """The model of *settings* on its servers; a base URL may end in /v1 or leave it out.

    The servers are `settings.hosts`, else those in `OPENAI_BASE_URL`, separated by commas, else OpenAI's own.
    """
    return OpenAIModel.opened(SERVICE, settings, surroundings)


class OpenAIModel(JsonModel):
    """A Model. Several threads may use it."""

    look = "/v1/models"
    # Whoever knows no streams answers at once.
    needed = JsonModel.needed - {"stream"}
    also_called: ClassVar = {STREAM_OPTIONS: ("include_usage", "continuous_usage_stats")}

    def __init__(self, settings: ModelSettings, client: HttpClient, caller: Caller) -> None:
        super().__init__(settings, client, caller)
        self._times_itself = settings.identity.get("server", "").startswith(LLAMA_CPP)
        """Whether its server tells how long it took."""

    def slots(self) -> int | None:
        """llama-server tells them; vLLM does not."""
        return slots_at(replace(self._client, timeout=LOOK_SECONDS)) if is_own(self._client.url) else None

    def _attempt(self, prompt: Prompt) -> Reply:
        began = time.monotonic()
        try:
            answer = self._answer(self._body(prompt))
        except CutShort as cut:
            return self._named(self._begun(prompt, cut.pieces, time.monotonic() - began))
        seconds = time.monotonic() - began
        reply = self._named(reply_of(answer, prompt, self.settings, seconds, self._client.redact))
        self._times_itself = self._times_itself or reply.gpu_seconds is not None
        sent, read = characters_of(prompt), told_by_openai(answer.get("usage")).prompt
        return reply.warned(cut_warning(sent, read)) if self._density.is_cut(sent, read) else reply

    def _begun(self, prompt: Prompt, pieces: Pieces, seconds: float) -> Reply:
        """A server that tells its time only at the end was at work for no longer than the call lasted."""
        longest = seconds if self._times_itself else None
        taken = gpu_seconds(pieces.answer)
        return begun(pieces, prompt, self.settings, seconds, longest if taken is None else taken)

    def _named(self, reply: Reply) -> Reply:
        """Some servers repeat the name that they were asked for, whatever it is that they serve."""
        serves = self.settings.identity.get(WEIGHTS, reply.model_id)
        echo = reply.model_id == self.settings.model and not is_same_model(reply.model_id, serves)
        return replace(reply, model_id=serves) if echo else reply

    def _sent(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        path = "/v1/chat/completions"
        if body.get("stream"):
            answer = self._put_together(path, body, CompletionPieces())
        else:
            answer = self._client.post(path, body)
        check_error(answer, self._client.redact)
        return answer

    def _instead_of(self, name: str, words: str) -> str | None:
        """OpenAI's reasoning models take no `max_tokens`."""
        return MAX_TOKENS if name == "max_tokens" and MAX_TOKENS in words else None

    def _body(self, prompt: Prompt) -> dict[str, Any]:
        return {
            "model": self.settings.model,
            "messages": messages_of(prompt),
            "max_tokens": self.settings.max_tokens,
            "seed": prompt.seed,
            **fields_of(self._options, _FIELDS),
            **temperature_of(prompt, self.settings),
            **self._streaming(),
        }

    def _streaming(self) -> dict[str, Any]:
        """So that the call can be cancelled, and what it cost until then is told: with each piece by vLLM and SGLang in
        `usage`, by llama-server in `timings`. A server of others may refuse what it does not know.
        """
        if in_flight.get() is None:
            return {}
        if not is_own(self._client.url):
            return {"stream": True, STREAM_OPTIONS: {"include_usage": True}}
        options = {"include_usage": True, "continuous_usage_stats": True}
        return {"stream": True, STREAM_OPTIONS: options, "timings_per_token": True}

    def _what_to_do(self, refusal: Refused) -> str:
        model, host = self.settings.model, self._caller.host
        if is_window(refusal.words):
            advice = "prompt and `max_tokens` do not fit the window; lower `max_tokens`, or set `context_tokens` to it"
            return f"{host}: {advice} (status {refusal.status}: {refusal.words})"
        advice = {
            401: f"the server does not know the key; check {KEY}",
            403: f"the key in {KEY} may not use the model {model!r}",
            429: "the account has nothing left to spend; check its billing",
            404: f"there is no model {model!r} or no /v1/chat/completions; check `model` and `hosts` in koderz.yaml",
        }.get(refusal.status or 0, f"the server refuses the request for {model!r}")
        return f"{host}: {advice} (status {refusal.status}: {refusal.words})"


def _identity(settings: ModelSettings, environment: Environment) -> Identity:
    """Of servers of one's own, some of which ignore the name that they are asked for."""
    key, redact = SERVICE.key(environment), SERVICE.redactor(settings, environment)
    own = [url for url in SERVICE.urls(settings, environment) if is_own(url)]
    return sum(
        (identity_at(HttpClient(url, LOOK_SECONDS, key, redact), settings.model) for url in own), start=Identity()
    )


def _findings(settings: ModelSettings, environment: Environment) -> Iterator[Finding]:
    """Of each server of one's own: whether it answers, and whether it lists the model. Others are not asked."""
    key, redact = SERVICE.key(environment), SERVICE.redactor(settings, environment)
    for url in SERVICE.urls(settings, environment):
        place = shown(url)
        if is_own(url):
            client = HttpClient(url, LOOK_SECONDS, key, redact)
            yield _finding(client, place, settings.model)
            window = window_at(client, settings.model) if settings.context_tokens is None else None
            if window is not None:
                yield (
                    "note",
                    f"{place} has {window} tokens for a prompt and its reply; write `context_tokens: {window}`",
                )
        else:
            yield "ok", f"nothing is missing; {place} is not asked beforehand"


def _finding(client: HttpClient, place: str, model: str) -> Finding:
    """Without `/v1/models` a server may do all the same: only one that nobody hears is missing."""
    try:
        listed = listed_in(client.get("/v1/models"), "data")
    except MayPass as fault:
        return "missing", f"{place} does not answer; start the server, or correct `hosts` in koderz.yaml ({fault})"
    except Refused as refusal:
        lack = _lack_of(client, refusal)
        return ("missing", lack) if lack else ("note", f"{place} does not tell which models it has: {refusal.words}")
    names = [name_of(each.get("id"), "") for each in listed]
    if any(is_same_model(model, name) for name in names):
        return "ok", f"{place} has {model}"
    return "note", f"{place} answers, but does not list {model!r}; it has: {', '.join(names[:SHOWN]) or 'no model'}"


def _why_unreachable(settings: ModelSettings, environment: Environment, workers: int) -> str | None:  # noqa: ARG001
    """As the first of the servers refuses, where all do. One that does not answer yet is waited for, and may come."""
    key, redact = SERVICE.key(environment), SERVICE.redactor(settings, environment)
    lacks = []
    for url in SERVICE.urls(settings, environment):
        lack = _lack(HttpClient(url, LOOK_SECONDS, key, redact)) if is_own(url) else None
        if lack is None:
            return None
        lacks.append(lack)
    return lacks[0]


def _lack(client: HttpClient) -> str | None:
    try:
        client.get("/v1/models")
    except MayPass:
        return None
    except Refused as refusal:
        return _lack_of(client, refusal)
    return None


def _lack_of(client: HttpClient, refusal: Refused) -> str | None:
    """Why no call will be answered, in a line with the cure; None where the refusal is of this question alone."""
    why = why_for_good(refusal, KEY)
    root = urlsplit(client.url)
    if why is None and refusal.status == 404 and root.path.strip("/"):
        elsewhere = replace(client, url=f"{root.scheme}://{root.netloc}")
        if listing_of(elsewhere) is not None:
            why = f" has nothing under {root.path}, but answers at {shown(elsewhere.url)}/v1; correct `hosts`"
    return None if why is None else f"{shown(client.url)}{why}"


def _is_openais(url: str) -> bool:
    name = urlsplit(url).hostname or ""
    return name == urlsplit(OPENAI).hostname or name.endswith(".api.openai.com")


def _cost_at(settings: ModelSettings, environment: Environment) -> CostRule:
    """OpenAI's own list holds for OpenAI's own service. On one's own network a server is free that says it is one of
    those that only ever answer by themselves; a gateway, which may pay for what it passes on, says so of nothing.
    """
    try:
        urls = SERVICE.urls(settings, environment)
    except UsageError:
        return BACKEND.cost
    if all(map(_is_openais, urls)):
        return BACKEND.cost
    key, redact = SERVICE.key(environment), SERVICE.redactor(settings, environment)
    if all(
        is_own(url) and answers_by_itself(HttpClient(url, LOOK_SECONDS, key, redact), settings.model) for url in urls
    ):
        return OWN_MACHINE
    return replace(BACKEND.cost, elsewhere=True)


def _slots_at(settings: ModelSettings, environment: Environment, url: str) -> int | None:
    """llama-server tells them; vLLM does not."""
    if not is_own(url):
        return None
    return slots_at(HttpClient(url, LOOK_SECONDS, SERVICE.key(environment), SERVICE.redactor(settings, environment)))


def _window_at(settings: ModelSettings, environment: Environment, url: str) -> int | None:
    if not is_own(url):
        return None
    key, redact = SERVICE.key(environment), SERVICE.redactor(settings, environment)
    return window_at(HttpClient(url, LOOK_SECONDS, key, redact), settings.model)


BACKEND = Backend(
    name="openai",
    service=SERVICE,
    options={**CALLING, **_FIELDS},
    cost=CostRule("openai"),
    cost_at=_cost_at,
    identity=_identity,
    slots_at=_slots_at,
    window_at=_window_at,
    frontier=True,
    simulated=never,
    requirements=_requirements,
    findings=_findings,
    why_unreachable=_why_unreachable,
    open=open_model,
)
