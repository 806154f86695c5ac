"""A loopback server with OpenAI's chat completions."""

from __future__ import annotations

from pytest_koderz.core.iteration import StopReason
from pytest_koderz.core.money import Usage

from .script import Answer, HttpStatus
from .server import Body, LoopbackServer, Request, estimate, json_body

_REASONS = {
    StopReason.END: "stop",
    StopReason.MAX_TOKENS: "length",
    StopReason.CONTEXT: "length",
    StopReason.REFUSAL: "content_filter",
}


class OpenAIServer(LoopbackServer):
    """POST /v1/chat/completions, not streaming; GET /v1/models."""

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
        return json_body(
            {
                "id": f"chatcmpl-{len(self.requests)}",
                "object": "chat.completion",
                "created": 1767225600,
                "model": answer.model or request.body.get("model"),
                "choices": [{"index": 0, "message": message, "finish_reason": _REASONS[answer.stop]}],
                "usage": {
                    "prompt_tokens": usage.prompt,
                    "completion_tokens": usage.output,
                    "total_tokens": usage.prompt + usage.output,
                    "prompt_tokens_details": {"cached_tokens": usage.cache_read},
                },
            }
        )

    def error_of(self, status: HttpStatus) -> object:
        return {"error": {"message": status.message, "type": "invalid_request_error", "code": status.code}}
