"""The record of one arm on one problem, once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from hashlib import sha256

from .iteration import Iteration, StopReason, Verdict
from .money import Ledger, Usage
from .problem import Acceptance, Traits


class Status(StrEnum):
    """How an experiment stands."""

    RUNNING = "running"
    SOLVED = "solved"
    UNSOLVED = "unsolved"
    INVALID = "invalid"
    """The infrastructure failed, which says nothing of the models."""
    SKIPPED = "skipped"
    """A guard, such as the budget, stopped it."""

    @property
    def settled(self) -> bool:
        """True where the models have had their say: solved or unsolved."""
        return self in (Status.SOLVED, Status.UNSOLVED)


@dataclass(frozen=True, slots=True)
class Spec:
    """The frontier's written reading of a problem."""

    text: str
    model_id: str
    usage: Usage = Usage()
    cost: Decimal | None = None
    seconds: float = 0.0
    gpu_seconds: float | None = None
    """As the server reported them. None: it did not."""
    recalled_from: str | None = None
    """Id of the experiment that paid for it. None: this one did."""
    after_iteration: int = 0
    """0: before the first one."""
    leaks: tuple[str, ...] = ()
    """What the audit found in it that it should not hold; see `core.audit`."""
    stop_reason: StopReason = StopReason.END

    @property
    def usable(self) -> bool:
        """Whether the local model is shown it."""
        return _is_usable(self.text, self.stop_reason)


@dataclass(frozen=True, slots=True)
class Guidance:
    """What the frontier said at a checkpoint."""

    number: int
    """Of the checkpoint, counted from 1."""
    after_iteration: int
    text: str
    model_id: str
    recalled: int = 0
    """How many attempts came from the memory; 0: the loop's own record was used."""
    usage: Usage = Usage()
    cost: Decimal | None = None
    seconds: float = 0.0
    leaks: tuple[str, ...] = ()
    """What the audit found in it that it should not hold; see `core.audit`."""
    stop_reason: StopReason = StopReason.END

    @property
    def usable(self) -> bool:
        """Whether the local model is shown it."""
        return _is_usable(self.text, self.stop_reason)


@dataclass(frozen=True, slots=True)
class Advice:
    """Guidance that helped another experiment, on another problem, out of a failure like this one's."""

    text: str
    experiment_id: str
    """Whose guidance it was."""
    problem_id: str
    after_iteration: int = 0
    """Of the experiment that it is offered to; 0: not offered yet."""
    leaks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, repr=False)
class Experiment:
    """One arm on one problem, once. A new record follows each step; this one never changes."""

    id: str
    problem_id: str
    arm: str
    epoch: int = 1
    """Counted from 1."""
    benchmark_id: str = ""
    seed: int = 0
    spec: Spec | None = None
    iterations: tuple[Iteration, ...] = ()
    checkpoints: tuple[Guidance, ...] = ()
    advice: tuple[Advice, ...] = ()
    """What was recalled from earlier experiments; empty unless the arm asks for it."""
    accept_on: Acceptance = "base"
    """Which tests its iterations were judged on."""
    graded: Verdict | None = None
    """The last candidate's verdict on the grading tests, where these are not those that it was iterated on.
    None: it was not graded apart, or never passed the base tests."""
    ledger: Ledger = Ledger()
    status: Status = Status.RUNNING
    reason: str = ""
    """Why it is invalid or was skipped."""
    seconds: float = 0.0
    started: str = ""
    """ISO 8601, UTC."""
    prompt_version: str = ""
    earlier: Ledger = Ledger()
    """What was charged for attempts at it that do not count: the last one does."""
    traits: Traits = Traits()
    """Of its problem."""

    def __repr__(self) -> str:
        """One line, for the assertions of a user's own tests; all of it would be pages."""
        epoch = f", epoch {self.epoch}" if self.epoch > 1 else ""
        return f"<Experiment {self.problem_id}[{self.arm}]{epoch}: {self.status}, iterations: {len(self.iterations)}>"

    @property
    def guidance(self) -> str | None:
        """The latest guidance that is any; None before."""
        return next((guidance.text for guidance in reversed(self.checkpoints) if guidance.usable), None)

    @property
    def verdict(self) -> Verdict | None:
        """What decides whether it is solved: the last grading. None before the first iteration."""
        return self.graded or (self.iterations[-1].verdict if self.iterations else None)

    @property
    def accepted(self) -> bool:
        """Whether its last candidate is its answer: the loop's tests let it pass, or the fallback model wrote it."""
        return bool(self.iterations) and (self.iterations[-1].accepted or self.iterations[-1].fallback)

    @property
    def solved(self) -> bool:
        return self.status is Status.SOLVED

    @property
    def charged(self) -> Ledger:
        """Of all attempts at it."""
        return self.ledger + self.earlier

    def with_spec(self, spec: Spec) -> Experiment:
        return replace(self, spec=spec)

    def with_iteration(self, iteration: Iteration) -> Experiment:
        return replace(self, iterations=(*self.iterations, iteration))

    def with_checkpoint(self, guidance: Guidance) -> Experiment:
        return replace(self, checkpoints=(*self.checkpoints, guidance))

    def with_advice(self, advice: Advice) -> Experiment:
        return replace(self, advice=(*self.advice, advice))

    def with_graded(self, verdict: Verdict) -> Experiment:
        return replace(self, graded=verdict)

    def with_charged(self, charged: Ledger) -> Experiment:
        """This attempt, where all attempts at the experiment were *charged* so much."""
        return replace(self, earlier=charged.beyond(self.ledger))

    def ended(self, status: Status, seconds: float, reason: str = "") -> Experiment:
        return replace(self, status=status, seconds=seconds, reason=reason)


def _is_usable(text: str, stop_reason: StopReason) -> bool:
    """A refusal says nothing of the problem, nor does an empty text."""
    return bool(text) and stop_reason is not StopReason.REFUSAL


def experiment_id(benchmark_id: str, problem_id: str, arm: str, epoch: int) -> str:
    """`exp_` and eight hex digits: the same for the same experiment of the same benchmark, in any process."""
    return "exp_" + _digest(benchmark_id, problem_id, arm, str(epoch))[:8]


def seed_of(problem_id: str, arm: str, epoch: int) -> int:
    """A seed from 0 to 2**31 - 1 that belongs to the experiment: not to the process, the order or the day."""
    return int(_digest(problem_id, arm, str(epoch))[:8], 16) & 0x7FFFFFFF


def spec_seed(problem_id: str, epoch: int) -> int:
    """The seed of a spec, which all arms of an epoch may share."""
    return seed_of(problem_id, "spec", epoch)


def _digest(*parts: str) -> str:
    return sha256("\0".join(parts).encode()).hexdigest()
