"""A loopback server that the official Ollama client accepts."""

from __future__ import annotations

import json
from collections.abc import Sequence

from pytest_koderz.core.iteration import StopReason
from pytest_koderz.core.money import Usage

from .script import Answer, HttpStatus, Script
from .server import Body, LoopbackServer, Request, estimate, json_body

_MOMENT = "2026-01-01T00:00:00Z"
_MILLISECOND = 1_000_000
"""In nanoseconds, Ollama's unit of time."""


class OllamaServer(LoopbackServer):
    """POST /api/chat, streaming or not, for the *models* that are pulled; /api/tags, /api/show, /api/version."""

    def __init__(
        self,
        script: Script = (),
        *,
        models: Sequence[str] | None = None,
        context_length: int = 32768,
        prompt_ns: int = 100 * _MILLISECOND,
        reply_ns: int = 900 * _MILLISECOND,
    ) -> None:
        """*models* of None: any name is there, and none is listed.

        *prompt_ns* and *reply_ns* are the durations of each answer.
        """
        super().__init__(script)
        self.models = models
        self.digests: dict[str, str] = {}
        """Of the pulled models whose weights are to differ from the others'."""
        self.context_length = context_length
        self.prompt_ns = prompt_ns
        self.reply_ns = reply_ns

    def is_scripted(self, request: Request) -> bool:
        return request.method == "POST" and request.path == "/api/chat" and self._has(request.body.get("model", ""))

    def plain(self, request: Request) -> Body | HttpStatus:
        match request.path:
            case "/api/version":
                return json_body({"version": "0.12.0"})
            case "/api/tags" if self.models is not None:
                return json_body({"models": [self._listed(name) for name in self.models]})
            case "/api/chat" | "/api/show" if not self._has(name := str(request.body.get("model", ""))):
                return HttpStatus(404, f"model '{name}' not found")
            case "/api/show":
                return json_body(self._shown())
            case "/":
                return Body(b"Ollama is running", "text/plain; charset=utf-8")
            case _:
                return HttpStatus(404, f"{request.method} {request.path} is not served")

    def usage_of(self, answer: Answer, request: Request) -> Usage:
        """Ollama knows no cached tokens: all that was read counts as input."""
        prompt = "".join(str(message.get("content", "")) for message in request.body.get("messages", ()))
        read = estimate(prompt) if answer.input_tokens is None else answer.input_tokens
        written = estimate(answer.text) if answer.output_tokens is None else answer.output_tokens
        return Usage(read + answer.cache_write + answer.cache_read, written)

    def body_of(self, answer: Answer, usage: Usage, request: Request) -> Body:
        model = answer.model or request.body.get("model")
        message = {"role": "assistant", "content": answer.text}
        if answer.thinking:
            message["thinking"] = answer.thinking
        head = {"model": model, "created_at": _MOMENT}
        last = {
            "done": True,
            "done_reason": "length" if answer.stop in (StopReason.MAX_TOKENS, StopReason.CONTEXT) else "stop",
            "total_duration": self.prompt_ns + self.reply_ns + _MILLISECOND,
            "load_duration": _MILLISECOND,
            "prompt_eval_count": usage.input,
            "prompt_eval_duration": self.prompt_ns,
            "eval_count": usage.output,
            "eval_duration": self.reply_ns,
        }
        # Ollama streams unless it is told not to.
        if not request.body.get("stream", True):
            return json_body(head | {"message": message} | last)
        lines = [head | {"message": message, "done": False}, head | {"message": message | {"content": ""}} | last]
        return Body("".join(json.dumps(line) + "\n" for line in lines).encode(), "application/x-ndjson")

    def begun(self, pieces: Sequence[str], request: Request) -> Body:
        if not request.body.get("stream", True):
            return Body(b"")
        return Body("".join(self._line(piece, request) for piece in pieces).encode(), "application/x-ndjson")

    def _line(self, piece: str, request: Request) -> str:
        message = {"role": "assistant", "content": piece}
        head = {"model": request.body.get("model"), "created_at": _MOMENT}
        return json.dumps(head | {"message": message, "done": False}) + "\n"

    def error_of(self, status: HttpStatus) -> object:
        return {"error": status.message}

    def _has(self, model: str) -> bool:
        return self.models is None or model in self.models

    def _listed(self, name: str) -> dict[str, object]:
        details = {"format": "gguf", "family": "loopback", "parameter_size": "7B", "quantization_level": "Q4_0"}
        return {
            "name": name,
            "model": name,
            "modified_at": _MOMENT,
            "size": 4_000_000_000,
            "digest": self.digests.get(name, "0" * 64),
            "details": details,
        }

    def _shown(self) -> dict[str, object]:
        return {
            "modelfile": "",
            "template": "{{ .Prompt }}",
            "details": {"format": "gguf", "family": "loopback"},
            "model_info": {"general.architecture": "loopback", "loopback.context_length": self.context_length},
            "capabilities": ["completion"],
        }
