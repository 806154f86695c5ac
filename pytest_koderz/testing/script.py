"""What a loopback server is to answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_koderz.core.iteration import StopReason

if TYPE_CHECKING:
    from .server import Request


@dataclass(frozen=True, slots=True)
class Answer:
    """A model's reply. Token counts of None are taken as characters / 4 of what was sent."""

    text: str
    input_tokens: int | None = None
    """Tokens read anew; in the dialects that count cached ones in, those are added on the wire."""
    output_tokens: int | None = None
    cache_write: int = 0
    cache_read: int = 0
    stop: StopReason = StopReason.END
    thinking: str = ""
    model: str | None = None
    """None: the model that was asked for."""
    latency: float = 0.0
    """Seconds before the answer is sent."""


@dataclass(frozen=True, slots=True)
class HttpStatus:
    """An error of the service. It is not billed."""

    code: int
    message: str = "injected"
    retry_after: float | None = None
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Dropped:
    """The connection is closed without a word. Not billed."""


@dataclass(frozen=True, slots=True)
class HalfSent:
    """Head and half of the body of a good answer, then the connection is closed. Not billed."""

    text: str = "this will not arrive"


@dataclass(frozen=True, slots=True)
class Garbage:
    """HttpStatus 200 with a body that is no answer. Not billed."""

    body: bytes = b"<html>It works!</html>"
    content_type: str = "application/json"


@dataclass(frozen=True, slots=True)
class Hang:
    """Nothing is sent until the server is closed. Not billed."""


@dataclass(frozen=True, slots=True)
class Stalled:
    """A reply that begins with these pieces, each a token where the client asked for a stream, and goes on only when
    the client has left. Counted as cancelled.
    """

    pieces: tuple[str, ...] = ()


Fault = HttpStatus | Dropped | HalfSent | Garbage | Hang | Stalled
Turn = Answer | Fault | str
Script = Sequence[Turn] | Callable[["Request"], Turn]

EXHAUSTED = HttpStatus(400, "the script of this server is exhausted")
"""What comes after a sequence's last turn; a status that no client tries again."""


@dataclass(slots=True)
class Playback:
    """A script as it goes on."""

    script: Script
    turn: int = field(default=0)

    def next(self, request: Request) -> Answer | Fault:
        if callable(self.script):
            return _full(self.script(request))
        self.turn += 1
        return _full(self.script[self.turn - 1]) if self.turn <= len(self.script) else EXHAUSTED


def _full(turn: Turn) -> Answer | Fault:
    return Answer(turn) if isinstance(turn, str) else turn
