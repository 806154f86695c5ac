"""A loopback server for the official Anthropic SDK."""

from __future__ import annotations

import json
from typing import Any

from pytest_koderz.core.iteration import StopReason
from pytest_koderz.core.money import Usage

from .script import Answer, HttpStatus
from .server import Body, LoopbackServer, Request, estimate, json_body

_STOPS = {
    StopReason.END: "end_turn",
    StopReason.MAX_TOKENS: "max_tokens",
    StopReason.CONTEXT: "model_context_window_exceeded",
    StopReason.REFUSAL: "refusal",
}

_ERRORS = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    529: "overloaded_error",
}


class AnthropicServer(LoopbackServer):
    """POST /v1/messages, streaming or not; /v1/messages/count_tokens."""

    def is_scripted(self, request: Request) -> bool:
        return request.method == "POST" and request.path == "/v1/messages"

    def plain(self, request: Request) -> Body | HttpStatus:
        if request.path == "/v1/messages/count_tokens":
            return json_body({"input_tokens": estimate(_prompt(request))})
        return super().plain(request)

    def usage_of(self, answer: Answer, request: Request) -> Usage:
        return Usage(
            estimate(_prompt(request)) if answer.input_tokens is None else answer.input_tokens,
            estimate(answer.text) if answer.output_tokens is None else answer.output_tokens,
            answer.cache_write,
            answer.cache_read,
        )

    def body_of(self, answer: Answer, usage: Usage, request: Request) -> Body:
        thinking = [{"type": "thinking", "thinking": answer.thinking, "signature": "c2lnbmVk"}]
        message = {
            "id": f"msg_{len(self.requests):08d}",
            "type": "message",
            "role": "assistant",
            "model": answer.model or request.body.get("model"),
            "content": [*(thinking if answer.thinking else []), {"type": "text", "text": answer.text}],
            "stop_reason": _STOPS[answer.stop],
            "stop_sequence": None,
            "usage": {
                "input_tokens": usage.input,
                "output_tokens": usage.output,
                "cache_creation_input_tokens": usage.cache_write,
                "cache_read_input_tokens": usage.cache_read,
            },
        }
        return _stream(message) if request.body.get("stream") else json_body(message)

    def error_of(self, status: HttpStatus) -> object:
        kind = _ERRORS.get(status.code, "api_error")
        return {"type": "error", "error": {"type": kind, "message": status.message}, "request_id": "req_loopback"}


def _stream(message: dict[str, Any]) -> Body:
    """The same message as server-sent events, each block in one piece."""
    events: list[dict[str, Any]] = [
        {"type": "message_start", "message": message | {"content": [], "stop_reason": None}},
    ]
    for index, block in enumerate(message["content"]):
        kind = block["type"]
        deltas = [{"type": f"{kind}_delta", kind: block[kind]}]
        if "signature" in block:
            deltas.append({"type": "signature_delta", "signature": block["signature"]})
        empty = block | {kind: ""} | ({"signature": ""} if "signature" in block else {})
        events.append({"type": "content_block_start", "index": index, "content_block": empty})
        events += [{"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas]
        events.append({"type": "content_block_stop", "index": index})
    stop = {"stop_reason": message["stop_reason"], "stop_sequence": None}
    events.append({"type": "message_delta", "delta": stop, "usage": message["usage"]})
    events.append({"type": "message_stop"})
    lines = [f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events]
    return Body("".join(lines).encode(), "text/event-stream")


def _prompt(request: Request) -> str:
    parts = [_text(message.get("content")) for message in request.body.get("messages", ())]
    return _text(request.body.get("system")) + "".join(parts)


def _text(content: Any) -> str:
    """A text, or the texts of content blocks."""
    if isinstance(content, list):
        return "".join(str(block.get("text", "")) for block in content)
    return content or ""
