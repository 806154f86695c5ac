"""A loopback server with OpenAI's chat completions."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pytest_koderz.core.iteration import StopReason
from pytest_koderz.core.money import Usage

from .script import Answer, HttpStatus, Script
from .server import Body, LoopbackServer, Request, estimate, json_body

_REASONS = {
    StopReason.END: "stop",
    StopReason.MAX_TOKENS: "length",
    StopReason.CONTEXT: "length",
    StopReason.REFUSAL: "content_filter",
}


class OpenAIServer(LoopbackServer):
    """POST /v1/chat/completions, streaming or not; GET /v1/models."""

    def __init__(self, script: Script = (), *, counts: bool = True) -> None:
        """*counts*: with each piece of a stream it tells the tokens so far, where it is asked to, as vLLM does."""
        super().__init__(script)
        self._counts = counts

    def is_scripted(self, request: Request) -> bool:
        return request.method == "POST" and request.path == "/v1/chat/completions"

    def plain(self, request: Request) -> Body | HttpStatus:
        if request.path == "/v1/models":
            return json_body({"object": "list", "data": [{"id": "loopback", "object": "model"}]})
        return super().plain(request)

    def usage_of(self, answer: Answer, request: Request) -> Usage:
        prompt = "".join(str(message.get("content", "")) for message in request.body.get("messages", ()))
        return Usage(
            estimate(prompt) if answer.input_tokens is None else answer.input_tokens,
            estimate(answer.text) if answer.output_tokens is None else answer.output_tokens,
            cache_read=answer.cache_read,
        )

    def body_of(self, answer: Answer, usage: Usage, request: Request) -> Body:
        message = {"role": "assistant", "content": answer.text}
        if answer.thinking:
            message["reasoning_content"] = answer.thinking
        head = self._head(request) | {"model": answer.model or request.body.get("model")}
        if not request.body.get("stream"):
            choice = {"index": 0, "message": message, "finish_reason": _REASONS[answer.stop]}
            return json_body(head | {"object": "chat.completion", "choices": [choice], "usage": _told(usage)})
        chunks = [head | {"choices": [_delta(message)]}, head | {"choices": [_delta({}, _REASONS[answer.stop])]}]
        if _options(request).get("include_usage"):
            chunks.append(head | {"choices": [], "usage": _told(usage)})
        return _events([*map(json.dumps, chunks), "[DONE]"])

    def begun(self, pieces: Sequence[str], request: Request) -> Body:
        if not request.body.get("stream"):
            return Body(b"")
        read, head = self.usage_of(Answer(""), request), self._head(request)
        counts = self._counts and _options(request).get("continuous_usage_stats")
        chunks = [
            head
            | {"choices": [_delta({"content": piece})]}
            | ({"usage": _told(replace(read, output=number))} if counts else {})
            for number, piece in enumerate(pieces, start=1)
        ]
        return _events(map(json.dumps, chunks))

    def _head(self, request: Request) -> dict[str, Any]:
        told = {"id": f"chatcmpl-{len(self.requests)}", "object": "chat.completion.chunk", "created": 1767225600}
        return {**told, "model": request.body.get("model")}

    def error_of(self, status: HttpStatus) -> object:
        return {"error": {"message": status.message, "type": "invalid_request_error", "code": status.code}}


def _told(usage: Usage) -> dict[str, Any]:
    return {
        "prompt_tokens": usage.prompt,
        "completion_tokens": usage.output,
        "total_tokens": usage.prompt + usage.output,
        "prompt_tokens_details": {"cached_tokens": usage.cache_read},
    }


def _delta(delta: Mapping[str, Any], finish_reason: str | None = None) -> dict[str, Any]:
    return {"index": 0, "delta": delta, "finish_reason": finish_reason}


def _options(request: Request) -> Mapping[str, Any]:
    options: Mapping[str, Any] = request.body.get("stream_options") or {}
    return options


def _events(data: Iterable[str]) -> Body:
    return Body("".join(f"data: {each}\n\n" for each in data).encode(), "text/event-stream")
