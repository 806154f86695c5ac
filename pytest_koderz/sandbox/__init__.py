"""The judge of model-written code: a problem and a candidate in, a verdict out.

Read it in this order:

1. In the pytest process: `supervisor` (the judge), `crossing` (which problems need one process for all),
   `process_pool` (what it keeps running), `child_factory` (children of one kind), `fork_server` (its processes, seen
   from outside), `candidate_run` (one candidate against its tests), `deadline` and `resources` (its time, its output,
   what it used, how it ended), `preflight` (the judge judged), `draws` (what tests draw).
2. What crosses between processes that do not trust each other: `channel` (messages), `value_codec` (values in them),
   `answer_format` (what came of a run).
3. In the processes: `zygote` (a fork server), `child` (the candidate), `checker` (the tests), `proxy` (the function
   that they call, answered by the child), `assertions` (counted and explained), `in_process` (tests that need the
   candidate's own module).
   Of a repository's function: `repository_tests` (its tests against a candidate in its place), `repository_copy` and
   `compiled_ahead` (what they read) and `tampering` in the pytest process; `repository_child`, `witness` (what pytest
   tells) and `watched_run` (what the candidate does beside answering) in the child.
4. What holds a child: `child_locks`, then `private_mounts`, `landlock`, `seccomp`, `system_calls` and `scratch`;
   `lock_probe` tells what does hold; `file_attributes` does in the scratch folder what the locks cannot leave open.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .supervisor import Judge


def open_sandbox(
    *, timeout: float = 5.0, memory_limit: int = 1 << 30, strict: bool = False, draws: str | None = None
) -> Judge:
    """Start the judge; close it, or use it as a context manager.

    *timeout*: seconds that a candidate may take for all of a problem's tests, without waiting for a CPU. Where the
    canonical solution itself needs long, a candidate may take ten times that, and never more than ten times *timeout*.
    *memory_limit*: bytes of address space of a candidate.
    *strict*: raise UsageError where this system lacks one of the locks.
    *draws*: a secret from which the tests draw: two judges with the same one ask the same. None: one of its own. The
    empty text stands for what earlier versions drew, which everybody knows.
    """
    # The candidate's process imports this package too, and must hold as little of it as can be.
    from .supervisor import Judge

    return Judge(timeout, memory_limit, strict=strict, draws=draws)
