"""A loopback server for the official Anthropic SDK."""

from __future__ import annotations

from typing import Any

from pytest_koderz.core.iteration import StopReason
from pytest_koderz.core.money import Usage

from .script import Answer, Status
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
    """POST /v1/messages, not streaming."""

    def is_scripted(self, request: Request) -> bool:
        return request.method == "POST" and request.path == "/v1/messages"

    def usage_of(self, answer: Answer, request: Request) -> Usage:
        return Usage(
            estimate(_prompt(request)) if answer.input_tokens is None else answer.input_tokens,
            estimate(answer.text) if answer.output_tokens is None else answer.output_tokens,
            answer.cache_write,
            answer.cache_read,
        )

    def body_of(self, answer: Answer, usage: Usage, request: Request) -> Body:
        thinking = [{"type": "thinking", "thinking": answer.thinking, "signature": "c2lnbmVk"}]
        return json_body(
            {
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
        )

    def error_of(self, status: Status) -> object:
        kind = _ERRORS.get(status.code, "api_error")
        return {"type": "error", "error": {"type": kind, "message": status.message}, "request_id": "req_loopback"}


def _prompt(request: Request) -> str:
    parts = [_text(message.get("content")) for message in request.body.get("messages", ())]
    return _text(request.body.get("system")) + "".join(parts)


def _text(content: Any) -> str:
    """A text, or the texts of content blocks."""
    if isinstance(content, list):
        return "".join(str(block.get("text", "")) for block in content)
    return content or ""
