"""Replies that come in pieces, put together as the answers that come whole, so that one reader does for both."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any

from .http.client import MOST_BYTES
from .http.retry import MayPass, Refused
from .token_counts import ToldCounts, told_by_openai

THOUGHTS = ("reasoning_content", "reasoning", "thinking")
"""Under which of them what a model thought stands apart differs from server to server."""


class Pieces(ABC):
    """An answer under way."""

    def __init__(self) -> None:
        self.ended = False
        """Whether the server has said that this is all."""
        self.number = 0
        """Of the pieces with something written in them: none comes of less than a token."""
        self.texts: dict[str, list[str]] = {}
        """What was written so far, by the name of its field."""
        self._size = 0
        self._called = False

    @property
    def written(self) -> int:
        """Characters, those of a thought included."""
        thought = max((len("".join(self.texts.get(name, ()))) for name in THOUGHTS), default=0)
        return len("".join(self.texts.get("content", ()))) + thought

    @abstractmethod
    def take(self, line: bytes) -> None:
        """The next line; behind the last one an empty one. Raises MayPass or Refused for what belongs to no answer."""

    @property
    @abstractmethod
    def answer(self) -> dict[str, Any]:
        """As it would have come whole, as far as it came."""

    @property
    @abstractmethod
    def told(self) -> ToldCounts:
        """What the server said of its tokens so far."""

    def _message(self) -> dict[str, Any]:
        message: dict[str, Any] = {name: "".join(parts) for name, parts in self.texts.items()}
        return {"content": None, **message, **({"tool_calls": [{}]} if self._called else {})}

    def _add(self, message: Mapping[str, Any]) -> None:
        said = {name: text for name in ("content", "refusal", *THOUGHTS) if (text := message.get(name))}
        for name, text in said.items():
            if not isinstance(text, str):
                raise TypeError(text)
            self.texts.setdefault(name, []).append(text)
            self._size += len(text)
        if self._size > MOST_BYTES:
            raise Refused(None, f"its answer is longer than {MOST_BYTES >> 20} MB", billed=True)
        self.number += bool(said)
        self._called = self._called or bool(message.get("tool_calls"))


class CompletionPieces(Pieces):
    """Server-sent events, each with a chunk of a chat completion (https://html.spec.whatwg.org/#parsing-an-event-stream)."""

    def __init__(self) -> None:
        super().__init__()
        self._data: list[bytes] = []
        """Of the event under way."""
        self._waiting = 0
        """Bytes of these."""
        self._beside: dict[str, Any] = {}
        """What stands beside the choices: the latest of each."""
        self._choice: dict[str, Any] | None = None

    def take(self, line: bytes) -> None:
        line = line.rstrip(b"\r")
        if line:
            name, _, value = line.partition(b":")
            # llama.cpp once named its errors so.
            if name in (b"data", b"error"):
                self._data.append(value.removeprefix(b" "))
                self._waiting += len(value)
            if self._waiting > MOST_BYTES:
                raise Refused(None, f"its answer is longer than {MOST_BYTES >> 20} MB", billed=True)
            return
        content, self._data, self._waiting = b"\n".join(self._data), [], 0
        if content.strip() == b"[DONE]":
            self.ended = True
        elif content:
            self.chunk(_object(content))

    def chunk(self, chunk: Mapping[str, Any]) -> None:
        """The same for an event that is read already."""
        if chunk.get("error") or chunk.get("type") == "error":
            self._beside["error"], self.ended = chunk.get("error") or chunk, True
        self._beside |= {name: chunk[name] for name in ("model", "usage", "timings") if chunk.get(name)}
        try:
            for choice in _first_of(chunk.get("choices")):
                self._choose(choice)
        except (TypeError, AttributeError):
            raise MayPass("it streamed something that is no chat completion") from None

    def _choose(self, choice: Mapping[str, Any]) -> None:
        self._choice = self._choice or {}
        self._choice |= {name: choice[name] for name in ("finish_reason", "error") if choice.get(name)}
        self.ended = self.ended or "finish_reason" in self._choice
        self._add(choice.get("delta") or choice.get("message") or {})

    @property
    def answer(self) -> dict[str, Any]:
        choices = [] if self._choice is None else [{**self._choice, "message": self._message()}]
        return {**self._beside, "choices": choices}

    @property
    def told(self) -> ToldCounts:
        """vLLM and SGLang count in `usage`, llama-server in `timings`."""
        if "usage" in self._beside:
            return told_by_openai(self._beside["usage"])
        timings = self._beside.get("timings")
        if not isinstance(timings, dict):
            return ToldCounts()
        read, cached = timings.get("prompt_n"), timings.get("cache_n")
        return ToldCounts(read, timings.get("predicted_n"), cache_read=cached, apart=True)


class ChatPieces(Pieces):
    """Lines of JSON, each a part of the message of Ollama's chat; only the last one counts tokens."""

    def __init__(self) -> None:
        super().__init__()
        self._last: dict[str, Any] = {}
        self._error: dict[str, Any] = {}

    def take(self, line: bytes) -> None:
        if not line.strip():
            return
        self._last = _object(line)
        if self._last.get("error"):
            self._error = {"error": self._last["error"]}
        self.ended = self.ended or bool(self._last.get("done") or self._last.get("error"))
        try:
            self._add(self._last.get("message") or {})
        except (TypeError, AttributeError):
            raise MayPass("it streamed something that is no message") from None

    @property
    def answer(self) -> dict[str, Any]:
        message = {**self._message(), "content": "".join(self.texts.get("content", ()))}
        return {**self._last, **self._error, "message": message}

    @property
    def told(self) -> ToldCounts:
        return ToldCounts(self._last.get("prompt_eval_count"), self._last.get("eval_count"))


def _object(content: bytes) -> dict[str, Any]:
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        raise MayPass("it streamed something that is not JSON") from None
    if not isinstance(value, dict):
        raise MayPass("it streamed JSON that is no object")
    return value


def _first_of(choices: object) -> Iterator[Mapping[str, Any]]:
    """Those of the first answer, where there are several. Raises TypeError."""
    if choices is None:
        return
    if not isinstance(choices, list):
        raise TypeError(choices)
    yield from (choice for choice in choices if choice.get("index") in (0, None))
