"""Answers that are no answer: an error whatever the status it came with, and an ending that is none."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from pytest_koderz.backends.redaction import Redactor
from pytest_koderz.core.iteration import StopReason
from pytest_koderz.core.ports import Reply
from pytest_koderz.files.visible_text import LONGEST

from .retry import TRANSIENT, UNTOLD, MayPass, Refused, retry_after

SPENT = "insufficient_quota"
"""OpenAI's code of a 429 that waiting does not end: the account has no money left."""

_STATUSES = {
    # Anthropic's types of errors.
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "api_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
    # OpenAI's codes and types, and llama-server's.
    "context_length_exceeded": 400,
    "exceed_context_size_error": 400,
    "invalid_api_key": 401,
    "model_not_found": 404,
    SPENT: 429,
    "rate_limit_exceeded": 429,
    "server_error": 500,
    "unavailable_error": 503,
}

BROKEN_OFF = frozenset({"error", "abort", "insufficient_system_resource", "network_error"})
"""What services call the end of a reply that they could not finish: OpenRouter and Mistral, SGLang and vLLM, DeepSeek,
and Zhipu.
"""


class Wordless(MayPass):
    """A turn that ended without a word, which the next may not."""

    def __init__(self, reply: Reply) -> None:
        super().__init__("it ended its turn without a word", alive=True, passing=False)
        self.reply = reply


def is_too_long(words: str) -> bool:
    """Whether a refusal says that the prompt alone outgrows the window, in llama.cpp's or Ollama's words.

    Others refuse in the same words a prompt that leaves too little room for `max_tokens`, which is the user's to mend.
    """
    return "exceeds the available context size" in words or "exceeds the context length" in words


def is_window(words: str) -> bool:
    """Whether a refusal speaks of the window, which is no setting that could be left out."""
    return "context length" in words or "context window" in words or is_too_long(words)


def failure_of_status(
    status: int, words: str, headers: Mapping[str, str] | None = None, *, spent: bool = False
) -> MayPass | Refused:
    """The error of an HTTP status that comes with *words*; *spent*: waiting does not help an account without money."""
    if status not in TRANSIENT or spent:
        return Refused(status, words, lasting=True if spent else None)
    return MayPass(
        f"status {status}: {words}",
        retry_after=retry_after(headers or {}),
        alive=status == 429,
        # Of 500s "error loading model" is for good; llama-server and Ollama load under a 503.
        loading=status == 503 and "loading" in words.lower(),
        unbilled=status not in UNTOLD,
    )


def check_error(answer: Mapping[str, Any], redact: Redactor) -> None:
    """Raises what a body of status 200 says that has an error in it; nothing where there is none."""
    error = answer.get("error")
    if not error and answer.get("type") == "error":
        error = answer
    if error:
        raise _failure_of_error(error, redact)


def check_ending(choice: Mapping[str, Any], reason: object, redact: Redactor) -> None:
    """Raises where a reply was broken off by the service. What it wrote until then may be billed."""
    error = choice.get("error")
    kind = reason.get("type") if isinstance(reason, dict) else reason
    if error or str(kind) in BROKEN_OFF:
        failure = _failure_of_error(error or reason or "no error given", redact)
        if isinstance(failure, Refused):
            raise failure
        raise MayPass(f"it broke the reply off: {failure}", retry_after=failure.retry_after, alive=failure.alive)


def checked_end(reply: Reply, thought: object, *, called: bool = False) -> Reply:
    """*reply*; where it says nothing, with a warning that names why. Raises Wordless.

    *thought* is what the model thought before it, *called* whether it called a tool instead.
    """
    if reply.text.strip() or reply.stop_reason is StopReason.REFUSAL:
        return reply
    if reply.stop_reason is not StopReason.END:
        words = "all its tokens went into thinking" if thought else "it was cut before its first word"
        return reply.warned(f"an empty reply: {words}; raise `max_tokens` or the window")
    if not reply.usage.output:
        raise MayPass("it answered without a word, nor a token", alive=True, passing=False)
    if thought:
        return reply.warned("an empty reply: it thought, and gave no answer")
    if called:
        return reply.warned("an empty reply: it called a tool, and there is none")
    raise Wordless(reply.warned("an empty reply: it ended its turn without a word"))


def words_of(text: str) -> str:
    """The message in the body of an error, else the body itself."""
    try:
        return "; ".join(dict.fromkeys(_said(json.loads(text)))) or text
    except (ValueError, RecursionError):
        return text


def _failure_of_error(error: object, redact: Redactor) -> MayPass | Refused:
    words = redact.quoted("; ".join(dict.fromkeys(_said(error))) or str(error)[:LONGEST])
    status = _status_of(error)
    if status is None and is_too_long(words):
        status = 400
    if status is None:
        return MayPass(f"it answered with an error ({words})")
    return failure_of_status(status, words, spent=isinstance(error, dict) and SPENT in map(error.get, ("code", "type")))


def _status_of(error: object, depth: int = 0) -> int | None:
    """The HTTP status that an error in a body stands for. None: it does not say."""
    if not isinstance(error, dict) or depth > _DEEPEST:
        return None
    for told in (error.get("code"), error.get("status"), error.get("type"), error.get("error")):
        if isinstance(told, dict):
            return _status_of(told, depth + 1)
        number = int(told) if isinstance(told, str) and told.isdecimal() and len(told) == 3 else told
        if type(number) is int and 400 <= number < 600:
            return number
        if isinstance(told, str) and told in _STATUSES:
            return _STATUSES[told]
    return None


_DEEPEST = 5
"""Levels of an error that are looked into."""


def _said(error: object, depth: int = 0) -> Iterator[str]:
    """What an error says: in Ollama's shape, OpenAI's, OpenRouter's (with the provider's own words) or FastAPI's.

    FastAPI names the field that it refuses apart from the message, and repeats what was sent beside it.
    """
    if isinstance(error, str):
        yield error
    elif depth > _DEEPEST:
        return
    elif isinstance(error, list):
        for each in error:
            yield from _said(each, depth + 1)
    elif isinstance(error, dict):
        place = error.get("loc")
        if isinstance(place, list) and "msg" in error:
            yield f"{place[-1] if place else ''}: {error['msg']}"
            return
        for key in ("error", "message", "detail"):
            yield from _said(error.get(key), depth + 1)
        param = error.get("param")
        if isinstance(param, str) and param not in str(error.get("message")):
            yield f"`{param}`"
        metadata = error.get("metadata")
        if isinstance(metadata, dict):
            yield from _said(metadata.get("provider_name"))
            yield from _said(metadata.get("raw"))
