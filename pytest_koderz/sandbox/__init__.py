"""The judge of model-written code."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .supervisor import Judge


def open_sandbox(*, timeout: float = 5.0, memory_limit: int = 1 << 30) -> Judge:
    """Start the judge; close it, or use it as a context manager.

    *timeout*: seconds a candidate may take for all of a problem's tests, without waiting for a CPU.
    *memory_limit*: bytes of address space.
    """
    # The candidate's process imports this package too, and must hold as little of it as can be.
    from .supervisor import Judge

    return Judge(timeout, memory_limit)
