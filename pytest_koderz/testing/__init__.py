"""Loopback model servers and small fakes, to test what is built on pytest-koderz without a network or a bill.

Servers are context managers with a `url`; they take a script, keep every request and count what they would bill:

    from pytest_koderz.testing import AnthropicServer, Answer, Status

    with AnthropicServer([Status(529), Answer("def add(x, y): return x + y", input_tokens=40)]) as server:
        client = anthropic.Anthropic(base_url=server.url, api_key="any")
        client.messages.create(...)          # the SDK retries after the 529
        assert server.billed.calls == 1

A script is a sequence, of which each request takes the next turn, or a function of the request. A turn is an Answer, a
text (short for an Answer), or a fault: Status, Dropped, HalfSent, Garbage, Hang; Stalled begins a reply and leaves the
rest to a client that cancels it.
"""

from __future__ import annotations

from .anthropic_server import AnthropicServer
from .fakes import FrozenClock, NoMemory, RecordingListener, ScriptedModel, ScriptedSandbox
from .ollama_server import OllamaServer
from .openai_server import OpenAIServer
from .script import Answer, Dropped, Fault, Garbage, HalfSent, Hang, Script, Stalled, Turn
from .script import HttpStatus as Status
from .server import Billed, LoopbackServer, Request

__all__ = [
    "Answer",
    "AnthropicServer",
    "Billed",
    "Dropped",
    "Fault",
    "FrozenClock",
    "Garbage",
    "HalfSent",
    "Hang",
    "LoopbackServer",
    "NoMemory",
    "OllamaServer",
    "OpenAIServer",
    "RecordingListener",
    "Request",
    "Script",
    "ScriptedModel",
    "ScriptedSandbox",
    "Stalled",
    "Status",
    "Turn",
]
