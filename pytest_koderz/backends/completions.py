"""OpenAI's chat completions, as several back ends speak them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pytest_koderz.core.arm import ModelSettings
from pytest_koderz.core.iteration import StopReason
from pytest_koderz.core.money import Usage
from pytest_koderz.core.ports import Prompt, Reply

from .http.failures import check_ending, check_error, checked_end
from .http.retry import MayPass
from .redaction import NO_SECRETS, Redactor
from .served import name_of
from .streamed_replies import THOUGHTS, Pieces
from .token_counts import gpu_seconds_of, told_by_openai, usage_of

DEFAULT_TEMPERATURE = 0.8
"""llama.cpp's own, to which a prompt's heat is added where koderz.yaml sets no temperature."""


def messages_of(prompt: Prompt) -> list[dict[str, str]]:
    system = [{"role": "system", "content": prompt.system}] if prompt.system else []
    return [*system, {"role": "user", "content": prompt.user}]


def characters_of(prompt: Prompt) -> int:
    return len(prompt.system) + len(prompt.user)


def temperature_of(prompt: Prompt, settings: ModelSettings) -> dict[str, float]:
    """The parameter `temperature`; none where the server's own is to hold."""
    if settings.temperature is None and not prompt.heat:
        return {}
    base = DEFAULT_TEMPERATURE if settings.temperature is None else settings.temperature
    return {"temperature": round(min(base + prompt.heat, 2.0), 6)}


def reply_of(
    answer: Mapping[str, Any], prompt: Prompt, settings: ModelSettings, seconds: float, redact: Redactor = NO_SECRETS
) -> Reply:
    """The first choice of a chat completion. Raises MayPass or Refused where it is none."""
    check_error(answer, redact)
    try:
        choice = answer["choices"][0]
        message = choice["message"]
        check_ending(choice, choice.get("finish_reason"), redact)
        text, thought = _text(message.get("content")), _thought(message)
        called = bool(message.get("tool_calls"))
    except (KeyError, IndexError, TypeError, AttributeError):
        raise MayPass("it answered something that is no chat completion") from None
    usage, warnings = _usage(answer, prompt, len(text) + thought, settings)
    reply = Reply(
        text,
        usage,
        name_of(answer.get("model"), settings.model),
        StopReason.REFUSAL if message.get("refusal") else _stop(choice, usage, settings.max_tokens),
        seconds,
        gpu_seconds(answer),
        warnings,
    )
    return checked_end(reply, thought, called=called)


def begun(pieces: Pieces, prompt: Prompt, settings: ModelSettings, seconds: float, gpu_seconds: float | None) -> Reply:
    """What there is of a reply that was cancelled.

    Its tokens are those that the server had told; else the prompt's characters / 4, and a token for each piece that
    came, which is the least that was written.
    """
    told, window = pieces.told, settings.context_tokens
    usage, doubts = usage_of(told, characters_of(prompt), pieces.written, window)
    counted = told.output is not None and not doubts
    return Reply(
        "".join(pieces.texts.get("content", ())),
        usage if counted else replace(usage, output=pieces.number),
        name_of(pieces.answer.get("model"), settings.model),
        StopReason.CANCELLED,
        seconds,
        gpu_seconds,
        counted=counted,
    )


def _thought(message: Mapping[str, Any]) -> int:
    """Characters that the model thought before it answered, which stand apart under one of these names."""
    told = (message.get(name) for name in THOUGHTS)
    return max(len(each) if isinstance(each, str) else 0 for each in told)


def _text(content: object) -> str:
    """A text, the texts of several parts, or nothing. Raises TypeError for anything else."""
    if isinstance(content, list):
        return "".join(_text(part.get("text")) for part in content)
    if content is None or isinstance(content, str):
        return content or ""
    raise TypeError(content)


def _usage(
    answer: Mapping[str, Any], prompt: Prompt, written: int, settings: ModelSettings
) -> tuple[Usage, tuple[str, ...]]:
    told = told_by_openai(answer.get("usage"))
    return usage_of(told, characters_of(prompt), written, settings.context_tokens)


def _stop(choice: Mapping[str, Any], usage: Usage, max_tokens: int) -> StopReason:
    match choice.get("finish_reason"):
        case "length" | "model_length":
            return StopReason.CONTEXT if usage.output < max_tokens else StopReason.MAX_TOKENS
        case "content_filter" | "sensitive":
            return StopReason.REFUSAL
        case _:
            return StopReason.END


def gpu_seconds(answer: Mapping[str, Any]) -> float | None:
    """llama-server's own timings, from milliseconds. None: the server reports none."""
    timings = answer.get("timings")
    if not isinstance(timings, dict):
        return None
    return gpu_seconds_of((timings.get("prompt_ms"), timings.get("predicted_ms")), 1e3)
