"""OpenAI's chat completions, as several back ends speak them."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from typing import Any

from pytest_koderz.core.arm import ModelSettings
from pytest_koderz.core.iteration import StopReason
from pytest_koderz.core.money import Usage
from pytest_koderz.core.ports import Prompt, Reply

from .http.retry import MayPass

DEFAULT_TEMPERATURE = 0.8
"""llama.cpp's own, to which a prompt's heat is added where koderz.yaml sets no temperature."""


def messages_of(prompt: Prompt) -> list[dict[str, str]]:
    system = [{"role": "system", "content": prompt.system}] if prompt.system else []
    return [*system, {"role": "user", "content": prompt.user}]


def temperature_of(prompt: Prompt, settings: ModelSettings) -> dict[str, float]:
    """The parameter `temperature`; none where the server's own is to hold."""
    if settings.temperature is None and not prompt.heat:
        return {}
    base = DEFAULT_TEMPERATURE if settings.temperature is None else settings.temperature
    return {"temperature": round(min(base + prompt.heat, 2.0), 6)}


def is_too_long(words: str) -> bool:
    """Whether a refusal says that the prompt alone outgrows the window, in llama.cpp's or Ollama's words.

    Others refuse in the same words a prompt that leaves too little room for `max_tokens`, which is the user's to mend.
    """
    return "exceeds the available context size" in words or "exceeds the context length" in words


def too_long(model: str, words: str) -> Reply:
    """The reply to a prompt that does not fit: a named outcome of the model, which read and wrote nothing."""
    return Reply("", Usage(), model, StopReason.CONTEXT, warnings=(f"the prompt does not fit: {words}",))


def reply_of(answer: Mapping[str, Any], prompt: Prompt, settings: ModelSettings, seconds: float) -> Reply:
    """The first choice of a chat completion. Raises MayPass where it is none."""
    try:
        choice = answer["choices"][0]
        message = choice["message"]
        text = _text(message.get("content"))
        usage, warnings = _usage(answer, prompt, text)
    except (KeyError, IndexError, TypeError, AttributeError):
        raise MayPass("it answered something that is no chat completion") from None
    return Reply(
        text,
        usage,
        str(answer.get("model") or settings.model),
        StopReason.REFUSAL if message.get("refusal") else _stop(choice, usage, settings.max_tokens),
        seconds,
        _gpu_seconds(answer),
        warnings,
    )


def _text(content: object) -> str:
    """A text, the texts of several parts, or nothing. Raises TypeError for anything else."""
    if isinstance(content, list):
        return "".join(_text(part.get("text")) for part in content)
    if content is None or isinstance(content, str):
        return content or ""
    raise TypeError(content)


def _usage(answer: Mapping[str, Any], prompt: Prompt, text: str) -> tuple[Usage, tuple[str, ...]]:
    """The server's counts, with cached tokens apart; where there are none, an estimate and a warning."""
    counts = answer.get("usage")
    if not isinstance(counts, dict):
        sent = len(prompt.system) + len(prompt.user)
        return Usage(sent // 4, len(text) // 4), ("the server did not count tokens; taken as characters / 4",)
    cached = operator.index((counts.get("prompt_tokens_details") or {}).get("cached_tokens") or 0)
    read, written = operator.index(counts["prompt_tokens"]), operator.index(counts.get("completion_tokens") or 0)
    return Usage(read - cached, written, cache_read=cached), ()


def _stop(choice: Mapping[str, Any], usage: Usage, max_tokens: int) -> StopReason:
    match choice.get("finish_reason"):
        case "length":
            return StopReason.CONTEXT if usage.output < max_tokens else StopReason.MAX_TOKENS
        case "content_filter":
            return StopReason.REFUSAL
        case _:
            return StopReason.END


def _gpu_seconds(answer: Mapping[str, Any]) -> float | None:
    """llama-server's own timings, from milliseconds. None: the server reports none."""
    timings = answer.get("timings")
    if not isinstance(timings, dict):
        return None
    known = [timings[name] for name in ("prompt_ms", "predicted_ms") if isinstance(timings.get(name), int | float)]
    return sum(known) / 1000 if known else None
