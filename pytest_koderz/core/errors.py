"""The errors of the package.

KoderzError
├── InfrastructureError     a model server, the sandbox or a disk failed; the experiment is *invalid*, never unsolved
│   ├── ModelUnavailable    no answer for as long as the user's patience lasts
│   │   └── ModelRefused    a refusal of the service that is not the model's own: no such model, no access, no room
│   ├── SandboxFault        the judge itself broke; says nothing of the candidate
│   └── JournalFault        what was paid for cannot be recorded, or a record cannot be read
├── OutOfBudget             a guard refused a call; the experiment is *skipped*
├── Withdrawn               a call of several was not sent, since another one's answer was accepted; nobody misses it
└── MemoryUnavailable       cortex does not answer; never stops an experiment

A mistake of the user is none of the core's: `files.usage_error.UsageError` says in one line where it stands.
"""

from __future__ import annotations


class KoderzError(Exception):
    """Whatever this package raises on purpose."""


class InfrastructureError(KoderzError):
    """What the experiment stands on failed, so its result says nothing about a model."""


class ModelUnavailable(InfrastructureError):
    """A model gave no answer within the bounded retries, or can give none (no such model, no access)."""


class ModelRefused(ModelUnavailable):
    """The service answers, and refuses the request."""

    def __init__(self, words: str, *, lasting: bool = True) -> None:
        super().__init__(words)
        self.lasting = lasting
        """Whether it will refuse all others too, such as for a missing model or a wrong key. False: it may be due to
        this prompt, as long as the model has answered others."""


class SandboxFault(InfrastructureError):
    """The judge could not come to a verdict, through no fault of the candidate."""


class JournalFault(InfrastructureError):
    """The record cannot be kept, so nothing more may be paid for; or what was kept cannot be read."""


class OutOfBudget(KoderzError):
    """A call was not made because it could have passed the limit the user set."""


class Withdrawn(KoderzError):
    """A call was not sent, since its answer was no longer wanted."""


class MemoryUnavailable(KoderzError):
    """The memory server cannot be reached, or did not keep what it was given."""
