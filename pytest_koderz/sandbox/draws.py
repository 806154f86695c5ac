"""What tests draw: the same for each candidate of a benchmark, and nothing that one could know beforehand."""

from __future__ import annotations

import random
import sys
from contextlib import suppress
from hashlib import sha256
from importlib import import_module


def seed_of(secret: str, tests: str) -> int:
    """Of one set of tests, which tells nothing of the secret, nor of the seed of another set."""
    return int.from_bytes(sha256(f"{secret}\0{tests}".encode()).digest()[:7], "big") if secret else 0


def seed_draws(seed: int, tests: str) -> None:
    """Have all draw by *seed* from now on, wherever *tests*, which are about to begin, import what they draw with."""
    random.seed(seed)
    if "numpy" in sys.modules or "numpy" in tests:
        with suppress(ImportError):
            import_module("numpy").random.seed(seed % 2**32)
