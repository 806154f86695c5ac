"""The judge of model-written code."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .supervisor import Judge


def open_sandbox(*, timeout: float = 5.0, memory_limit: int = 1 << 30, strict: bool = False) -> Judge:
    """Start the judge; close it, or use it as a context manager.

    *timeout*: seconds that a candidate may take for all of a problem's tests, without waiting for a CPU. Where the
    canonical solution itself needs long, a candidate may take ten times that, and never more than ten times *timeout*.
    *memory_limit*: bytes of address space of a candidate.
    *strict*: raise UsageError where this system lacks one of the locks.
    """
    # The candidate's process imports this package too, and must hold as little of it as can be.
    from .supervisor import Judge

    return Judge(timeout, memory_limit, strict=strict)
