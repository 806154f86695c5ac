"""Transport to language models: one module for each back end, which ends in its one `BACKEND`."""

from __future__ import annotations

from . import anthropic, embedded, ollama, openai, simulated
from .backend import Registry

OURS = Registry(module.BACKEND for module in (anthropic, embedded, ollama, openai, simulated))
"""What this package offers through the hook `pytest_koderz_backends`, as a plugin does; `session.replay`, which reads
records, comes in by the same hook."""
